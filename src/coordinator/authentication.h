#pragma once

#include <optional>

#include "coordinator/context.h"
#include "http/server.h"
#include "protocol/routes.h"

namespace mito::coordinator {

/// Checks the bearer token as the path's kind demands (reference/server.md 2.4) and names the caller in `context`.
/// Answers the refusal, or nothing when the caller may go on.
std::optional<http::Response> authenticate(Context& context, protocol::Auth kind);

}  // namespace mito::coordinator
