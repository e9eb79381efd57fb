#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "domain/ids.h"
#include "domain/states.h"
#include "domain/task_spec.h"
#include "storage/database/database.h"

// What can be asked of the core loop. Every command is answered exactly once, on the core thread, after the transaction
// it was part of has committed; only what is refused at the door is answered on the caller's thread. The reply must not
// block (the coordinator's replies post to an I/O thread).
namespace mito::core {

/// Who asks. Users are refused (kUnavailable) when the queue is full or the database stays away; workers never are.
enum class Caller { kUser, kWorker };

template <class T>
using Reply = std::move_only_function<void(Result<T>)>;

/// One task to be queued. Names, roles, sizes and the spec have been checked before.
struct SubmitTask {
  UserId creator;
  GroupId group;
  std::vector<std::string> tags;  ///< Sorted, without duplicates.
  std::vector<std::string> labels;
  std::int64_t timeout_seconds = 0;
  std::int32_t priority = 0;
  std::string spec;              ///< JSON text, as stored.
  std::optional<Watch> watch;    ///< The one in `spec`, for the scheduler.
  std::optional<TaskUuid> uuid;  ///< Chosen by the client: a repeat adds nothing and is answered alike.
};

struct Submitted {
  TaskUuid uuid;
  std::int64_t number = 0;  ///< `task_id` within the group.
};

/// What a worker gets to run.
struct AssignedTask {
  TaskId id;
  TaskUuid uuid;
  std::int64_t timeout_seconds = 0;
  std::optional<TaskUuid> upstream;
  std::string spec;  ///< JSON text; `watch` is null when the coordinator has kept it.
};

/// The operations of `POST /workers/tasks` that end or move a task (Upload is an object operation).
struct Finish {};
struct CancelReport {};
struct Commit {
  std::string result;  ///< JSON text of the TaskResult, as stored.
  bool next = false;   ///< Answer with the next task, if there is one.
  std::string detail;  ///< JSON object or empty.
};
/// Finish or Cancel, and Commit, in one (architecture section 9).
struct Complete {
  TaskState state = TaskState::kFinished;
  Commit commit;
};
struct SubmitChild {
  SubmitTask task;         ///< creator and group are the parent's and are filled in by the loop.
  std::string group_name;  ///< As the worker named it; must be the parent's group.
};
using ReportOp = std::variant<Finish, CancelReport, Commit, Complete, SubmitChild>;

struct ReportAnswer {
  std::optional<AssignedTask> next;
};

/// Asks for the next task of a worker.
struct Fetch {
  WorkerId worker;
  /// How long to wait for one; zero: answer at once.
  std::chrono::milliseconds wait{0};
};

struct RegisterWorker {
  storage::NewWorker worker;
  std::optional<std::chrono::milliseconds>
      heartbeat_timeout;       ///< Overrides the coordinator's; the lease, where one was asked for.
  bool holds_watches = false;  ///< It registered with the feature `watch`.
  bool sends_states = false;   ///< It registered with the feature `state`.
};

/// Whether an execution state becomes an event, or whoever brings it tells it himself.
enum class Telling { kEvent, kNothing };

/// How a worker leaves.
enum class Removal { kUnregister, kGraceful, kForced };

struct ChangeTask {
  TaskUuid task;
  std::optional<std::vector<std::string>> tags;
  std::optional<std::int64_t> timeout_seconds;
  std::optional<std::int32_t> priority;
  std::optional<std::string> spec;
  std::optional<Watch> watch;  ///< The one in `spec`.
};

/// Runs on the core thread inside the batch's transaction, under a savepoint of its own: what it did is undone when it
/// fails. On success it answers what is to be done once the transaction has committed (update caches); that runs on the
/// core thread before the reply. It may be called again when a transaction has to be repeated, so it must not use up
/// what it captured.
using AfterCommit = std::move_only_function<void()>;
using Write = std::move_only_function<Result<AfterCommit>(storage::Writer&)>;

}  // namespace mito::core
