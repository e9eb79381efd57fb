#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "domain/ids.h"
#include "storage/database/database.h"

namespace mito::core {

/// One transaction of the core loop: collects what is to be written and writes it with one statement per kind. Core
/// thread.
///
/// The statements of a round run in a fixed order of kinds (enum Phase). An operation whose task or worker was already
/// touched by the same or a later kind would be reordered against it: then the round is written first and another
/// begins. So what is in the database afterwards is always what the operations, one after the other, would have made.
class Transaction {
 public:
  Transaction(storage::Writer& writer, Timestamp now) : writer_(writer), now_(now) {}

  /// Collecting. They fail only when a round had to be written first and that failed.
  Result<void> report(storage::StateReport report);
  Result<void> release(storage::Release release);
  Result<void> archive(storage::Archive archive);
  Result<void> promote(TaskUuid task, TaskId id);
  Result<void> change(storage::TaskChange change);
  Result<void> reach_watch(TaskId task);
  Result<void> insert(storage::NewTask task);
  Result<void> set_downstream(TaskId task, TaskUuid downstream);
  /// A number for claimed().
  Result<std::size_t> claim(storage::Claim claim);
  Result<void> delete_worker(WorkerId worker);
  /// Of workers that may have gone, too. Once in a transaction.
  void heartbeats(std::span<const std::pair<WorkerId, Timestamp>> heartbeats);

  struct Claimed {
    TaskId task;
    WorkerId worker;
    storage::ClaimedTask what;
    bool known = false;  ///< Whether `what` is.
  };
  /// What a claim brought, once it has been written.
  [[nodiscard]] const std::vector<Claimed>& claimed() const { return claimed_; }

  /// The group's next task number. Nothing: there is no such group. Taken back with abandon().
  Result<std::optional<std::int64_t>> next_number(GroupId group);
  /// Reads these groups with one statement, for next_number().
  Result<void> read_groups(std::vector<GroupId> groups);

  /// Writes the round.
  Result<void> flush();
  /// Writes the round and commits.
  Result<void> commit();
  /// Whether an error of commit() is the commit's own: everything before it went well.
  [[nodiscard]] bool committing() const { return committing_; }
  /// After a commit without an answer that turned out to have happened: reads what its claims have brought.
  Result<void> read_claims();
  /// For statements that run at once: writes the round; the transaction is open.
  Result<storage::Writer*> writer();
  /// For reading only: opens no transaction of its own.
  Result<storage::Writer*> reader();
  /// Forgets the round, what was read, and the conflicts, after a failure.
  void abandon();

  /// Whether something is to be written.
  [[nodiscard]] bool has_round() const { return !round_is_empty_; }
  /// Whether there is something to commit.
  [[nodiscard]] bool begun() const { return begun_; }
  /// Tasks whose rows were not as the scheduler knew them: the reason why a round failed.
  [[nodiscard]] const std::vector<TaskId>& conflicts() const { return conflicts_; }
  /// Rows written.
  [[nodiscard]] std::size_t rows() const { return rows_; }

 private:
  enum class Phase : std::uint8_t {
    kReport = 1,
    kRelease,
    kArchive,
    kPromote,
    kChange,
    kReachWatch,
    kInsert,
    kDownstream,
    kClaim,
    kDeleteWorker
  };
  struct Counter {
    bool exists = false;
    std::int64_t written = 0;
    std::int64_t planned = 0;
  };
  struct Round {
    std::vector<storage::StateReport> reports;
    std::vector<storage::Release> releases;
    std::vector<storage::Archive> archives;
    std::vector<TaskUuid> promotions;
    std::vector<TaskId> promoted;
    std::vector<storage::TaskChange> changes;
    std::vector<TaskId> reached;
    std::vector<storage::NewTask> inserts;
    std::vector<std::pair<TaskId, TaskUuid>> downstreams;
    std::vector<storage::Claim> claims;
    std::vector<std::size_t> claim_numbers;
    std::vector<WorkerId> departures;
    std::vector<std::pair<WorkerId, Timestamp>> heartbeats;
    std::unordered_map<TaskId, Phase> tasks;
    std::unordered_map<WorkerId, Phase> workers;
    std::unordered_map<TaskId, std::size_t> inserted;  ///< Positions in `inserts`.
  };

  Result<void> touch(Phase phase, std::optional<TaskId> task, std::optional<WorkerId> worker);
  Result<void> begin();
  Result<std::optional<Result<void>>> write(storage::Closing closing);
  [[nodiscard]] std::vector<storage::GroupCounters> changed_counters() const;
  void note_conflicts(const storage::RoundAnswers& answers);

  storage::Writer& writer_;
  Timestamp now_;
  Round round_;
  std::vector<Claimed> claimed_;
  std::unordered_map<GroupId, Counter> counters_;
  std::vector<TaskId> conflicts_;
  bool begun_ = false;
  bool committing_ = false;
  bool round_is_empty_ = true;
  std::size_t rows_ = 0;
};

}  // namespace mito::core
