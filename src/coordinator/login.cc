#include <optional>
#include <string>
#include <utility>

#include "coordinator/handlers.h"
#include "coordinator/passwords.h"
#include "protocol/user_messages.h"

// Sessions: logging in, who am I, changing one's password (reference/server.md 2.2).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;

/// Enters a sign-in, unless the password is no longer the one that was checked. `prepare` changes the row further.
template <class Prepare>
Awaitable<Result<std::string>> sign_in(Context& context, UserId id, std::string checked_password, Prepare prepare) {
  Services& services = context.services;
  auto user = co_await write<storage::User>(services, [&](storage::Writer& writer) -> Result<Written<storage::User>> {
    MITO_TRY_ASSIGN(auto found, writer.user_by_id(id));
    if (!found || found->encrypted_password != checked_password) return fail(ErrorCode::kWrongCredentials);
    prepare(*found);
    enter_sign_in(*found, client_address(context), services.clock.now());
    MITO_TRY(writer.update_user(*found));
    return Written<storage::User>{*found, [&services, user = *found] { services.directory_changes.put_user(user); }};
  });
  if (!user) co_return std::unexpected(std::move(user).error());
  co_return user_token(services, *user);
}

Awaitable<Result<protocol::TokenResp>> log_in(Context& context, protocol::UserLoginReq request) {
  MITO_CO_TRY(check_storable(request.username));
  const auto user = context.directory().user(request.username);
  if (!user) {
    MITO_CO_TRY(co_await verify_password(context, request.username, request.md5_password, std::nullopt));
    co_return fail(ErrorCode::kWrongCredentials);
  }
  if (user->state != UserState::kActive) co_return fail(ErrorCode::kPermissionDenied);
  MITO_CO_TRY_ASSIGN(const bool good, co_await verify_password(context, request.username, request.md5_password,
                                                               user->encrypted_password));
  if (!good) co_return fail(ErrorCode::kWrongCredentials);

  MITO_CO_TRY_ASSIGN(std::string token,
                     co_await sign_in(context, user->id, user->encrypted_password, [&](storage::User& row) {
                       if (!request.retain || !row.auth_signature) row.auth_signature = new_signature();
                     }));
  co_return protocol::TokenResp{.token = std::move(token)};
}

Awaitable<Result<Text>> who_am_i(Context& context) {
  co_return Text{context.user.username};
}

Awaitable<Result<protocol::TokenResp>> change_password(Context& context, protocol::UserChangePasswordReq request) {
  if (context.path.username != context.user.username) co_return fail(ErrorCode::kWrongCredentials);
  MITO_CO_TRY_ASSIGN(const bool good, co_await verify_password(context, context.user.username, request.old_md5_password,
                                                               context.user.encrypted_password));
  if (!good) co_return fail(ErrorCode::kWrongCredentials);
  MITO_CO_TRY_ASSIGN(const std::string hashed, co_await hash_password(context, request.new_md5_password));
  MITO_CO_TRY_ASSIGN(std::string token, co_await sign_in(context, context.user.id, context.user.encrypted_password,
                                                         [&](storage::User& row) {
                                                           row.encrypted_password = hashed;
                                                           row.auth_signature = new_signature();
                                                         }));
  co_return protocol::TokenResp{.token = std::move(token)};
}

}  // namespace

void add_login(Handlers& handlers) {
  handlers.add(Endpoint::kLogin, handler(log_in));
  handlers.add(Endpoint::kAuth, handler(who_am_i));
  handlers.add(Endpoint::kChangePassword, handler(change_password));
}

}  // namespace mito::coordinator
