#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "storage/database/rows.h"

namespace mito::storage {

/// Questions to the database. An instance belongs to one thread at a time.
///
/// Errors of every function: kUnavailable (connection lost, worth a retry), kInternal (statement failed, row not
/// understood).
class Queries {
 public:
  virtual ~Queries() = default;

  virtual Result<std::optional<User>> user_by_name(std::string_view name) = 0;
  virtual Result<std::optional<User>> user_by_id(UserId id) = 0;
  /// By user name; the name contains `part`.
  virtual Result<std::vector<User>> users(std::string_view part, Page page) = 0;

  virtual Result<std::optional<Group>> group_by_name(std::string_view name) = 0;
  virtual Result<std::optional<Group>> group_by_id(GroupId id) = 0;
  virtual Result<std::vector<Group>> groups(std::string_view part, Page page) = 0;
  virtual Result<std::vector<Membership>> members_of(GroupId group) = 0;
  virtual Result<std::vector<Membership>> memberships_of(UserId user) = 0;
  /// Rows of any role.
  virtual Result<std::int64_t> count_workers_of(GroupId group) = 0;

  virtual Result<std::optional<Worker>> worker_by_uuid(WorkerUuid uuid) = 0;
  virtual Result<std::optional<Worker>> worker_by_id(WorkerId id) = 0;
  virtual Result<std::vector<WorkerAccess>> access_of(WorkerId worker) = 0;
  /// Oldest first.
  virtual Result<std::vector<Worker>> workers(const WorkerFilter& filter, Page page) = 0;

  virtual Result<std::optional<Task>> task_by_id(TaskId id) = 0;
  /// The only query that fills Task::detail.
  virtual Result<std::optional<Task>> task_by_uuid(TaskUuid uuid) = 0;
  /// Task::detail of each of these, in their order; empty where there is none.
  virtual Result<std::vector<std::string>> details_of(std::span<const TaskId> tasks) = 0;
  /// Those that exist, in any order.
  virtual Result<std::vector<Task>> tasks_by_uuid(std::span<const TaskUuid> uuids) = 0;
  /// Active ones first, then archived ones, each oldest first.
  virtual Result<std::vector<Task>> tasks(const TaskFilter& filter, Page page) = 0;
  virtual Result<std::int64_t> count_tasks(const TaskFilter& filter) = 0;

  /// An archived task that nothing has changed for long.
  struct OldTask {
    TaskId id{};
    TaskUuid uuid{};
    GroupId group{};
  };
  struct OldTasks {
    std::vector<OldTask> tasks;
    std::optional<TaskId> last;  ///< The last task that was looked at; nothing: there is none behind `after`.
  };
  /// Looks at the next `count` tasks behind `after`, in order of their ids, for archived ones that were last changed
  /// before `before`. For walking through all tasks in steps of bounded length.
  virtual Result<OldTasks> old_tasks(TaskId after, std::size_t count, Timestamp before) = 0;

  virtual Result<std::optional<Artifact>> artifact(TaskUuid task, ArtifactContentType type) = 0;
  /// By content type.
  virtual Result<std::vector<Artifact>> artifacts_of(TaskUuid task) = 0;
  /// Those of the given type that exist, in the order of `tasks`.
  virtual Result<std::vector<Artifact>> artifacts_of(std::span<const TaskUuid> tasks, ArtifactContentType type) = 0;

  virtual Result<std::optional<Attachment>> attachment(GroupId group, std::string_view key) = 0;
  /// By key. `pattern` matches anywhere in the key, as LIKE '%pattern%' does (`%`, `_`, and `\` before a literal one;
  /// case-sensitive); empty matches all.
  virtual Result<std::vector<Attachment>> attachments(GroupId group, std::string_view pattern, Page page) = 0;
  virtual Result<std::int64_t> count_attachments(GroupId group, std::string_view pattern) = 0;
  virtual Result<std::vector<Attachment>> attachments_by_key(GroupId group, std::span<const std::string> keys) = 0;

  // All objects that have a row, streamed in any order; the callback must not use the database.
  virtual Result<void> each_artifact(const std::function<void(Artifact&&)>& take) = 0;
  virtual Result<void> each_attachment(const std::function<void(Attachment&&)>& take) = 0;

  /// A value of our own key-value table (keys, generated passwords, schema facts).
  virtual Result<std::optional<std::string>> fact(std::string_view name) = 0;

