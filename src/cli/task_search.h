#pragma once

#include "base/result.h"
#include "cli/session.h"
#include "protocol/messages.h"

namespace mito::cli {

/// Which tasks are wanted beyond what a filter of the protocol says.
enum class Outcome { kAny, kFailed };

/// The tasks that fit the request. Whether one failed is decided here, page by page, because no filter of the protocol
/// says it; the count is then that of the tasks found within limit and offset, or of all with `count`.
Result<protocol::TasksQueryResp> find_tasks(Session& session, const protocol::TasksQueryReq& request, Outcome outcome);

}  // namespace mito::cli
