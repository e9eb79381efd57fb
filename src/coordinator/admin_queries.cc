#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/handlers.h"
#include "coordinator/worker_views.h"
#include "protocol/group_messages.h"
#include "protocol/user_messages.h"
#include "protocol/worker_messages.h"

// What admins ask about everything, and the state of groups (architecture section 9, admin).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;

constexpr std::uint64_t kRowsPerQuery = 1000;

/// The rows of `next(page)` that `wanted` accepts, counted and cut to limit and offset.
template <class Row>
struct Selection {
  std::uint64_t count = 0;
  std::vector<Row> rows;
};

template <class Row, class Next, class Wanted>
Result<Selection<Row>> select(Next next, Wanted wanted, std::optional<std::uint64_t> limit, std::uint64_t offset,
                              bool only_count) {
  Selection<Row> selection;
  for (std::uint64_t start = 0;; start += kRowsPerQuery) {
    MITO_TRY_ASSIGN(auto rows, next(storage::Page{kRowsPerQuery, start}));
    for (Row& row : rows) {
      if (!wanted(row)) continue;
      const std::uint64_t place = selection.count++;
      if (!only_count && place >= offset && (!limit || place - offset < *limit))
        selection.rows.push_back(std::move(row));
    }
    if (rows.size() < kRowsPerQuery) return selection;
  }
}

template <class State>
bool is_among(const std::optional<std::vector<State>>& states, State state) {
  return !states || std::ranges::find(*states, state) != states->end();
}

protocol::UserQueryInfo view(storage::User user) {
  return {.username = std::move(user.username),
          .admin = user.admin,
          .state = user.state,
          .group_quota = user.group_quota,
          .group_count = user.group_count,
          .created_at = user.created_at,
          .updated_at = user.updated_at,
          .current_sign_in_at = user.current_sign_in_at,
          .current_sign_in_ip = std::move(user.current_sign_in_ip),
          .last_sign_in_at = user.last_sign_in_at,
          .last_sign_in_ip = std::move(user.last_sign_in_ip)};
}

Awaitable<Result<protocol::AdminUsersQueryResp>> query_users(Context& context, protocol::AdminUsersQueryReq request) {
  co_return co_await read(context.services, [&](storage::Queries& queries) -> Result<protocol::AdminUsersQueryResp> {
    const std::string part = request.username.value_or(std::string());
    MITO_TRY_ASSIGN(auto found, select<storage::User>([&](storage::Page page) { return queries.users(part, page); },
                                                      [&](const storage::User& user) {
                                                        return is_among(request.states, user.state) &&
                                                               (!request.admin || *request.admin == user.admin);
                                                      },
                                                      request.limit, request.offset.value_or(0), request.count));
    protocol::AdminUsersQueryResp answer{.count = found.count, .users = {}};
    for (storage::User& user : found.rows)
      answer.users.push_back(view(std::move(user)));
    return answer;
  });
}

Result<protocol::GroupQueryInfo> view(const core::Directory& directory, storage::Queries& queries,
                                      storage::Group group) {
  MITO_TRY_ASSIGN(const std::int64_t workers, queries.count_workers_of(group.id));
  MITO_TRY_ASSIGN(const auto members, queries.members_of(group.id));
  protocol::Roles roles;
  for (const storage::Membership& member : members)
    roles.emplace(directory.user_name(member.user).value_or(std::string()), member.role);
  return protocol::GroupQueryInfo{.group_name = std::move(group.name),
                                  .creator_username = directory.user_name(group.creator).value_or(std::string()),
                                  .created_at = group.created_at,
                                  .updated_at = group.updated_at,
                                  .state = group.state,
                                  .task_count = group.task_count,
                                  .storage_quota = group.storage_quota,
                                  .storage_used = group.storage_used,
                                  .worker_count = static_cast<std::uint64_t>(workers),
                                  .users_in_group = std::move(roles)};
}

Awaitable<Result<protocol::AdminGroupsQueryResp>> query_groups(Context& context,
                                                               protocol::AdminGroupsQueryReq request) {
  const core::Directory& directory = context.directory();
  co_return co_await read(context.services, [&](storage::Queries& queries) -> Result<protocol::AdminGroupsQueryResp> {
    const std::string part = request.group_name.value_or(std::string());
    MITO_TRY_ASSIGN(auto found,
                    select<storage::Group>([&](storage::Page page) { return queries.groups(part, page); },
                                           [&](const storage::Group& group) {
                                             return is_among(request.states, group.state) &&
                                                    (!request.creator_username ||
                                                     directory.user_name(group.creator) == request.creator_username);
                                           },
                                           request.limit, request.offset.value_or(0), request.count));
    protocol::AdminGroupsQueryResp answer{.count = found.count, .groups = {}};
    for (storage::Group& group : found.rows) {
      MITO_TRY_ASSIGN(auto info, view(directory, queries, std::move(group)));
      answer.groups.push_back(std::move(info));
    }
    return answer;
  });
}

Awaitable<Result<protocol::AdminWorkersQueryResp>> query_workers(Context& context,
                                                                 protocol::AdminWorkersQueryReq request) {
  storage::WorkerFilter filter{.group = std::nullopt,
                               .roles = std::nullopt,
                               .tags = request.tags,
                               .labels = request.labels,
                               .creator = request.creator_username};
  if (request.group_name) {
    MITO_CO_TRY(check_storable(*request.group_name));
    filter.group = context.directory().group(*request.group_name);
    if (!filter.group) co_return fail(ErrorCode::kNotFound, "Group " + *request.group_name);
  }
  co_return co_await read(context.services, [&](storage::Queries& queries) -> Result<protocol::AdminWorkersQueryResp> {
    MITO_TRY_ASSIGN(auto found,
                    select<storage::Worker>([&](storage::Page page) { return queries.workers(filter, page); },
                                            [](const storage::Worker&) { return true; }, request.limit,
                                            request.offset.value_or(0), request.count));
    protocol::AdminWorkersQueryResp answer{.count = found.count, .workers = {}};
    for (storage::Worker& worker : found.rows) {
      MITO_TRY_ASSIGN(auto info, worker_view(context.directory(), queries, std::move(worker), WorkerDetail::kOurs));
      answer.workers.push_back(std::move(info));
    }
    return answer;
  });
}

Awaitable<Result<protocol::GroupStateResp>> change_group_state(Context& context,
                                                               protocol::ChangeGroupStateReq request) {
  co_return co_await write<protocol::GroupStateResp>(
      context.services, [&](storage::Writer& writer) -> Result<Written<protocol::GroupStateResp>> {
        MITO_TRY(check_storable(context.path.group_name));
        MITO_TRY_ASSIGN(auto group, writer.group_by_name(context.path.group_name));
        if (!group) return fail(ErrorCode::kNotFound, "Group " + context.path.group_name);
        group->state = request.state;
        group->updated_at = context.now();
        MITO_TRY_ASSIGN(const bool written, writer.update_group(*group));
        if (!written) return fail(ErrorCode::kInternal, {}, "a group changed within our own transaction");
        return Written<protocol::GroupStateResp>{{.state = request.state}};
      });
}

}  // namespace

void add_admin_queries(Handlers& handlers) {
  handlers.add(Endpoint::kAdminQueryUsers, handler(query_users));
  handlers.add(Endpoint::kAdminQueryGroups, handler(query_groups));
  handlers.add(Endpoint::kAdminQueryWorkers, handler(query_workers));
  handlers.add(Endpoint::kAdminChangeGroupState, handler(change_group_state));
}

}  // namespace mito::coordinator