  // Recovery: everything, streamed; the callback must not use the database.
  virtual Result<void> each_user(const std::function<void(User&&)>& take) = 0;
  virtual Result<void> each_group(const std::function<void(Group&&)>& take) = 0;
  virtual Result<void> each_membership(const std::function<void(Membership&&)>& take) = 0;
  virtual Result<void> each_worker(const std::function<void(Worker&&)>& take) = 0;
  virtual Result<void> each_worker_access(const std::function<void(WorkerAccess&&)>& take) = 0;
  /// What recovery needs of a task: no labels, no spec unless it has a watch that was not reached.
  struct ActiveTask {
    TaskId id{};
    TaskUuid uuid{};
    UserId creator{};
    GroupId group{};
    std::vector<std::string> tags{};
    TaskState state = TaskState::kReady;
    std::int32_t priority = 0;
    std::int64_t timeout_seconds = 0;
    Timestamp updated_at{};
    std::optional<WorkerId> assigned_worker{};
    std::int32_t losses = 0;
    std::optional<TaskUuid> downstream{};
    std::optional<Watch> watch{};  ///< Only while not reached.
    bool watch_reached = false;
  };
  /// Tasks that are not archived, by id.
  virtual Result<void> each_active_task(const std::function<void(ActiveTask&&)>& take) = 0;
};

struct NewUser {
  std::string username{};
  std::string encrypted_password{};
  bool admin = false;
  Timestamp now{};
};

struct NewWorker {
  WorkerUuid uuid{};
  UserId creator{};
  std::vector<std::string> tags{};
  std::vector<std::string> labels{};
  std::vector<std::pair<GroupId, Role>> access{};
  std::optional<std::chrono::milliseconds> lease{};
  std::vector<std::string> features{};
  std::string info{};
  Timestamp now{};
};

struct NewTask {
  TaskId id{};  ///< From Writer::reserve_task_ids.
  TaskUuid uuid{};
  UserId creator{};
  GroupId group{};
  std::int64_t number = 0;
  std::vector<std::string> tags{};
  std::vector<std::string> labels{};
  Timestamp now{};
  TaskState state = TaskState::kReady;        ///< Ready, Pending, or Running when a worker was waiting for it …
  std::optional<WorkerId> assigned_worker{};  ///< … which is named here.
  std::int64_t timeout_seconds = 0;
  std::int32_t priority = 0;
  std::string spec{};
  std::optional<TaskUuid> upstream{};
  bool has_watch = false;  ///< The spec has one: recovery must read it.
};

/// Ready -> Running.
struct Claim {
  TaskId task{};
  WorkerId worker{};
  Timestamp now{};
};
/// What a worker is told about the task it got.
struct ClaimedTask {
  TaskUuid uuid{};
  std::int64_t timeout_seconds = 0;
  std::string spec{};
  std::optional<TaskUuid> upstream{};
};

/// Running -> Finished or Cancelled, not yet archived.
struct StateReport {
  TaskId task{};
  WorkerId worker{};
  TaskState state = TaskState::kFinished;
  Timestamp now{};
};

/// Into the archive; the worker, if one held it, holds nothing any more.
struct Archive {
  TaskId task{};
  std::vector<TaskState> from{};     ///< Only from one of these states …
  std::optional<WorkerId> worker{};  ///< … and only while this worker holds it (empty: nobody does).
  TaskState state = TaskState::kFinished;
  std::string result{};
  std::optional<WorkerUuid> reporter{};
  std::string detail{};  ///< JSON object or empty.
  Timestamp now{};
};

/// Back to Ready; the worker holds nothing any more. Its Pending child, if there is one, is removed.
struct Release {
  TaskId task{};
  std::optional<WorkerId> worker{};  ///< Only while this one holds it (empty: its row names nobody).
  bool count_loss = false;
  Timestamp now{};
};

struct GroupCounters {
  GroupId group{};
  std::int64_t old_task_count = 0;
  std::int64_t new_task_count = 0;
  std::optional<Timestamp> now{};  ///< Becomes the group's updated_at; empty leaves it.
};

struct TaskChange {
  TaskId task{};
  std::optional<std::vector<std::string>> tags{};
  std::optional<std::int64_t> timeout_seconds{};
  std::optional<std::int32_t> priority{};
  std::optional<std::string> spec{};
  bool has_watch = false;  ///< Of the new spec.
  Timestamp now{};
};

/// What one step of the core writes: operations of several kinds, applied kind by kind in this order.
struct Round {
  std::span<const StateReport> reports{};
  std::span<const Release> releases{};
  std::span<const Archive> archives{};
  std::span<const TaskUuid> promotions{};
  std::span<const TaskChange> changes{};
  std::span<const TaskId> reached{};
  std::span<const GroupCounters> counters{};
  std::span<const NewTask> inserts{};
  std::span<const std::pair<TaskId, TaskUuid>> downstreams{};
  std::span<const Claim> claims{};
  std::span<const WorkerId> departures{};
  std::span<const std::pair<WorkerId, Timestamp>> heartbeats{};
  Timestamp now{};  ///< For the promotions.
};
/// One answer for each element of the kinds that are conditional. After a kind in which a condition did not hold, those
/// of later kinds may be missing: the transaction can only be rolled back then.
struct RoundAnswers {
  /// Whether every condition held, as far as it is known.
  [[nodiscard]] bool held() const;

