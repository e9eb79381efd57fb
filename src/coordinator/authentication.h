#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "coordinator/context.h"
#include "http/server.h"
#include "protocol/routes.h"

namespace mito::coordinator {

/// Checks the bearer token as the path's kind demands (reference/server.md 2.4) and names the caller in `context`.
/// Answers the refusal, or nothing when the caller may go on.
std::optional<http::Response> authenticate(Context& context, protocol::Auth kind);

/// The worker whose bearer token this is. kInvalidToken: it does not verify; kWrongCredentials: the worker was removed.
Result<core::Directory::WorkerEntry> worker_of_token(const Services& services, std::string_view token);

}  // namespace mito::coordinator
