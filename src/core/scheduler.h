#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "core/ready_tasks.h"
#include "core/tags.h"
#include "core/undo.h"
#include "core/waiters.h"
#include "domain/ids.h"
#include "domain/rules.h"
#include "domain/states.h"

namespace mito::core {

/// What the scheduler must know of a task.
struct TaskRequirements {
  TaskId id;
  GroupId group;
  std::span<const std::string> tags;  ///< Sorted, without duplicates.
  std::int32_t priority = 0;
  int losses = 0;  ///< How many workers were lost with it.
  Held held = Held::kNo;
  bool watch_reached = false;  ///< It had a watch, which was reached before.
};

/// New requirements; what is not given stays.
struct RequirementsChange {
  std::optional<std::span<const std::string>> tags;
  std::optional<std::int32_t> priority;
  std::optional<Held> held;  ///< With a new spec: forgets also that an earlier watch was reached.
};

/// The task a worker holds.
struct Assignment {
  TaskId task;
  TaskUuid uuid;                          ///< Known once the claim was made durable.
  TaskState state = TaskState::kRunning;  ///< Running, Finished or Cancelled; the latter two until it is archived.
  std::int64_t timeout_seconds = 0;
  Clock::Monotonic claimed_at;
  std::optional<Clock::Monotonic> execution_began;  ///< When the worker reported ExecPending or later.
  TaskExecState exec_state = TaskExecState::kUnknown;
  std::optional<TaskUuid> downstream;
};

/// Where a task is.
enum class TaskPlace : std::uint8_t { kPending, kQueued, kAssigned };

/// Decides which worker runs which task. No I/O, no clock, no randomness; core thread.
///
/// Every task that is not archived is here exactly once: Pending, in one queue, or in the hands of one worker. No
/// worker waits while a task that it may run is queued: whatever makes a task or a worker available pairs the two at
/// once. Every step is put on the undo list. Submit, next and cancel take O(log n) of the queued tasks. A queued task
/// takes about 126 bytes here, the allocator's share included (tests/unit/core/scheduler_memory_test.cc).
class Scheduler {
 public:
  Scheduler(TagMatching rule, UndoList& undo) : rule_(rule), undo_(undo), ready_(rule, tags_), waiters_(rule) {}

  // Workers.
  struct WorkerTraits {
    WorkerUuid uuid;
    std::vector<std::string> tags;
    std::vector<GroupId> groups;  ///< Those whose tasks it may run.
    bool holds_watches = false;   ///< Held tasks are kept from it.
    bool sends_states = false;
    bool leaving = false;  ///< Gets no further task.
  };
  struct Worker {
    WorkerUuid uuid;
    WorkerProfile* profile = nullptr;
    std::vector<GroupId> groups;  ///< Sorted.
    bool sends_states = false;
    bool leaving = false;
    std::optional<Waiters::Sequence> waiting_since;
    std::optional<Assignment> assignment;
  };
  void add_worker(WorkerId id, const WorkerTraits& traits);
  /// The worker must hold no task. It does not wait any more.
  void remove_worker(WorkerId id);
  /// Valid until the worker is removed.
  [[nodiscard]] const Worker* worker(WorkerId id) const;
  /// After these two a waiting worker may fit tasks that are queued: ask next() for it.
  void set_worker_tags(WorkerId id, std::span<const std::string> tags);
  void set_worker_groups(WorkerId id, std::vector<GroupId> groups);
  void set_leaving(WorkerId id);
  /// The worker waits for a task; next() had none for it.
  void start_waiting(WorkerId id);
  void stop_waiting(WorkerId id);

