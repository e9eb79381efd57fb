#pragma once

#include <optional>

#include "worker/execution.h"
#include "worker/inputs.h"
#include "worker/slot_parts.h"

namespace mito::worker {

/// What became of a task.
struct TaskOutcome {
  enum class Kind {
    kDelivered,    ///< The coordinator has the result.
    kDropped,      ///< The coordinator did not want it: the task is no longer ours.
    kInterrupted,  ///< The worker stops, or was removed, before it was delivered.
  };
  Kind kind = Kind::kDelivered;
  std::optional<protocol::WorkerTaskResp> next;  ///< Came with the answer.
};

/// Brings what an ended task produced to the coordinator: archives, uploads, downstream task, result
/// (reference/client-and-worker.md 1.6 and 1.13). Repeats whatever is not answered until it is; gives up on `stop` and
/// on removal only. A task without files costs one request where the coordinator offers `complete`.
TaskOutcome deliver(const SlotParts& parts, Session& session, const protocol::WorkerTaskResp& task, Execution execution,
                    const StopTokens& stops);

/// The same for a task that could not be run.
TaskOutcome deliver_failure(const SlotParts& parts, Session& session, const protocol::WorkerTaskResp& task,
                            const InputFailure& failure, const StopTokens& stops);

}  // namespace mito::worker
