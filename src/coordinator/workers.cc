#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "coordinator/handlers.h"
#include "protocol/query.h"
#include "protocol/worker_messages.h"

// Workers as users see and change them (reference/server.md 1.4, Workers called by users; 3.2).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;
using protocol::Nothing;

enum class Detail { kOriginal, kOurs };

Result<protocol::WorkerQueryInfo> view(const core::Directory& directory, storage::Queries& queries,
                                       storage::Worker worker, Detail detail) {
  protocol::WorkerQueryInfo info{.worker_id = worker.uuid,
                                 .creator_username = directory.user_name(worker.creator).value_or(std::string()),
                                 .tags = std::move(worker.tags),
                                 .labels = std::move(worker.labels),
                                 .created_at = worker.created_at,
                                 .updated_at = worker.updated_at,
                                 .state = worker.state,
                                 .last_heartbeat = worker.last_heartbeat,
                                 .assigned_task_id = std::nullopt,
                                 .features = std::nullopt,
                                 .lease = std::nullopt,
                                 .info = std::nullopt};
  if (worker.assigned_task) {
    MITO_TRY_ASSIGN(const auto task, queries.task_by_id(*worker.assigned_task));
    if (task && !task->archived) info.assigned_task_id = task->uuid;
  }
  if (detail == Detail::kOurs) {
    info.features = std::move(worker.features);
    if (worker.lease) info.lease = Duration::from(*worker.lease);
    if (!worker.info.empty()) info.info = protocol::RawObject{std::move(worker.info)};
  }
  return info;
}

Awaitable<Result<protocol::WorkerQueryResp>> get_worker(Context& context, protocol::WorkerQuery query) {
  const core::Directory& directory = context.directory();
  const WorkerUuid uuid = context.path.worker();
  const Detail detail = query.detail ? Detail::kOurs : Detail::kOriginal;
  co_return co_await read(context.services, [&](storage::Queries& queries) -> Result<protocol::WorkerQueryResp> {
    MITO_TRY_ASSIGN(auto worker, queries.worker_by_uuid(uuid));
    if (!worker) return fail(ErrorCode::kNotFound, "Worker " + uuid.to_string());
    MITO_TRY_ASSIGN(const auto access, queries.access_of(worker->id));
    MITO_TRY_ASSIGN(auto info, view(directory, queries, std::move(*worker), detail));
    protocol::WorkerQueryResp answer{.info = std::move(info), .groups = {}};
    for (const storage::WorkerAccess& entry : access)
      answer.groups.emplace(directory.group_name(entry.group).value_or(std::string()), entry.role);
    return answer;
  });
}

/// The worker of the path, when the caller has at least `needed` in a group that has at least `needed` on it.
Result<core::Directory::WorkerEntry> manageable_worker(const Context& context, Role needed) {
  auto worker = context.directory().worker(context.path.worker());
  if (!worker) return fail(ErrorCode::kNotFound, "Worker " + context.path.worker().to_string() + " not found");
  for (const auto& [group, role] : worker->access)
    if (role >= needed && at_least(context.directory().role(context.user.id, group), needed)) return std::move(*worker);
  return fail(ErrorCode::kPermissionDenied);
}

Awaitable<Result<Nothing>> replace_tags(Context& context, protocol::ReplaceWorkerTagsReq request) {
  if (request.tags.empty()) co_return fail(ErrorCode::kInvalidRequest, "Empty tags");
  MITO_CO_TRY_ASSIGN(const auto worker, manageable_worker(context, Role::kWrite));
  MITO_CO_TRY(check_storable(request.tags));
  MITO_CO_TRY(co_await ask_core<void>(context.services, [&](core::Core& core, core::Reply<void> reply) {
    core.set_worker_tags(worker.id, request.tags, std::move(reply));
  }));
  co_return Nothing{};
}

Awaitable<Result<Nothing>> replace_labels(Context& context, protocol::ReplaceWorkerLabelsReq request) {
  if (request.labels.empty()) co_return fail(ErrorCode::kInvalidRequest, "Empty labels");
  MITO_CO_TRY_ASSIGN(const auto worker, manageable_worker(context, Role::kWrite));
  MITO_CO_TRY(check_storable(request.labels));
  MITO_CO_TRY(co_await ask_core<void>(context.services, [&](core::Core& core, core::Reply<void> reply) {
    core.set_worker_labels(worker.id, request.labels, std::move(reply));
  }));
  co_return Nothing{};
}

Awaitable<Result<Nothing>> update_groups(Context& context, protocol::UpdateGroupWorkerRoleReq request) {
  if (request.relations.empty()) co_return fail(ErrorCode::kInvalidRequest, "Empty group relations");
  MITO_CO_TRY_ASSIGN(const auto worker, manageable_worker(context, Role::kAdmin));
  std::vector<std::pair<GroupId, Role>> access;
  bool may_add = true;
  for (const auto& [name, role] : request.relations) {
    const auto found = group_role(context, name);
    if (!found) co_return fail(ErrorCode::kInvalidRequest, "Some groups do not exist");
    const bool known =
        std::ranges::any_of(worker.access, [&](const auto& entry) { return entry.first == found->group; });
    if (!known && !found->role && !context.user.admin) may_add = false;
    access.emplace_back(found->group, role);
  }
  // Whoever adds a group to a worker must be in it: its tasks would run there.
  if (!may_add) co_return fail(ErrorCode::kPermissionDenied);
  MITO_CO_TRY(co_await ask_core<void>(context.services, [&](core::Core& core, core::Reply<void> reply) {
    core.upsert_worker_access(worker.id, access, std::move(reply));
  }));
  co_return Nothing{};
}