  // Tasks. Where a worker is answered, it was waiting and has the task now.
  std::optional<WorkerId> submit(const TaskRequirements& task, Clock::Monotonic now);
  void add_pending(const TaskRequirements& task, TaskUuid uuid);
  [[nodiscard]] std::optional<TaskId> pending(TaskUuid uuid) const;
  /// Pending to Ready.
  std::optional<WorkerId> promote(TaskUuid uuid, Clock::Monotonic now);
  /// Gives the worker, which holds none, its best task.
  std::optional<TaskId> next(WorkerId id, Clock::Monotonic now);
  /// The worker's task is queued again; a Pending child of it is forgotten.
  std::optional<WorkerId> release(WorkerId id, int new_losses, Clock::Monotonic now);
  /// The worker's task is over; its child stays.
  void finish(WorkerId id);
  /// The worker's task is over; a Pending child of it is forgotten.
  void give_up(WorkerId id);
  /// Takes a Pending or queued task away.
  void cancel(TaskId task, TaskUuid uuid);
  /// New requirements of a queued task.
  std::optional<WorkerId> change(TaskId task, const RequirementsChange& change, Clock::Monotonic now);
  /// The task's watch was reached, wherever it is; a queued task is held no longer.
  std::optional<WorkerId> end_holding(TaskId task, Clock::Monotonic now);
  [[nodiscard]] bool watch_reached(TaskId task) const;
  /// Forgets a task wherever it is: its row turned out to be another than we knew. Slow for tasks that are not queued.
  void forget(TaskId task);
  [[nodiscard]] std::optional<TaskPlace> place(TaskId task) const;
  [[nodiscard]] int losses(TaskId task) const;
  [[nodiscard]] GroupId group(TaskId task) const;

  // The task in the worker's hands.
  void set_task_state(WorkerId id, TaskState state);
  void set_exec_state(WorkerId id, TaskExecState state, Clock::Monotonic now);
  void set_downstream(WorkerId id, TaskUuid child);
  /// What the durable claim told; needs no undoing, since undoing the claim drops it.
  void describe_task(WorkerId id, TaskUuid uuid, std::int64_t timeout_seconds);
  /// Recovery: the worker holds this task since before we started.
  void restore(WorkerId id, const TaskRequirements& task, Assignment assignment);

  /// Frees what nobody uses any more. The undo list must be empty.
  void collect();

  [[nodiscard]] std::size_t queued() const { return ready_.size(); }
  /// When the oldest queued task that is not held was submitted, as submit() was told; see QueueAges.
  [[nodiscard]] std::optional<Clock::Monotonic> oldest_queued() const { return ready_.oldest(); }
  [[nodiscard]] std::size_t tasks() const { return tasks_.size(); }
  [[nodiscard]] std::size_t assigned() const { return assigned_; }
  [[nodiscard]] std::size_t workers() const { return workers_.size(); }
  [[nodiscard]] std::size_t tags() const { return tags_.size(); }

  /// Checks the promises above on everything there is; answers what is wrong, or nothing. For tests; slow.
  [[nodiscard]] std::string audit() const;

 private:
  struct Entry {
    TaskClass* task_class = nullptr;
    std::int32_t priority = 0;
    std::uint16_t losses = 0;
    TaskPlace place = TaskPlace::kQueued;
    bool watch_reached = false;
  };

  void add_entry(TaskId id, Entry entry);
  void drop_entry(TaskId id);
  void replace_entry(TaskId id, Entry entry);
  void enqueue(TaskId id);
  void dequeue(TaskId id);
  std::optional<WorkerId> offer(TaskId id, Clock::Monotonic now);
  void assign(WorkerId id, TaskId task, Clock::Monotonic now);
  void set_assignment(WorkerId id, std::optional<Assignment> assignment);
  void set_waiting(WorkerId id, std::optional<Waiters::Sequence> since);
  void forget_pending(TaskUuid uuid);
  void forget_child(const Assignment& assignment);
  void put_profile(WorkerId id, WorkerProfile& profile);
  WorkerProfile& find_or_make_profile(std::span<const std::string> tags, bool holds_watches);
  Entry make_entry(const TaskRequirements& task, TaskPlace place);

  TagMatching rule_;
  UndoList& undo_;
  TagTable tags_;
  ReadyTasks ready_;
  Waiters waiters_;
  std::unordered_map<WorkerId, Worker> workers_;
  std::unordered_map<TaskId, Entry> tasks_;
  std::unordered_map<TaskUuid, TaskId> pending_;

  struct ProfileKey {
    TagSet tags;
    bool holds_watches = false;
    friend bool operator==(const ProfileKey&, const ProfileKey&) = default;
  };
  struct ProfileHash {
    std::size_t operator()(const ProfileKey& key) const;
  };
  std::unordered_map<ProfileKey, std::unique_ptr<WorkerProfile>, ProfileHash> profiles_;
  std::vector<WorkerProfile*> unused_profiles_;
  Waiters::Sequence next_sequence_ = 1;
  std::size_t assigned_ = 0;
};

}  // namespace mito::core
