#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"
#include "core/commands.h"
#include "core/core.h"

// The commands as they wait in the loop's queue, with the replies that end them.
namespace mito::core {

struct SubmitRequest {
  std::vector<SubmitTask> tasks;
  Reply<std::vector<Result<Submitted>>> reply;
  std::vector<Result<Submitted>> results;  ///< Of the members that were decided.
};
struct FetchRequest {
  Fetch fetch;
  Core::Ticket ticket = 0;
  Reply<std::optional<AssignedTask>> reply;
  bool withdrawn = false;
};
struct ReportRequest {
  WorkerId worker;
  TaskId task;
  ReportOp op;
  Reply<ReportAnswer> reply;
};
struct RegisterRequest {
  RegisterWorker worker;
  Reply<WorkerId> reply;
};
struct RemoveRequest {
  WorkerId worker;
  Removal removal = Removal::kUnregister;
  Reply<bool> reply;
};
struct ExecStateRequest {
  WorkerId worker;
  TaskUuid task;
  TaskExecState state = TaskExecState::kUnknown;
  Telling telling = Telling::kEvent;
  Reply<bool> reply;
};
/// Each field that is given is changed.
struct ChangeWorkerRequest {
  WorkerId worker;
  std::optional<std::vector<std::string>> tags;
  std::optional<std::vector<std::string>> labels;
  std::vector<std::pair<GroupId, Role>> new_access;
  std::vector<GroupId> lost_access;
  Reply<void> reply;
};
struct CancelRequest {
  std::vector<TaskUuid> tasks;         ///< Each once …
  std::vector<std::size_t> positions;  ///< … and where each of those asked for stands in it.
  bool also_pending = false;
  Reply<std::vector<bool>> reply;
  std::vector<bool> results;
};
struct ChangeRequest {
  ChangeTask change;
  Reply<bool> reply;
};
struct WriteRequest {
  Write work;
  Reply<void> reply;
};

// What the loop asks of itself; there is nobody to answer.

/// The worker's lease ran out, or its task overran.
struct LoseWorker {
  WorkerId worker;
  enum class Why { kLeaseExpired, kTaskOverran } why = Why::kLeaseExpired;
};
/// The target of the task's watch can no longer reach it.
struct EndWatch {
  TaskId task;
};
/// The task's row and what we know of it may disagree: read it anew. kFree: no worker is to keep it.
struct ReloadTask {
  TaskId task;
  enum class Hands { kKeep, kFree } hands = Hands::kKeep;
};
/// After the start: the target may have moved on before it.
struct CheckWatch {
  TaskId task;
  TaskUuid target;
};
/// Found at the start: a worker that is to leave and has nothing to finish.
struct LetGo {
  WorkerId worker;
};

using Request = std::variant<SubmitRequest, FetchRequest, ReportRequest, RegisterRequest, RemoveRequest,
                             ExecStateRequest, ChangeWorkerRequest, CancelRequest, ChangeRequest, WriteRequest,
                             LoseWorker, EndWatch, ReloadTask, CheckWatch, LetGo>;

/// A request on its way through the queue.
struct Command {
  Request request;
  Caller caller = Caller::kUser;
  Clock::Monotonic accepted;
  std::size_t members = 1;  ///< Parts that may be decided in different batches.
  std::size_t taken = 0;    ///< Members that are in a batch or done.
  std::size_t done = 0;
  bool queued = false;         ///< Stands in the loop's queue.
  bool answered = false;       ///< Refused while it waited; must not be done any more.
  std::shared_ptr<void> slot;  ///< Its place in the bounded queue, free again when the command is gone.
};

/// One member of a command, the unit in which batches are formed and failures found.
struct Item {
  std::shared_ptr<Command> command;
  std::size_t member = 0;
};

/// What was decided for an item; becomes true when the transaction commits.
struct Answer {
  std::optional<Error> error;
  Submitted submitted;
  WorkerId worker;
  bool flag = false;
  std::optional<AssignedTask> task;
  std::optional<std::size_t> claim;  ///< The task is what this claim brings.
  bool waits = false;                ///< A fetch that found nothing and stays.
};

}  // namespace mito::core
