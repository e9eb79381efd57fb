#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "coordinator/handlers.h"
#include "coordinator/worker_access.h"
#include "coordinator/worker_views.h"
#include "protocol/query.h"
#include "protocol/worker_messages.h"

// Workers as users see and change them (reference/server.md 1.4, Workers called by users; 3.2).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;
using protocol::Nothing;

Awaitable<Result<protocol::WorkerQueryResp>> get_worker(Context& context, protocol::WorkerQuery query) {
  const core::Directory& directory = context.directory();
  const WorkerUuid uuid = context.path.worker();
  const WorkerDetail detail = query.detail ? WorkerDetail::kOurs : WorkerDetail::kOriginal;
  co_return co_await read(context.services, [&](storage::Queries& queries) -> Result<protocol::WorkerQueryResp> {
    MITO_TRY_ASSIGN(auto worker, queries.worker_by_uuid(uuid));
    if (!worker) return fail(ErrorCode::kNotFound, "Worker " + uuid.to_string());
    MITO_TRY_ASSIGN(const auto access, queries.access_of(worker->id));
    MITO_TRY_ASSIGN(auto info, worker_view(directory, queries, std::move(*worker), detail));
    protocol::WorkerQueryResp answer{.info = std::move(info), .groups = {}};
    for (const storage::WorkerAccess& entry : access)
      answer.groups.emplace(directory.group_name(entry.group).value_or(std::string()), entry.role);
    return answer;
  });
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
    MITO_CO_TRY(check_storable(name));
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
  MITO_CO_TRY(check_storable(request.groups));
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

Awaitable<Result<protocol::WorkersQueryResp>> query_workers(Context& context, protocol::WorkersQueryReq request) {
  MITO_CO_TRY_ASSIGN(const QueriedGroup group, queried_group(context, request.group_name, Role::kRead));
  if (request.tags) MITO_CO_TRY(check_storable(*request.tags));
  if (request.labels) MITO_CO_TRY(check_storable(*request.labels));
  if (request.creator_username) MITO_CO_TRY(check_storable(*request.creator_username));
  co_return co_await read(context.services, [&](storage::Queries& queries) -> Result<protocol::WorkersQueryResp> {
    MITO_TRY_ASSIGN(auto workers, queries.workers(filter_of(request, group.id), {}));
    protocol::WorkersQueryResp answer{.count = workers.size(), .workers = {}, .group_name = group.name};
    if (request.count) return answer;
    const WorkerDetail detail = request.detail ? WorkerDetail::kOurs : WorkerDetail::kOriginal;
    for (storage::Worker& worker : workers) {
      MITO_TRY_ASSIGN(auto info, worker_view(context.directory(), queries, std::move(worker), detail));
      answer.workers.push_back(std::move(info));
    }
    return answer;
  });
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

}  // namespace mito::coordinator
