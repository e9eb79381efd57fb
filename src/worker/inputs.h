#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "worker/slot_parts.h"

namespace mito::worker {

/// Why a task cannot be run.
struct InputFailure {
  TaskResultMessage message = TaskResultMessage::kResourceForbidden;
  TaskExecState state = TaskExecState::kFetchResourceForbidden;
  std::string reason;
};

/// Downloads the task's resources in their order into the resource directory. After a stop the answer means nothing.
std::optional<InputFailure> fetch_resources(const SlotParts& parts, Session& session,
                                            const protocol::WorkerTaskResp& task, Clock::Monotonic deadline,
                                            const std::stop_token& stop);

/// Waits until the watched task has reached the wanted state, by Redis where there is one, and by asking the
/// coordinator. After a stop the answer means
/// nothing.
std::optional<InputFailure> wait_for_watch(const SlotParts& parts, Session& session, const Watch& watch,
                                           Clock::Monotonic deadline, const std::stop_token& stop);

}  // namespace mito::worker
