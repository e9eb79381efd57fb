#pragma once

#include <cstdint>

#include "base/duration.h"
#include "base/result.h"
#include "coordinator/context.h"
#include "core/commands.h"
#include "protocol/task_messages.h"

namespace mito::coordinator {

/// The original's rule for every spec that is stored: local paths of resources stay inside.
Result<void> check_spec(const TaskSpec& spec);
/// A time limit as it is kept: whole seconds, at most 2^63-1.
std::int64_t whole_seconds(const Duration& timeout);
/// The core's form of a submission, without regard to who asks and where it goes. Checks the spec and texts.
Result<core::SubmitTask> to_command(protocol::SubmitTaskReq request);
/// A user's submission, checked in the original's order: group, right to submit, spec.
Result<core::SubmitTask> checked_submission(const Context& context, protocol::SubmitTaskReq request);

}  // namespace mito::coordinator
