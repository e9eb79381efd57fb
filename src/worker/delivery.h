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
    kKept,         ///< It could not be delivered before the worker stops, and is in the spool.
    kInterrupted,  ///< The worker stops, or was removed, before there was a result.
    kHandedOver,   ///< The result is in the spool and its report in other hands (TasksHeld::hand_over).
  };
  Kind kind = Kind::kDelivered;
  std::optional<protocol::WorkerTaskResp> next{};  ///< Came with the answer.
  bool plain = false;                              ///< One report said all of it.
  std::chrono::nanoseconds ran{0};                 ///< How long the command did.
};

/// Brings what an ended task produced to the coordinator: archives, uploads, downstream task, result
/// (reference/client-and-worker.md 1.6 and 1.13). The result is in the spool before the first word is sent. Repeats
/// whatever is not answered until it is; gives up on a stop and on removal only. A task without files costs one request
/// where the coordinator offers `complete`. What an interrupted command has written is kept under `undelivered/`.
TaskOutcome deliver(const SlotParts& parts, Session& session, const protocol::WorkerTaskResp& task, Execution execution,
                    const StopTokens& stops);

/// The same for a task that could not be run.
TaskOutcome deliver_failure(const SlotParts& parts, Session& session, const protocol::WorkerTaskResp& task,
                            const InputFailure& failure, const StopTokens& stops);

/// What became of a result that was handed over (kHandedOver), by the answer to its report. Goes on as deliver() does
/// where that does not settle it.
TaskOutcome settle(const SlotParts& parts, Session& session, Call<protocol::ReportTaskNextResp> answer,
                   const StopTokens& stops);

/// Keeps what the interrupted command of a task has made under `undelivered/`, if there is anything.
void keep_interrupted(const SlotParts& parts, Session& session, const protocol::WorkerTaskResp& task,
                      Execution execution, const StopTokens& stops);

/// What of a delivery is left when the worker that had begun it is gone.
struct ResumeParts {
  CoordinatorLink& link;
  const Timer& timer;
  const Settings& settings;
  StateSink& states;
  SpoolEntry& spool;
};
/// Delivers a result that an ended worker left in the spool. Ends with `stop`, too.
TaskOutcome::Kind deliver_spooled(const ResumeParts& parts, Session& session, SpooledResult result,
                                  const std::stop_token& stop);

}  // namespace mito::worker
