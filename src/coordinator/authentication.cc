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

Result<core::Directory::WorkerEntry> check_worker(const core::Directory& directory, const security::Claims& claims) {
  const auto uuid = Uuid::parse(claims.sub);
  if (!uuid) return fail(ErrorCode::kInvalidToken);
  // A user may be named like a worker; his tokens carry his signature, those of workers none.
  if (claims.sign != 0 && directory.user(claims.sub)) return fail(ErrorCode::kInvalidToken);
  auto worker = directory.worker(WorkerUuid{*uuid});
  if (!worker) return fail(ErrorCode::kWrongCredentials);
  return std::move(*worker);
}

std::int64_t unix_seconds(Timestamp time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace

Result<core::Directory::WorkerEntry> worker_of_token(const Services& services, std::string_view token) {
  MITO_TRY_ASSIGN(const auto claims, services.tokens.verify(token, unix_seconds(services.clock.now())));
  return check_worker(services.directory, claims);
}

std::optional<http::Response> authenticate(Context& context, protocol::Auth kind) {
  if (kind == protocol::Auth::kNone || kind == protocol::Auth::kEntries) return std::nullopt;
  const std::string* header = context.request.headers.find("authorization");
  if (header == nullptr) return failure_response(protocol::missing_authorization());
  const auto bearer = protocol::bearer_of(*header);
  if (!bearer) return failure_response(protocol::bad_authorization());
  if (kind == protocol::Auth::kWorker) {
    auto worker = worker_of_token(context.services, *bearer);
    if (!worker) return error_response(worker.error());
    context.worker = std::move(*worker);
    return std::nullopt;
  }
  const std::int64_t now = unix_seconds(context.now());
  const auto claims = context.services.tokens.verify(*bearer, now);
  if (!claims) return error_response(claims.error());
  const auto checked = check_user(context, *claims, now, kind);
  if (!checked) return error_response(checked.error());
  return std::nullopt;
}

}  // namespace mito::coordinator
