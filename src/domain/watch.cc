#include "domain/rules.h"

namespace mito {
namespace {

using State = TaskExecState;

bool between(State state, State first, State last) {
  return static_cast<std::int32_t>(state) >= static_cast<std::int32_t>(first) &&
         static_cast<std::int32_t>(state) <= static_cast<std::int32_t>(last);
}

/// A task that finished has passed these for certain, or (with a recorded result) also the last two.
bool finished_task_reached(State wanted, bool has_result) {
  switch (wanted) {
    case State::kFetchResource:
    case State::kFetchResourceFinished:
    case State::kWatch:
    case State::kWatchFinished:
    case State::kExecPending:
    case State::kExecSpawned:
    case State::kExecFinished:
    case State::kUploadResult:
    case State::kUploadFinishedResult:
      return true;
    case State::kUploadResultFinished:
    case State::kTaskCommitted:
      return has_result;
    default:
      return false;
  }
}

bool cancelled_task_reached(State wanted, TaskResultMessage message) {
  using Message = TaskResultMessage;
  switch (wanted) {
    case State::kFetchResource:
    case State::kFetchResourceFinished:
    case State::kWatch:
    case State::kWatchFinished:
    case State::kExecPending:
    case State::kExecSpawned:
    case State::kExecFinished:
      return message == Message::kSubmitNewTaskFailed;
    case State::kFetchResourceTimeout:
      return message == Message::kFetchResourceTimeout;
    case State::kFetchResourceNotFound:
      return message == Message::kResourceNotFound;
    case State::kFetchResourceForbidden:
      return message == Message::kResourceForbidden;
    case State::kWatchTimeout:
      return message == Message::kWatchTimeout;
    case State::kExecTimeout:
      return message == Message::kExecTimeout;
    case State::kUploadResultTimeout:
      return message == Message::kUploadResultTimeout;
    case State::kUploadResult:
    case State::kUploadResultFinished:
      return message != Message::kUserCancellation;
    case State::kUploadCancelledResult:
      return message != Message::kUserCancellation && message != Message::kSubmitNewTaskFailed;
    case State::kTaskCommitted:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool exec_state_reached(TaskExecState current, TaskExecState wanted) {
  switch (wanted) {
    case State::kWorkerExited:
    case State::kUnknown:
      return false;
    case State::kFetchResource:
    case State::kWatch:
    case State::kExecPending:
    case State::kExecSpawned:
    case State::kUploadResult:
      return between(current, wanted, State::kTaskCommitted);
    case State::kFetchResourceFinished:
      return current == wanted || between(current, State::kWatch, State::kTaskCommitted);
    case State::kWatchFinished:
      return current == wanted || between(current, State::kExecPending, State::kTaskCommitted);
    case State::kExecFinished:
      return current == wanted || current == State::kUploadFinishedResult;
    case State::kExecTimeout:
      return current == wanted || current == State::kUploadCancelledResult;
    default:
      return current == wanted;
  }
}

bool task_state_reached(TaskState state, const std::optional<TaskResult>& result, TaskExecState wanted) {
  switch (state) {
    case TaskState::kRunning:
      return wanted == State::kFetchResource;
    case TaskState::kFinished:
      return finished_task_reached(wanted, result.has_value());
    case TaskState::kCancelled:
      return result && result->message && cancelled_task_reached(wanted, *result->message);
    case TaskState::kPending:
    case TaskState::kReady:
    case TaskState::kUnknown:
      return false;
  }
  return false;
}

bool is_final(TaskExecState state) {
  return state == State::kFetchResourceError || state == State::kTaskCommitted;
}

}  // namespace mito
