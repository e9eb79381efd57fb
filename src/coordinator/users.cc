#include <string>
#include <utility>

#include "coordinator/handlers.h"
#include "coordinator/passwords.h"
#include "domain/rules.h"
#include "protocol/user_messages.h"

// Users and what admins do to them (reference/server.md 1.4, Users and Admin).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;
using protocol::Nothing;

Awaitable<Result<protocol::GroupsQueryResp>> user_groups(Context& context) {
  protocol::GroupsQueryResp answer;
  for (const auto& [group, role] : context.directory().memberships(context.user.id))
    if (auto name = context.directory().group_name(group)) answer.groups.emplace(std::move(*name), role);
  co_return answer;
}

Awaitable<Result<Nothing>> create_user(Context& context, protocol::CreateUserReq request) {
  if (!is_valid_name(request.username)) co_return fail(ErrorCode::kInvalidRequest, "Invalid username");
  if (context.directory().user(request.username) || context.directory().group(request.username))
    co_return fail(ErrorCode::kNameTaken, request.username);
  MITO_CO_TRY_ASSIGN(const std::string hashed, co_await hash_password(context, request.md5_password));
  Services& services = context.services;
  co_return co_await write<Nothing>(services, [&](storage::Writer& writer) -> Result<Written<Nothing>> {
    MITO_TRY_ASSIGN(const auto ids, writer.insert_user({.username = request.username,
                                                        .encrypted_password = hashed,
                                                        .admin = request.admin,
                                                        .now = services.clock.now()}));
    MITO_TRY_ASSIGN(auto user, writer.user_by_id(ids.first));
    if (!user) return fail(ErrorCode::kInternal, {}, "a user that was inserted is not there");
    return Written<Nothing>{
        {}, [&services, user = std::move(*user), group = ids.second] {
          services.directory_changes.put_user(user);
          services.directory_changes.put_group(group, user.username);
          services.directory_changes.put_membership({.user = user.id, .group = group, .role = Role::kAdmin});
          services.feeds.joined(user.id, group);
        }};
  });
}

/// Changes the row of the user in the path; `missing` is the error when there is none.
template <class T, class Change>
Awaitable<Result<T>> change_user(Context& context, Error missing, Change change) {
  Services& services = context.services;
  return write<T>(services,
                  [&services, name = context.path.username, missing = std::move(missing),
                   change = std::move(change)](storage::Writer& writer) -> Result<Written<T>> {
                    MITO_TRY(check_storable(name));
                    MITO_TRY_ASSIGN(auto user, writer.user_by_name(name));
                    if (!user) return fail(missing);
                    MITO_TRY_ASSIGN(T value, change(*user));
                    MITO_TRY(writer.update_user(*user));
                    return Written<T>{std::move(value), [&services, row = std::move(*user)] {
                                        services.directory_changes.put_user(row);
                                      }};
                  });
}

Error no_such_name(const Context& context) {
  return {ErrorCode::kNotFound, "User or group with name " + context.path.username};
}

Awaitable<Result<protocol::UserStateResp>> set_state(Context& context, UserState state) {
  return change_user<protocol::UserStateResp>(
      context, no_such_name(context),
      [state, now = context.now()](storage::User& user) -> Result<protocol::UserStateResp> {
        user.state = state;
        user.updated_at = now;
        return protocol::UserStateResp{.state = state};
      });
}

Awaitable<Result<protocol::UserStateResp>> delete_user(Context& context) {
  return set_state(context, UserState::kDeleted);
}

Awaitable<Result<protocol::UserStateResp>> change_state(Context& context, protocol::ChangeUserStateReq request) {
  return set_state(context, request.state);
}

Awaitable<Result<Nothing>> set_password(Context& context, protocol::AdminChangePasswordReq request) {
  MITO_CO_TRY(check_storable(context.path.username));
  if (!context.directory().user(context.path.username)) co_return fail(ErrorCode::kNotFound, "User not found");
  MITO_CO_TRY_ASSIGN(const std::string hashed, co_await hash_password(context, request.new_md5_password));
  co_return co_await change_user<Nothing>(context, {ErrorCode::kNotFound, "User not found"},
                                          [&](storage::User& user) -> Result<Nothing> {
                                            user.encrypted_password = hashed;
                                            user.auth_signature = new_signature();
                                            user.updated_at = context.now();
                                            return Nothing{};
                                          });
}

Awaitable<Result<protocol::UserGroupQuotaResp>> change_group_quota_of_user(Context& context,
                                                                           protocol::ChangeUserGroupQuotaReq request) {
  co_return co_await change_user<protocol::UserGroupQuotaResp>(
      context, no_such_name(context), [&](storage::User& user) -> Result<protocol::UserGroupQuotaResp> {
        MITO_TRY_ASSIGN(user.group_quota, change_group_quota(user.group_quota, request.group_quota));
        user.updated_at = context.now();
        return protocol::UserGroupQuotaResp{.group_quota = user.group_quota};
      });
}

Awaitable<Result<protocol::GroupStorageQuotaResp>> change_storage_quota_of_group(
    Context& context, protocol::ChangeGroupStorageQuotaReq request) {
  // The syntax is checked before the group is looked for, as in the original.
  MITO_CO_TRY(change_storage_quota(0, request.storage_quota));
  co_return co_await write<protocol::GroupStorageQuotaResp>(
      context.services, [&](storage::Writer& writer) -> Result<Written<protocol::GroupStorageQuotaResp>> {
        MITO_TRY(check_storable(context.path.group_name));
        MITO_TRY_ASSIGN(auto group, writer.group_by_name(context.path.group_name));
        if (!group) return fail(ErrorCode::kNotFound, "Group " + context.path.group_name);
        MITO_TRY_ASSIGN(group->storage_quota, change_storage_quota(group->storage_quota, request.storage_quota));
        group->updated_at = context.now();
        MITO_TRY_ASSIGN(const bool written, writer.update_group(*group));
        if (!written) return fail(ErrorCode::kInternal, {}, "a group changed within our own transaction");
        return Written<protocol::GroupStorageQuotaResp>{{.storage_quota = group->storage_quota}};
      });
}

}  // namespace

void add_users(Handlers& handlers) {
  handlers.add(Endpoint::kUserGroups, handler(user_groups));
  handlers.add(Endpoint::kAdminCreateUser, handler(create_user));
  handlers.add(Endpoint::kAdminDeleteUser, handler(delete_user));
  handlers.add(Endpoint::kAdminChangeUserState, handler(change_state));
  handlers.add(Endpoint::kAdminChangePassword, handler(set_password));
  handlers.add(Endpoint::kAdminChangeGroupQuota, handler(change_group_quota_of_user));
  handlers.add(Endpoint::kAdminChangeStorageQuota, handler(change_storage_quota_of_group));
}

}  // namespace mito::coordinator
