#include <string>
#include <string_view>
#include <utility>

#include "coordinator/handlers.h"
#include "coordinator/metrics.h"
#include "protocol/user_messages.h"
#include "security/compare.h"

// Running a coordinator: health, metrics, the way to Redis, the end (reference/server.md 1.4, Root and Admin).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;

Awaitable<Result<protocol::HealthResp>> health(Context&) {
  co_return protocol::HealthResp{.status = "ok"};
}

Awaitable<Result<protocol::RedisConnectionInfo>> redis(Context& context) {
  co_return protocol::RedisConnectionInfo{.url = context.services.redis_client_url};
}

Awaitable<Result<protocol::Nothing>> shut_down(Context& context, protocol::ShutdownReq request) {
  if (!security::equal_in_constant_time(request.secret, context.services.shutdown_secret))
    co_return fail(ErrorCode::kPermissionDenied);
  context.services.request_stop();
  co_return protocol::Nothing{};
}

/// With a metrics_token for who has it, else for this machine only. What came through a proxy of this machine is not
/// from this machine.
bool may_see_metrics(const Context& context) {
  const std::string& token = context.services.settings.metrics_token;
  const http::Headers& headers = context.request.headers;
  if (token.empty())
    return is_loopback_address(context.request.peer_address) && headers.find("forwarded") == nullptr &&
           headers.find("x-forwarded-for") == nullptr && headers.find("x-forwarded-host") == nullptr;
  const std::string* header = headers.find("authorization");
  return header != nullptr && security::equal_in_constant_time(*header, "Bearer " + token);
}

Awaitable<http::Response> metrics(Context& context) {
  if (!may_see_metrics(context)) co_return error_response({ErrorCode::kPermissionDenied, {}});
  http::Response response = text_response(200, metrics_text(context.services));
  response.headers.set("content-type", "text/plain; version=0.0.4; charset=utf-8");
  co_return response;
}

}  // namespace

void add_operations(Handlers& handlers) {
  handlers.add(Endpoint::kHealth, handler(health));
  handlers.add(Endpoint::kRedis, handler(redis));
  handlers.add(Endpoint::kAdminShutdown, handler(shut_down));
  handlers.add(Endpoint::kMetrics, metrics);
}

}  // namespace mito::coordinator