  std::vector<bool> reports{};
  std::vector<bool> releases{};
  std::vector<bool> archives{};
  std::vector<bool> promotions{};
  std::vector<bool> changes{};
  std::vector<bool> counters{};
  std::vector<std::optional<ClaimedTask>> claims{};
  /// What the commit answered, where it went along with the round. After kUnavailable the answers above are missing.
  std::optional<Result<void>> commit{};
};
/// Whether the transaction is still to be begun.
enum class Opening { kBegin, kBegun };
/// Whether the round is the last one of its transaction.
enum class Closing { kStaysOpen, kLast };

/// The one connection that writes; lives on the core thread. One transaction at a time.
///
/// Conditional operations say with `false`, per element, that the row was not in the expected state; that is no error.
/// An update of a row that does not exist changes nothing and is no error either.
/// Errors as for Queries, kStorageFull, and kFenced: another coordinator took over; nothing may be written any more.
/// After an error other than kNameTaken the transaction must be rolled back (to the savepoint, if one is open): part of
/// the span may have been applied, and commit() refuses. Writing without begin() is refused (kInternal). A span may be
/// of any length; elements are applied in order.
class Writer : public Queries {
 public:
  /// Opens a transaction and proves with its first statement that we are still the writer:
  /// `UPDATE mito_writer SET batch = batch + 1 WHERE epoch = <ours> AND batch = <last>`.
  virtual Result<void> begin() = 0;
  /// kUnavailable: the outcome is not known; `recover` tells.
  virtual Result<void> commit() = 0;
  /// Never fails: at worst the connection is dropped.
  virtual void rollback() = 0;
  /// One level of nesting, for finding the member that breaks a batch.
  virtual Result<void> savepoint() = 0;
  virtual Result<void> release_savepoint() = 0;
  virtual Result<void> rollback_to_savepoint() = 0;
  /// Number of the transaction that `begin` opened last.
  [[nodiscard]] virtual std::uint64_t batch() const = 0;
  /// Connects anew after kUnavailable and answers the number of the last committed transaction. kFenced: see above.
  virtual Result<std::uint64_t> recover() = 0;

  /// Ids for new tasks, never used before, also not in a transaction that was rolled back. Outside transactions too.
  virtual Result<TaskId> reserve_task_ids(std::size_t count) = 0;

  // Users and groups.
  /// kNameTaken: a user or group of that name exists. Also makes the group of that name and the membership (Admin).
  virtual Result<std::pair<UserId, GroupId>> insert_user(const NewUser& user) = 0;
  /// Writes every column but id, name and created_at.
  virtual Result<void> update_user(const User& user) = 0;
  /// kNameTaken as above. The creator becomes Admin; his group_count is not touched.
  virtual Result<GroupId> insert_group(std::string_view name, UserId creator, Timestamp now) = 0;
  /// Writes state, quotas, storage_used, updated_at, where task_count is still as given.
  virtual Result<bool> update_group(const Group& group) = 0;
  virtual Result<void> upsert_memberships(std::span<const Membership> memberships) = 0;
  virtual Result<void> delete_memberships(GroupId group, std::span<const UserId> users) = 0;

  // Workers.
  virtual Result<WorkerId> insert_worker(const NewWorker& worker) = 0;
  /// Writes tags, labels, state, updated_at.
  virtual Result<void> update_worker(const Worker& worker) = 0;
  virtual Result<void> upsert_access(std::span<const WorkerAccess> access) = 0;
  virtual Result<void> delete_access(WorkerId worker, std::span<const GroupId> groups) = 0;
  /// With its access rows. Its task must have been released before.
  virtual Result<void> delete_workers(std::span<const WorkerId> workers) = 0;
  virtual Result<void> write_heartbeats(std::span<const std::pair<WorkerId, Timestamp>> heartbeats) = 0;

