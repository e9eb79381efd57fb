#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "worker/slot_parts.h"

namespace mito::worker {

/// What running the command of a task came to.
struct Execution {
  enum class How {
    kEnded,  ///< By itself, or it could not be started (then `reason` says why).
    kTimedOut,
    kInterrupted,  ///< Ended because the worker stops or was removed: nothing of it is to be reported.
  };
  How how = How::kEnded;
  int wait_status = 0;
  std::string reason;
  std::vector<std::string> notes;
  std::optional<ProcessEnd> end;  ///< Nothing when it could not be started.
  Timestamp started_at;
  std::chrono::nanoseconds wall_time{0};
  std::optional<CapturedStream> out, err;
};

/// Runs the command of `task` until it has ended, or ends it: at its timeout, on a stop and when the session was
/// removed. Nothing it started is left afterwards. Announces the states from ExecPending to ExecFinished or
/// ExecTimeout.
Execution execute(const SlotParts& parts, Session& session, const protocol::WorkerTaskResp& task,
                  const StopTokens& stops);

}  // namespace mito::worker
