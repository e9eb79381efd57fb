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

Awaitable<http::Response> metrics(Context& context) {
  if (!may_see_metrics(context.request, context.services.settings))
    co_return error_response({ErrorCode::kPermissionDenied, {}});
  co_return metrics_response(metrics_text(context.services));
}

}  // namespace

void add_operations(Handlers& handlers) {
  handlers.add(Endpoint::kHealth, handler(health));
  handlers.add(Endpoint::kRedis, handler(redis));
  handlers.add(Endpoint::kAdminShutdown, handler(shut_down));
  handlers.add(Endpoint::kMetrics, metrics);
}

}  // namespace mito::coordinator