  // Tasks: the hot path.
  virtual Result<std::vector<Group>> read_groups(std::span<const GroupId> ids) = 0;
  /// `SET task_count = new, updated_at = now WHERE task_count = old`; false: somebody else changed it.
  virtual Result<std::vector<bool>> update_task_counts(std::span<const GroupCounters> counters) = 0;
  /// A uuid or number that an active task has fails the whole call (kInternal): ask tasks_by_uuid first. One that an
  /// archived task has fails here or in archive_tasks.
  virtual Result<void> insert_tasks(std::span<const NewTask> tasks) = 0;
  /// Nothing for a task that is not Ready.
  virtual Result<std::vector<std::optional<ClaimedTask>>> claim_tasks(std::span<const Claim> claims) = 0;
  virtual Result<std::vector<bool>> report_states(std::span<const StateReport> reports) = 0;
  virtual Result<std::vector<bool>> archive_tasks(std::span<const Archive> archives) = 0;
  virtual Result<std::vector<bool>> release_tasks(std::span<const Release> releases) = 0;
  /// Pending -> Ready.
  virtual Result<std::vector<bool>> promote_tasks(std::span<const TaskUuid> tasks, Timestamp now) = 0;
  /// Only Ready tasks. A new spec forgets that the watch of the old one was reached.
  virtual Result<std::vector<bool>> change_tasks(std::span<const TaskChange> changes) = 0;
  virtual Result<void> set_labels(TaskId task, const std::vector<std::string>& labels, Timestamp now) = 0;
  virtual Result<void> set_downstream(TaskId task, TaskUuid downstream) = 0;
  /// Sets updated_at, as issuing an upload URL does.
  virtual Result<void> touch_task(TaskId task, Timestamp now) = 0;
  virtual Result<void> set_watch_reached(std::span<const TaskId> tasks) = 0;
  /// Removes archived tasks with their details; others stay. Their artifacts are the caller's affair.
  virtual Result<void> delete_tasks(std::span<const TaskId> tasks) = 0;

  // Objects.
  /// An object that exists keeps its created_at.
  virtual Result<void> upsert_artifact(const Artifact& artifact) = 0;
  virtual Result<void> delete_artifact(TaskUuid task, ArtifactContentType type) = 0;
  /// As upsert_artifact.
  virtual Result<void> upsert_attachment(const Attachment& attachment) = 0;
  virtual Result<void> delete_attachment(GroupId group, std::string_view key) = 0;

  virtual Result<void> set_fact(std::string_view name, std::string_view value) = 0;

  /// Does what the functions above do for each kind, and begin() before when asked to. A back end across a network
  /// does it in one round trip, and may commit with the last round of a transaction when all its conditions hold; what
  /// an error says is then as for the functions above, and `commit` of the answers as for commit().
  virtual Result<RoundAnswers> write_round(const Round& round, Opening opening, Closing closing);
};

/// Being the one program that may write to a database, until this is destroyed.
class Turn {
 public:
  Turn() = default;
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  virtual ~Turn() = default;
};
/// Called on a thread of the database, at most once each; must not block.
struct TurnEvents {
  std::function<void()> waits{};  ///< Another program has the turn; it is waited for.
  std::function<void()> lost{};   ///< Another program has taken over while we had the turn.
};

/// A database that was opened. Any thread.
class Database {
 public:
  virtual ~Database() = default;
  /// Waits until no other program writes (hot standby). kCancelled: `stop` was requested meanwhile. By default there
  /// is nothing to wait for: files are locked by whoever opens them.
  virtual Result<std::unique_ptr<Turn>> take_turn(const std::stop_token& stop, TurnEvents events);
  /// Questions that wait for a database that is away fail at once from now on.
  virtual void stop_waiting() {}
  /// Brings the tables up to date and takes over as the writer: adds one to the epoch. Whoever was the writer before is
  /// fenced from now on.
  /// kUnavailable: the other writer is inside a transaction and did not end it in time; worth a retry.
  virtual Result<std::unique_ptr<Writer>> open_writer() = 0;
  /// A read-only session that sees committed transactions only and never waits for the writer.
  virtual Result<std::unique_ptr<Queries>> open_reader() = 0;
  /// For the start-up line: what and where it is, no secrets.
  [[nodiscard]] virtual std::string describe() const = 0;
};

}  // namespace mito::storage
