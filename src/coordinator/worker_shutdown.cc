#include <algorithm>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/sync.h"
#include "coordinator/handlers.h"
#include "coordinator/worker_access.h"
#include "protocol/query.h"
#include "protocol/worker_messages.h"

// Users end workers, one and many (reference/server.md 1.4, Workers called by users; 5.7).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;
using protocol::Nothing;

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
  if (request.tags) MITO_CO_TRY(check_storable(*request.tags));
  if (request.labels) MITO_CO_TRY(check_storable(*request.labels));
  if (request.creator_username) MITO_CO_TRY(check_storable(*request.creator_username));
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

void add_worker_shutdown(Handlers& handlers) {
  handlers.add(Endpoint::kShutdownWorker, query_handler(shut_down_one));
  handlers.add(Endpoint::kAdminShutdownWorker, query_handler(shut_down_as_admin));
  handlers.add(Endpoint::kShutdownWorkersByFilter, handler(shut_down_by_filter));
  handlers.add(Endpoint::kShutdownWorkersByUuids, handler(shut_down_by_uuids));
}

}  // namespace mito::coordinator
