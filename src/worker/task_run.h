#pragma once

#include "worker/delivery.h"
#include "worker/slot_parts.h"

namespace mito::worker {

/// A task from its acceptance to the last report: resources, watch, command, artifacts, result. The work directory is
/// clean before and has to be reset after it.
TaskOutcome run_task(const SlotParts& parts, Session& session, const protocol::WorkerTaskResp& task,
                     const StopTokens& stops);

}  // namespace mito::worker