Awaitable<Result<Nothing>> remove_groups(Context& context, protocol::RemoveGroupWorkerRoleReq request) {
  if (request.groups.empty()) co_return fail(ErrorCode::kInvalidRequest, "Empty group names");
  MITO_CO_TRY_ASSIGN(const auto worker, manageable_worker(context, Role::kAdmin));
  std::vector<GroupId> groups;
  for (const std::string& name : request.groups) {
    const auto group = context.directory().group(name);
    if (!group) co_return fail(ErrorCode::kInvalidRequest, "Some groups do not exist");
    groups.push_back(*group);
  }
  MITO_CO_TRY(co_await ask_core<void>(context.services, [&](core::Core& core, core::Reply<void> reply) {
    core.remove_worker_access(worker.id, groups, std::move(reply));
  }));
  co_return Nothing{};
}

/// The group a worker query is about, when the caller has at least `needed` in it: the one named or his own.
struct QueriedGroup {
  GroupId id;
  std::string name;
};
Result<QueriedGroup> queried_group(const Context& context, const std::optional<std::string>& name, Role needed) {
  std::string chosen = name.value_or(context.user.username);
  const auto found = group_role(context, chosen);
  if (!found || !at_least(found->role, needed)) return fail(ErrorCode::kPermissionDenied);
  return QueriedGroup{found->group, std::move(chosen)};
}

/// Empty tag and label lists do not restrict.
template <class Request>
storage::WorkerFilter filter_of(const Request& request, GroupId group) {
  const auto restricting = [](const std::optional<std::vector<std::string>>& list) {
    return list && !list->empty() ? list : std::nullopt;
  };
  return {.group = group,
          .roles = request.role,
          .tags = restricting(request.tags),
          .labels = restricting(request.labels),
          .creator = request.creator_username};
}

Awaitable<Result<protocol::WorkersQueryResp>> query_workers(Context& context, protocol::WorkersQueryReq request) {
  MITO_CO_TRY_ASSIGN(const QueriedGroup group, queried_group(context, request.group_name, Role::kRead));
  co_return co_await read(context.services, [&](storage::Queries& queries) -> Result<protocol::WorkersQueryResp> {
    MITO_TRY_ASSIGN(auto workers, queries.workers(filter_of(request, group.id), {}));
    protocol::WorkersQueryResp answer{.count = workers.size(), .workers = {}, .group_name = group.name};
    if (request.count) return answer;
    const Detail detail = request.detail ? Detail::kOurs : Detail::kOriginal;
    for (storage::Worker& worker : workers) {
      MITO_TRY_ASSIGN(auto info, view(context.directory(), queries, std::move(worker), detail));
      answer.workers.push_back(std::move(info));
    }
    return answer;
  });
}

// -- shutdown ------------------------------------------------------------------------------------

core::Removal removal_of(ShutdownOp op) {
  return op == ShutdownOp::kForce ? core::Removal::kForced : core::Removal::kGraceful;
}

/// Removes several workers in as few transactions as the core makes of them; one flag each.
Awaitable<Result<std::vector<bool>>> remove_all(Services& services, std::vector<WorkerId> workers,
                                                core::Removal removal) {
  struct Gathering {
    std::vector<bool> flags;
    std::size_t missing = 0;
    std::optional<Error> error;
    std::move_only_function<void(Result<std::vector<bool>>)> done;
  };
  return await_callback<Result<std::vector<bool>>>([&services, workers = std::move(workers), removal](
                                                       std::move_only_function<void(Result<std::vector<bool>>)> done) {
    if (workers.empty()) return done(std::vector<bool>());
    // Only the core thread touches it from here on: replies come there, one after the other.
    auto gathering = std::make_shared<Sync<Gathering>>();
    {
      auto state = gathering->lock();
      state->flags.resize(workers.size());
      state->missing = workers.size();
      state->done = std::move(done);
    }
    for (std::size_t i = 0; i < workers.size(); ++i) {
      services.core.remove_worker(workers[i], removal, [gathering, i](Result<bool> removed) {
        auto state = gathering->lock();
        if (removed)
          state->flags[i] = *removed;
        else
          state->error = removed.error();
        if (--state->missing > 0) return;
        if (state->error)
          state->done(std::unexpected(*state->error));
        else
          state->done(std::move(state->flags));
      });
    }
  });
}

Awaitable<Result<Nothing>> shut_down(Context& context, WorkerId worker, ShutdownOp op) {
  std::vector<WorkerId> workers;
  workers.push_back(worker);
  MITO_CO_TRY_ASSIGN(const auto removed, co_await remove_all(context.services, std::move(workers), removal_of(op)));
  if (!removed.front())
    co_return fail(ErrorCode::kNotFound, "Worker " + context.path.worker().to_string() + " not found");
  co_return Nothing{};
}

