#pragma once

#include "coordinator/endpoint.h"
#include "coordinator/services.h"
#include "http/server.h"

namespace mito::coordinator {

/// Answers one request: runs it through the list of middleware and, at its end, the endpoint's handler. Called on the
/// connection's thread; `services` and `handlers` outlive the answer.
http::Awaitable<http::Response> serve(Services& services, const Handlers& handlers, http::Request& request);

}  // namespace mito::coordinator
