#include "coordinator/middleware.h"

#include <array>
#include <chrono>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/logging.h"
#include "coordinator/authentication.h"
#include "coordinator/responses.h"
#include "protocol/errors.h"
#include "protocol/routes.h"

namespace mito::coordinator {

namespace {

constexpr log::Source kLog{"netmito::http"};

/// One request on its way to its handler.
struct Exchange {
  Context context;
  const Handlers& handlers;
  protocol::Match match;
};

/// What is left of the list behind a stage.
struct Rest;
using Stage = http::Awaitable<http::Response> (*)(Exchange&, Rest);
struct Rest {
  std::span<const Stage> stages;
  http::Awaitable<http::Response> operator()(Exchange& exchange) const {
    return stages.front()(exchange, Rest{stages.subspan(1)});
  }
};

http::Awaitable<http::Response> count_and_log(Exchange& exchange, Rest rest) {
  const auto start = exchange.context.services.clock.monotonic();
  http::Response response = co_await rest(exchange);
  if (exchange.context.services.stopping) response.close = true;
  RequestCounters& counters = exchange.context.services.counters;
  ++counters.requests;
  if (response.status >= 500)
    ++counters.failed;
  else if (response.status >= 400)
    ++counters.refused;
  const http::Request& request = exchange.context.request;
  // The query stays out of the log: signatures of object URLs stand in it.
  if (log::enabled(log::Level::kDebug, "netmito::http"))
    kLog.debug(
        "#{} {} {} {} -> {} in {} us", request.id, request.peer_address, request.method, request.path, response.status,
        std::chrono::duration_cast<std::chrono::microseconds>(exchange.context.services.clock.monotonic() - start)
            .count());
  co_return response;
}

http::Awaitable<http::Response> guard_exceptions(Exchange& exchange, Rest rest) {
  std::string what;
  try {
    co_return co_await rest(exchange);
  } catch (const std::exception& error) {
    what = error.what();
  }
  kLog.error("#{} {} {} ended in an exception: {}", exchange.context.request.id, exchange.context.request.method,
             exchange.context.request.path, what);
  co_return failure_response(protocol::service_panicked());
}

http::Awaitable<http::Response> add_cors(Exchange& exchange, Rest rest) {
  const bool preflight = exchange.context.request.method == "OPTIONS";
  http::Response response;
  if (preflight) {
    response = empty_response();
    response.headers.add("access-control-allow-methods", "*");
    response.headers.add("access-control-allow-headers", "*");
    if (!exchange.match.allow.empty()) response.headers.add("allow", std::string(exchange.match.allow));
  } else {
    response = co_await rest(exchange);
    response.headers.add("access-control-expose-headers", "*");
  }
  response.headers.add("access-control-allow-origin", "*");
  response.headers.add("vary", "origin, access-control-request-method, access-control-request-headers");
  co_return response;
}

http::Awaitable<http::Response> bound_answers(Exchange& exchange, Rest rest) {
  http::Response response = co_await rest(exchange);
  const protocol::Auth auth = exchange.match.auth;
  const bool to_workers = auth == protocol::Auth::kWorker || auth == protocol::Auth::kEntries;
  const Refusal refusal = to_workers ? Refusal::kNever : Refusal::kAllowed;
  co_return exchange.context.services.answers.admit(std::move(response), refusal);
}

http::Awaitable<http::Response> refuse_unknown_paths(Exchange& exchange, Rest rest) {
  const protocol::Match& match = exchange.match;
  if (match.kind == protocol::Match::Kind::kUnknownPath ||
      (match.kind == protocol::Match::Kind::kEndpoint && !exchange.handlers.find(match.endpoint)))
    co_return empty_response(404);
  co_return co_await rest(exchange);
}

http::Awaitable<http::Response> name_allowed_methods(Exchange& exchange, Rest rest) {
  http::Response response = co_await rest(exchange);
  if (exchange.match.kind == protocol::Match::Kind::kWrongMethod)
    response.headers.add("allow", std::string(exchange.match.allow));
  co_return response;
}

http::Awaitable<http::Response> require_authentication(Exchange& exchange, Rest rest) {
  if (auto refusal = authenticate(exchange.context, exchange.match.auth)) co_return std::move(*refusal);
  co_return co_await rest(exchange);
}

http::Awaitable<http::Response> refuse_wrong_methods(Exchange& exchange, Rest rest) {
  if (exchange.match.kind == protocol::Match::Kind::kWrongMethod) co_return empty_response(405);
  co_return co_await rest(exchange);
}

http::Awaitable<http::Response> decode_path(Exchange& exchange, Rest rest) {
  auto path = protocol::parse_path(exchange.match);
  if (!path) co_return failure_response(protocol::bad_path(path.error()));
  exchange.context.path = std::move(*path);
  co_return co_await rest(exchange);
}

http::Awaitable<http::Response> call_handler(Exchange& exchange, Rest) {
  http::Response response = co_await exchange.handlers.find(exchange.match.endpoint)(exchange.context);
  if (const auto wait = exchange.context.retry_after; wait.count() > 0 && response.status == 429)
    response.headers.set("retry-after", std::to_string(wait.count()));
  co_return response;
}

// The order is that of reference/server.md 1.1 ("Order of checks, always"). Limits of connections, heads and idle time
// hold in the transport, before all of this; that of the body where it is read, behind all checks that do not need it.
constexpr std::array<Stage, 10> kStages{
    count_and_log,           // outermost: sees every answer as it is sent
    guard_exceptions,        // outside CORS: the original's answer to a panic carries no CORS headers
    add_cors,                // outside authentication: a preflight has no token, and refusals need the headers too
    bound_answers,           // inside CORS: its refusals need the headers too
    refuse_unknown_paths,    // before authentication: an unknown path is 404 for everybody
    name_allowed_methods,    // outside authentication: its refusals of a wrong method carry Allow
    require_authentication,  // before the method: the path decides who may learn what it offers
    refuse_wrong_methods,    // before the path's values: a wrong method has no handler to check them for
    decode_path,             // before query and body, which the handler decodes in this order
    call_handler,            // query, body, use case, error mapping: endpoint.h
};

}  // namespace

http::Awaitable<http::Response> serve(Services& services, const Handlers& handlers, http::Request& request) {
  Exchange exchange{.context = Context{.services = services, .request = request},
                    .handlers = handlers,
                    .match = protocol::match(request.method, request.path)};
  co_return co_await Rest{kStages}(exchange);
}

}  // namespace mito::coordinator