Awaitable<Result<Nothing>> shut_down_one(Context& context, protocol::WorkerShutdownQuery query) {
  MITO_CO_TRY_ASSIGN(const auto worker, manageable_worker(context, Role::kAdmin));
  co_return co_await shut_down(context, worker.id, query.op.value_or(ShutdownOp::kGraceful));
}

Awaitable<Result<Nothing>> shut_down_as_admin(Context& context, protocol::WorkerShutdownQuery query) {
  const auto worker = context.directory().worker(context.path.worker());
  if (!worker) co_return fail(ErrorCode::kNotFound, "Worker " + context.path.worker().to_string() + " not found");
  co_return co_await shut_down(context, worker->id, query.op.value_or(ShutdownOp::kGraceful));
}

Awaitable<Result<protocol::WorkersShutdownByFilterResp>> shut_down_by_filter(
    Context& context, protocol::WorkersShutdownByFilterReq request) {
  MITO_CO_TRY_ASSIGN(const QueriedGroup group, queried_group(context, request.group_name, Role::kAdmin));
  storage::WorkerFilter filter = filter_of(request, group.id);
  // Only workers on which the group has Admin; other roles that were asked for find nothing.
  if (!filter.roles || std::ranges::find(*filter.roles, Role::kAdmin) != filter.roles->end())
    filter.roles = std::vector{Role::kAdmin};
  else
    filter.roles = std::vector<Role>();
  MITO_CO_TRY_ASSIGN(std::vector<WorkerId> workers,
                     co_await read(context.services, [&](storage::Queries& queries) -> Result<std::vector<WorkerId>> {
                       MITO_TRY_ASSIGN(const auto rows, queries.workers(filter, {}));
                       std::vector<WorkerId> ids;
                       ids.reserve(rows.size());
                       for (const storage::Worker& row : rows)
                         ids.push_back(row.id);
                       return ids;
                     }));
  MITO_CO_TRY_ASSIGN(const auto removed,
                     co_await remove_all(context.services, std::move(workers), removal_of(request.op)));
  co_return protocol::WorkersShutdownByFilterResp{
      .shutdown_count = static_cast<std::uint64_t>(std::ranges::count(removed, true)), .group_name = group.name};
}

Awaitable<Result<protocol::WorkersShutdownByUuidsResp>> shut_down_by_uuids(
    Context& context, protocol::WorkersShutdownByUuidsReq request) {
  if (request.uuids.empty()) co_return fail(ErrorCode::kInvalidRequest, "UUIDs list cannot be empty");
  std::unordered_set<WorkerUuid> seen;
  std::vector<WorkerUuid> named;
  std::vector<WorkerId> workers;
  for (const WorkerUuid& uuid : request.uuids) {
    if (!seen.insert(uuid).second) continue;
    const auto worker = context.directory().worker(uuid);
    if (!worker) continue;
    const bool allowed = std::ranges::any_of(worker->access, [&](const auto& access) {
      return access.second == Role::kAdmin &&
             at_least(context.directory().role(context.user.id, access.first), Role::kAdmin);
    });
    if (!allowed) continue;
    named.push_back(uuid);
    workers.push_back(worker->id);
  }
  MITO_CO_TRY_ASSIGN(const auto removed,
                     co_await remove_all(context.services, std::move(workers), removal_of(request.op)));
  std::unordered_set<WorkerUuid> gone;
  for (std::size_t i = 0; i < removed.size(); ++i)
    if (removed[i]) gone.insert(named[i]);
  protocol::WorkersShutdownByUuidsResp answer{.shutdown_count = gone.size(), .failed_uuids = {}};
  for (const WorkerUuid& uuid : request.uuids)
    if (!gone.contains(uuid)) answer.failed_uuids.push_back(uuid);
  co_return answer;
}

}  // namespace

void add_workers(Handlers& handlers) {
  handlers.add(Endpoint::kGetWorker, query_handler(get_worker));
  handlers.add(Endpoint::kReplaceWorkerTags, handler(replace_tags));
  handlers.add(Endpoint::kReplaceWorkerLabels, handler(replace_labels));
  handlers.add(Endpoint::kUpdateWorkerGroups, handler(update_groups));
  handlers.add(Endpoint::kRemoveWorkerGroups, query_handler(remove_groups));
  handlers.add(Endpoint::kRemoveWorkerGroupsByBody, handler(remove_groups));
  handlers.add(Endpoint::kQueryWorkers, handler(query_workers));
}

void add_worker_shutdown(Handlers& handlers) {
  handlers.add(Endpoint::kShutdownWorker, query_handler(shut_down_one));
  handlers.add(Endpoint::kAdminShutdownWorker, query_handler(shut_down_as_admin));
  handlers.add(Endpoint::kShutdownWorkersByFilter, handler(shut_down_by_filter));
  handlers.add(Endpoint::kShutdownWorkersByUuids, handler(shut_down_by_uuids));
}

}  // namespace mito::coordinator
