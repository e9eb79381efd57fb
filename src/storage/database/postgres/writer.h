#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/database/database.h"
#include "storage/database/forward_queries.h"
#include "storage/database/postgres/connection.h"
#include "storage/database/postgres/reading.h"
#include "storage/database/postgres/target.h"
#include "storage/database/postgres/task_statements.h"

namespace mito::storage::postgres {

/// The epoch of the last writer of this process; zero while there was none.
using Epoch = std::atomic<std::int64_t>;

/// The writing session. Every operation is one set-based statement for its whole span, found by keys; a round of the
/// core goes out in one pipeline.
class PostgresWriter final : public ForwardQueries<Writer, PostgresWriter> {
 public:
  /// Migrates, then takes over: adds one to the epoch, which goes to `epoch`, too.
  static Result<std::unique_ptr<PostgresWriter>> open(const Target& target, std::shared_ptr<Epoch> epoch);
  ~PostgresWriter() override;
  PostgresWriter(const PostgresWriter&) = delete;
  PostgresWriter& operator=(const PostgresWriter&) = delete;

  Reading* questions() { return &reading_; }

  Result<void> begin() override;
  Result<void> commit() override;
  void rollback() override;
  Result<void> savepoint() override;
  Result<void> release_savepoint() override;
  Result<void> rollback_to_savepoint() override;
  [[nodiscard]] std::uint64_t batch() const override { return batch_; }
  Result<std::uint64_t> recover() override;
  Result<TaskId> reserve_task_ids(std::size_t count) override;

  Result<std::pair<UserId, GroupId>> insert_user(const NewUser& user) override;
  Result<void> update_user(const User& user) override;
  Result<GroupId> insert_group(std::string_view name, UserId creator, Timestamp now) override;
  Result<bool> update_group(const Group& group) override;
  Result<void> upsert_memberships(std::span<const Membership> memberships) override;
  Result<void> delete_memberships(GroupId group, std::span<const UserId> users) override;

  Result<WorkerId> insert_worker(const NewWorker& worker) override;
  Result<void> update_worker(const Worker& worker) override;
  Result<void> upsert_access(std::span<const WorkerAccess> access) override;
  Result<void> delete_access(WorkerId worker, std::span<const GroupId> groups) override;
  Result<void> delete_workers(std::span<const WorkerId> workers) override;
  Result<void> write_heartbeats(std::span<const std::pair<WorkerId, Timestamp>> heartbeats) override;

  Result<std::vector<Group>> read_groups(std::span<const GroupId> ids) override;
  Result<std::vector<bool>> update_task_counts(std::span<const GroupCounters> counters) override;
  Result<void> insert_tasks(std::span<const NewTask> tasks) override;
  Result<std::vector<std::optional<ClaimedTask>>> claim_tasks(std::span<const Claim> claims) override;
  Result<std::vector<bool>> report_states(std::span<const StateReport> reports) override;
  Result<std::vector<bool>> archive_tasks(std::span<const Archive> archives) override;
  Result<std::vector<bool>> release_tasks(std::span<const Release> releases) override;
  Result<std::vector<bool>> promote_tasks(std::span<const TaskUuid> tasks, Timestamp now) override;
  Result<std::vector<bool>> change_tasks(std::span<const TaskChange> changes) override;
  Result<void> set_labels(TaskId task, const std::vector<std::string>& labels, Timestamp now) override;
  Result<void> set_downstream(TaskId task, TaskUuid downstream) override;
  Result<void> touch_task(TaskId task, Timestamp now) override;
  Result<void> set_watch_reached(std::span<const TaskId> tasks) override;
  Result<void> delete_tasks(std::span<const TaskId> tasks) override;

  Result<void> upsert_artifact(const Artifact& artifact) override;
  Result<void> delete_artifact(TaskUuid task, ArtifactContentType type) override;
  Result<void> upsert_attachment(const Attachment& attachment) override;
  Result<void> delete_attachment(GroupId group, std::string_view key) override;
  Result<void> set_fact(std::string_view name, std::string_view value) override;

  Result<RoundAnswers> write_round(const Round& round, Opening opening, Closing closing) override;

 private:
  PostgresWriter(Target target, std::unique_ptr<Connection> connection);
  Result<void> take_over();
  /// The row of the fence no longer holds what we wrote into it.
  Error lost_the_fence();
  /// Fails unless a transaction can be begun.
  Result<void> check_idle();
  /// The fence: a row that is not ours any more changes nothing, or fails.
  void add_begin(Flight& flight, Unless unless = Unless::kTold) const;
  static void add_commit(Flight& flight);
  /// A whole transaction in one flight: its conditions are checked by the server. Nothing: one of them does not hold,
  /// and nothing has happened.
  Result<std::optional<RoundAnswers>> commit_round(const Round& round);
  /// Fails unless a transaction is open and nothing in it has failed.
  Result<void> check_writable() const;
  /// One statement of a transaction; its rows are not looked at.
  Result<void> write(const char* sql, Params params);
  Result<void> write_all(const Flight& flight);
  Result<bool> name_taken(std::string_view name);
  Result<GroupId> add_group(std::string_view name, UserId creator, Timestamp now);

  Target target_;
  std::unique_ptr<Connection> connection_;
  Reading reading_;
  std::int64_t epoch_ = 0;
  std::uint64_t committed_ = 0;  ///< Number of our last transaction that is known to be committed.
  std::uint64_t batch_ = 0;
  bool in_transaction_ = false;
  bool savepoint_ = false;
};

}  // namespace mito::storage::postgres
