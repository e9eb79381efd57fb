#include "coordinator/authentication.h"

#include <chrono>
#include <string>
#include <utility>

#include "base/uuid.h"
#include "coordinator/responses.h"
#include "protocol/authorization.h"
#include "protocol/errors.h"

namespace mito::coordinator {

namespace {

Result<void> check_user(Context& context, const security::Claims& claims, std::int64_t now, protocol::Auth kind) {
  if (claims.exp < now) return fail(ErrorCode::kWrongCredentials);
  auto user = context.directory().user(claims.sub);
  if (!user) return fail(ErrorCode::kWrongCredentials);
  if (kind == protocol::Auth::kAdmin && !user->admin) return fail(ErrorCode::kPermissionDenied);
  if (user->state != UserState::kActive) return fail(ErrorCode::kPermissionDenied);
  if (user->auth_signature != claims.sign) return fail(ErrorCode::kWrongCredentials);
  context.user = std::move(*user);
  return {};
}

Result<void> check_worker(Context& context, const security::Claims& claims) {
  const auto uuid = Uuid::parse(claims.sub);
  if (!uuid) return fail(ErrorCode::kInvalidToken);
  // A user may be named like a worker; his tokens carry his signature, those of workers none.
  if (claims.sign != 0 && context.directory().user(claims.sub)) return fail(ErrorCode::kInvalidToken);
  auto worker = context.directory().worker(WorkerUuid{*uuid});
  if (!worker) return fail(ErrorCode::kWrongCredentials);
  context.worker = std::move(*worker);
  return {};
}

}  // namespace

std::optional<http::Response> authenticate(Context& context, protocol::Auth kind) {
  if (kind == protocol::Auth::kNone) return std::nullopt;
  const std::string* header = context.request.headers.find("authorization");
  if (header == nullptr) return failure_response(protocol::missing_authorization());
  const auto bearer = protocol::bearer_of(*header);
  if (!bearer) return failure_response(protocol::bad_authorization());
  const std::int64_t now = std::chrono::floor<std::chrono::seconds>(context.now()).time_since_epoch().count();
  const auto claims = context.services.tokens.verify(*bearer, now);
  if (!claims) return error_response(claims.error());
  const auto checked =
      kind == protocol::Auth::kWorker ? check_worker(context, *claims) : check_user(context, *claims, now, kind);
  if (!checked) return error_response(checked.error());
  return std::nullopt;
}

}  // namespace mito::coordinator
