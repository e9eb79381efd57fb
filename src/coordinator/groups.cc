#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/handlers.h"
#include "domain/rules.h"
#include "protocol/group_messages.h"
#include "protocol/query.h"

// Groups and their members (reference/server.md 1.4, Groups).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;
using protocol::Nothing;

Awaitable<Result<Nothing>> create_group(Context& context, protocol::CreateGroupReq request) {
  const std::string& name = request.group_name;
  const UserId creator = context.user.id;
  if (!is_valid_name(request.group_name)) co_return fail(ErrorCode::kInvalidRequest, "Invalid group name");
  Services& services = context.services;
  co_return co_await write<Nothing>(services, [&](storage::Writer& writer) -> Result<Written<Nothing>> {
    // A taken name comes before the quota.
    if (services.directory.user(name) || services.directory.group(name)) return fail(ErrorCode::kNameTaken, name);
    MITO_TRY_ASSIGN(auto user, writer.user_by_id(creator));
    if (!user) return fail(ErrorCode::kWrongCredentials);
    if (user->group_count >= user->group_quota) return fail(ErrorCode::kQuotaExceeded);
    const Timestamp now = services.clock.now();
    MITO_TRY_ASSIGN(const GroupId group, writer.insert_group(name, creator, now));
    ++user->group_count;
    user->updated_at = now;
    MITO_TRY(writer.update_user(*user));
    return Written<Nothing>{
        {}, [&services, name, group, creator] {
          services.directory_changes.put_group(group, name);
          services.directory_changes.put_membership({.user = creator, .group = group, .role = Role::kAdmin});
          services.feeds.joined(creator, group);
        }};
  });
}

Error no_such_group(const std::string& name) {
  return {ErrorCode::kNotFound, "Group " + name};
}

Awaitable<Result<protocol::GroupQueryInfo>> get_group(Context& context) {
  MITO_CO_TRY(check_storable(context.path.group_name));
  const auto found = group_role(context, context.path.group_name);
  if (!found) co_return fail(no_such_group(context.path.group_name));
  if (!found->role) co_return fail(ErrorCode::kPermissionDenied);
  const core::Directory& directory = context.directory();
  const GroupId id = found->group;
  co_return co_await read(context.services, [&](storage::Queries& queries) -> Result<protocol::GroupQueryInfo> {
    MITO_TRY_ASSIGN(const auto group, queries.group_by_id(id));
    if (!group) return fail(ErrorCode::kInternal, {}, "a known group is not in the database");
    MITO_TRY_ASSIGN(const std::int64_t workers, queries.count_workers_of(id));
    protocol::GroupQueryInfo info{.group_name = group->name,
                                  .creator_username = directory.user_name(group->creator).value_or(std::string()),
                                  .created_at = group->created_at,
                                  .updated_at = group->updated_at,
                                  .state = group->state,
                                  .task_count = group->task_count,
                                  .storage_quota = group->storage_quota,
                                  .storage_used = group->storage_used,
                                  .worker_count = static_cast<std::uint64_t>(workers),
                                  .users_in_group = std::nullopt};
    if (*found->role == Role::kAdmin) {
      MITO_TRY_ASSIGN(const auto members, queries.members_of(id));
      info.users_in_group.emplace();
      for (const storage::Membership& member : members)
        info.users_in_group->emplace(directory.user_name(member.user).value_or(std::string()), member.role);
    }
    return info;
  });
}

/// The group in the path, when the caller is one of its Admins.
Result<GroupId> administered_group(const Context& context) {
  MITO_TRY(check_storable(context.path.group_name));
  const auto found = group_role(context, context.path.group_name);
  if (!found) return fail(no_such_group(context.path.group_name));
  if (!at_least(found->role, Role::kAdmin)) return fail(ErrorCode::kPermissionDenied);
  return found->group;
}

/// Ids of the named users; kInvalidRequest when one does not exist.
Result<std::vector<UserId>> known_users(const Context& context, const std::vector<std::string>& names) {
  std::vector<UserId> ids;
  ids.reserve(names.size());
  MITO_TRY(check_storable(names));
  for (const std::string& name : names) {
    const auto user = context.directory().user(name);
    if (!user) return fail(ErrorCode::kInvalidRequest, "Some users do not exist");
    ids.push_back(user->id);
  }
  return ids;
}

Awaitable<Result<Nothing>> update_members(Context& context, protocol::UpdateUserGroupRoleReq request) {
  if (request.relations.empty()) co_return fail(ErrorCode::kInvalidRequest, "Empty group relations");
  MITO_CO_TRY_ASSIGN(const GroupId group, administered_group(context));
  std::vector<storage::Membership> members;
  for (const auto& [name, role] : request.relations) {
    MITO_CO_TRY(check_storable(name));
    const auto user = context.directory().user(name);
    if (!user) co_return fail(ErrorCode::kInvalidRequest, "Some users do not exist");
    members.push_back({.user = user->id, .group = group, .role = role});
  }
  Services& services = context.services;
  co_return co_await write<Nothing>(services, [&](storage::Writer& writer) -> Result<Written<Nothing>> {
    MITO_TRY(writer.upsert_memberships(members));
    return Written<Nothing>{{}, [&services, members] {
                              for (const storage::Membership& member : members) {
                                services.directory_changes.put_membership(member);
                                services.feeds.joined(member.user, member.group);
                              }
                            }};
  });
}

Awaitable<Result<Nothing>> remove_members(Context& context, protocol::RemoveUserGroupRoleReq request) {
  if (request.users.empty()) co_return fail(ErrorCode::kInvalidRequest, "Empty group relations");
  MITO_CO_TRY_ASSIGN(const GroupId group, administered_group(context));
  MITO_CO_TRY_ASSIGN(const std::vector<UserId> users, known_users(context, request.users));
  Services& services = context.services;
  co_return co_await write<Nothing>(services, [&](storage::Writer& writer) -> Result<Written<Nothing>> {
    MITO_TRY(writer.delete_memberships(group, users));
    return Written<Nothing>{{}, [&services, group, users] {
                              for (const UserId user : users) {
                                services.directory_changes.remove_membership(user, group);
                                services.feeds.left(user, group);
                              }
                            }};
  });
}

}  // namespace

void add_groups(Handlers& handlers) {
  handlers.add(Endpoint::kCreateGroup, handler(create_group));
  handlers.add(Endpoint::kGetGroup, handler(get_group));
  handlers.add(Endpoint::kUpdateGroupUsers, handler(update_members));
  handlers.add(Endpoint::kRemoveGroupUsers, query_handler(remove_members));
  handlers.add(Endpoint::kRemoveGroupUsersByBody, handler(remove_members));
}

}  // namespace mito::coordinator
