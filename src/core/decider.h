#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "core/core.h"
#include "core/directory.h"
#include "core/leases.h"
#include "core/requests.h"
#include "core/scheduler.h"
#include "core/transaction.h"
#include "core/undo.h"
#include "core/watches.h"

namespace mito::core {

/// What the core keeps in memory of the tasks that are not archived and of the workers. Every change goes through
/// `undo`.
struct State {
  explicit State(TagMatching rule) : scheduler(rule, undo), watches(undo), leases(undo) {}

  UndoList undo;
  Scheduler scheduler;
  Watches watches;
  Leases leases;
  bool draining = false;
  /// Reserved task ids that were not used yet: [next, end).
  std::int64_t next_task_id = 0;
  std::int64_t end_of_task_ids = 0;
};

/// How long a held task waits for a target of which nothing may be expected any more.
inline constexpr std::chrono::seconds kWatchPatience{1'800};

/// Decides what the commands of one batch do: changes the state and collects in a transaction what makes that durable.
/// Core thread; lives for one transaction.
class Decider {
 public:
  struct Context {
    const Settings& settings;
    State& state;
    const Directory& directory;
    Clock::Monotonic now;
    Timestamp wall;
    std::size_t free_waits = 0;  ///< How many more fetches may wait.
  };
  Decider(const Context& context, Directory& changed, storage::Writer& writer)
      : context_(context), changed_(changed), transaction_(writer, context.wall) {}

  /// Reads with few statements what the items need to know.
  Result<void> prefetch(std::span<const Item> items);
  /// An error is one of the database, not of the item: everything since the last mark must be taken back.
  Result<void> decide(const Item& item, Answer& answer);
  /// Writes what was collected; the claims' results are known after it.
  Result<void> finish();
  /// The same, and commits.
  Result<void> commit();
  /// After a commit without an answer that turned out to have happened: what finish() would have made known.
  Result<void> learn_claims();

  /// The task a claim brought. After finish() or commit().
  [[nodiscard]] AssignedTask claimed(std::size_t claim) const;

  /// A worker that was waiting and got a task.
  struct Woken {
    WorkerId worker;
    std::size_t claim = 0;
  };
  struct Tally {
    std::uint64_t submitted = 0;
    std::uint64_t claimed = 0;
    std::uint64_t archived = 0;
    std::uint64_t released = 0;
    std::uint64_t workers_lost = 0;
  };
  /// What happens once the transaction has committed.
  struct Effects {
    std::vector<AfterCommit> after_commit;
    std::vector<Woken> woken;
    std::vector<WorkerId> departed;
    /// What tasks come to. Those that were claimed are known by their claim at first: see name_claimed_tasks().
    std::vector<storage::TaskEvent> events;
    std::vector<std::pair<std::size_t, std::size_t>> claimed;  ///< Position in `events`, claim.
    Tally tally;
  };
  /// Enters the UUIDs of claimed tasks into the events. After finish() or commit().
  void name_claimed_tasks();
  [[nodiscard]] Effects& effects() { return effects_; }
  [[nodiscard]] Transaction& transaction() { return transaction_; }

  struct Mark {
    UndoList::Mark undo = 0;
    std::size_t after_commit = 0;
    std::size_t woken = 0;
    std::size_t departed = 0;
    std::size_t events = 0;
    std::size_t claimed = 0;
    Tally tally;
    std::size_t free_waits = 0;
  };
  [[nodiscard]] Mark mark() const;
  /// Takes back everything since the mark, but for what the transaction wrote.
  void back_to(const Mark& mark);

 private:
  using Worker = Scheduler::Worker;

  // decider.cc
  Result<void> on(SubmitRequest& request, std::size_t member, Answer& answer);
  Result<void> on(CancelRequest& request, std::size_t member, Answer& answer);
  Result<void> on(ChangeRequest& request, std::size_t, Answer& answer);
  Result<void> on(WriteRequest& request, std::size_t, Answer& answer);
  Result<TaskId> take_task_id();
  void tell(TaskUuid task, GroupId group, std::variant<TaskState, TaskExecState> state);
  Result<void> wake(std::optional<WorkerId> worker, TaskId task);
  Result<void> read_rows(std::span<const TaskUuid> uuids);
  Result<std::size_t> claim_for(WorkerId worker, TaskId task);
  void describe_claims();
  Result<void> take_next(WorkerId worker, Answer& answer);
  [[nodiscard]] const storage::Task* row(TaskUuid uuid) const;
  storage::NewTask new_task(const SubmitTask& task, TaskId id, TaskUuid uuid, std::int64_t number) const;
  Result<void> cancel(TaskId task, TaskUuid uuid, TaskState from, TaskResultMessage message);

  // decider_watches.cc
  enum class Outlook { kNoWatch, kReached, kHopeful, kHopeless };
  /// `self`: the task that watches, unless it is a new one under a name nobody knows.
  Result<Outlook> outlook(const std::optional<Watch>& watch, UserId creator, std::optional<TaskUuid> self);
  Result<bool> waits_for(TaskUuid target, TaskUuid self);
  void hold(TaskId task, const std::optional<Watch>& watch, UserId creator, Outlook outlook);
  [[nodiscard]] bool may_watch(UserId creator, GroupId target_group) const;
  Result<void> reach(TaskId task);
  Result<void> target_moved(TaskUuid target, GroupId group, TaskExecState state);
  Result<void> target_reported(TaskUuid target, GroupId group, TaskState state);
  Result<void> target_over(TaskUuid target, GroupId group, TaskState state, const std::string& result);
  void target_appeared(TaskUuid target, GroupId group);
  Result<void> on(EndWatch& request, std::size_t, Answer& answer);
  Result<void> on(CheckWatch& request, std::size_t, Answer& answer);
  Result<void> check_watch(TaskId task);

  // decider_reports.cc
  Result<void> on(FetchRequest& request, std::size_t, Answer& answer);
  Result<void> on(ReportRequest& request, std::size_t, Answer& answer);
  Result<void> on(ExecStateRequest& request, std::size_t, Answer& answer);
  Result<std::optional<Assignment>> held_task(WorkerId worker);
  Result<void> answer_held_task(WorkerId worker, Answer& answer);
  Result<void> answer_repeat(const ReportRequest& request, Answer& answer);
  Result<void> report_state(const ReportRequest& request, const Assignment& held, TaskState state);
  Result<void> submit_child(const ReportRequest& request, const SubmitChild& child, const Assignment& held,
                            Answer& answer);
  Result<void> insert_child(const SubmitTask& task, WorkerId worker, const Assignment& held, Answer& answer);
  Result<bool> is_same_child(const SubmitTask& task, TaskUuid child);
  Result<void> archive(const ReportRequest& request, const Commit& commit, TaskState state, const Assignment& held,
                       Answer& answer);

  // decider_workers.cc
  Result<void> on(RegisterRequest& request, std::size_t, Answer& answer);
  Result<void> on(RemoveRequest& request, std::size_t, Answer& answer);
  Result<void> on(ChangeWorkerRequest& request, std::size_t, Answer& answer);
  Result<void> on(LoseWorker& request, std::size_t, Answer& answer);
  Result<void> on(ReloadTask& request, std::size_t, Answer& answer);
  Result<void> on(LetGo& request, std::size_t, Answer& answer);
  enum class Loss { kNotCounted, kCounted };
  Result<void> take_away(WorkerId worker, Loss loss);
  Result<void> give_up(WorkerId worker, const Assignment& held, int losses);
  Result<void> depart(WorkerId worker);

  Context context_;
  Directory& changed_;
  Transaction transaction_;
  Effects effects_;
  std::unordered_map<TaskUuid, storage::Task> rows_;  ///< As they were before the batch.
  struct Inserted {
    TaskId id;
    std::int64_t number = 0;
    UserId creator;
    GroupId group;
  };
  std::unordered_map<TaskUuid, Inserted> inserted_;  ///< Those the batch adds under a name of the client's.
  std::size_t described_ = 0;                        ///< Claims whose results the scheduler knows.
};

/// Whether the worker has had its task for longer than it may (architecture 4.3).
bool overran(const Scheduler::Worker& worker, const Settings& settings, Clock::Monotonic now);

}  // namespace mito::core
