#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "coordinator/handlers.h"
#include "coordinator/task_extras.h"
#include "coordinator/task_filter.h"
#include "coordinator/task_views.h"
#include "protocol/codec.h"
#include "protocol/task_messages.h"

// Lists of tasks, and cancellations of many (reference/server.md 1.4, Tasks).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;

/// Lists of as many tasks are refused while answers use up their memory.
constexpr std::uint64_t kLargeList = 1'000;

Result<protocol::TasksQueryResp> find_tasks(const Context& context, const protocol::TasksQueryReq& request,
                                            const CheckedFilter& checked, storage::Queries& queries) {
  protocol::TasksQueryResp answer;
  answer.group_name = checked.group_name;
  if (request.count) {
    MITO_TRY_ASSIGN(const std::int64_t number, queries.count_tasks(checked.filter));
    answer.count = static_cast<std::uint64_t>(number);
    return answer;
  }
  MITO_TRY_ASSIGN(auto tasks, queries.tasks(checked.filter, {request.limit, request.offset.value_or(0)}));
  answer.count = tasks.size();
  answer.tasks.reserve(tasks.size());
  std::vector<std::string> details;
  if (request.detail) {
    std::vector<TaskId> ids;
    for (const storage::Task& task : tasks)
      ids.push_back(task.id);
    MITO_TRY_ASSIGN(details, queries.details_of(ids));
  }
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    TaskExtras extras;
    if (request.detail) extras = extras_of(context.services, tasks[i], details[i]);
    protocol::TaskQueryInfo& info = answer.tasks.emplace_back(list_view(context.directory(), std::move(tasks[i])));
    info.exec_state = extras.exec_state;
    info.worker = std::move(extras.worker);
    info.detail = std::move(extras.detail);
  }
  return answer;
}

// Encoded on the read thread: a long list would keep all connections of an I/O thread waiting.
Awaitable<Result<Json>> query_tasks(Context& context, protocol::TasksQueryReq request) {
  MITO_CO_TRY_ASSIGN(const CheckedFilter checked,
                     check_filter(context, filter_fields(request), Role::kRead, EmptyStates::kRefused));
  co_return co_await read(context.services, [&](storage::Queries& queries) -> Result<Json> {
    const bool large = !request.count && request.limit.value_or(kLargeList) >= kLargeList;
    if (large && context.services.answers.refuses_more())
      return fail(ErrorCode::kUnavailable, std::string(kTooManyAnswers));
    MITO_TRY_ASSIGN(const protocol::TasksQueryResp answer, find_tasks(context, request, checked, queries));
    return Json{protocol::encode(answer)};
  });
}

Awaitable<Result<std::vector<bool>>> cancel_in_core(Services& services, std::vector<TaskUuid> tasks,
                                                    bool also_pending) {
  return ask_core<std::vector<bool>>(
      services, [tasks = std::move(tasks), also_pending](core::Core& core, core::Reply<std::vector<bool>> reply) {
        core.cancel(tasks, also_pending, std::move(reply));
      });
}

/// UUIDs of the tasks of a filter, a page of them.
Awaitable<Result<std::vector<TaskUuid>>> matching(Services& services, storage::TaskFilter filter, storage::Page page) {
  return read(services, [filter = std::move(filter), page](storage::Queries& queries) -> Result<std::vector<TaskUuid>> {
    MITO_TRY_ASSIGN(const auto tasks, queries.tasks(filter, page));
    std::vector<TaskUuid> uuids;
    uuids.reserve(tasks.size());
    for (const storage::Task& task : tasks)
      uuids.push_back(task.uuid);
    return uuids;
  });
}

constexpr std::size_t kPerTransaction = 1024;

Awaitable<Result<protocol::TasksCancelByFilterResp>> cancel_by_filter(Context& context,
                                                                      protocol::TasksCancelByFilterReq request) {
  MITO_CO_TRY_ASSIGN(CheckedFilter checked,
                     check_filter(context, filter_fields(request), Role::kWrite, EmptyStates::kAllowed));
  // States that cannot be cancelled cancel nothing; they never widen the filter.
  std::vector<TaskState> states;
  for (const TaskState state : {TaskState::kPending, TaskState::kReady})
    if (!checked.filter.states || std::ranges::find(*checked.filter.states, state) != checked.filter.states->end())
      states.push_back(state);
  protocol::TasksCancelByFilterResp answer{.cancelled_count = 0, .group_name = checked.group_name};
  if (states.empty()) co_return answer;
  const bool also_pending = std::ranges::find(states, TaskState::kPending) != states.end();
  checked.filter.states = std::move(states);
  // Cancelled tasks leave the filter, so the next page begins behind those that could not be cancelled.
  std::uint64_t left = 0;
  while (true) {
    MITO_CO_TRY_ASSIGN(std::vector<TaskUuid> uuids,
                       co_await matching(context.services, checked.filter, {.limit = kPerTransaction, .offset = left}));
    if (uuids.empty()) co_return answer;
    MITO_CO_TRY_ASSIGN(const std::vector<bool> done,
                       co_await cancel_in_core(context.services, std::move(uuids), also_pending));
    const auto cancelled = static_cast<std::uint64_t>(std::ranges::count(done, true));
    answer.cancelled_count += cancelled;
    left += done.size() - cancelled;
  }
}

Awaitable<Result<protocol::TasksCancelByUuidsResp>> cancel_by_uuids(Context& context,
                                                                    protocol::TasksCancelByUuidsReq request) {
  if (request.uuids.empty()) co_return fail(ErrorCode::kInvalidRequest, "UUIDs list cannot be empty");
  std::vector<TaskUuid> distinct = request.uuids;
  std::ranges::sort(distinct);
  distinct.erase(std::ranges::unique(distinct).begin(), distinct.end());
  std::unordered_set<TaskUuid> cancelled;
  for (std::size_t start = 0; start < distinct.size(); start += kPerTransaction) {
    const std::vector<TaskUuid> part(
        distinct.begin() + static_cast<std::ptrdiff_t>(start),
        distinct.begin() + static_cast<std::ptrdiff_t>(std::min(distinct.size(), start + kPerTransaction)));
    MITO_CO_TRY_ASSIGN(std::vector<TaskUuid> allowed,
                       co_await read(context.services, [&](storage::Queries& queries) -> Result<std::vector<TaskUuid>> {
                         MITO_TRY_ASSIGN(const auto tasks, queries.tasks_by_uuid(part));
                         std::vector<TaskUuid> out;
                         for (const storage::Task& task : tasks)
                           if (at_least(context.directory().role(context.user.id, task.group), Role::kWrite))
                             out.push_back(task.uuid);
                         return out;
                       }));
    if (allowed.empty()) continue;
    MITO_CO_TRY_ASSIGN(const std::vector<bool> done, co_await cancel_in_core(context.services, allowed, true));
    for (std::size_t i = 0; i < done.size(); ++i)
      if (done[i]) cancelled.insert(allowed[i]);
  }
  protocol::TasksCancelByUuidsResp answer{.cancelled_count = cancelled.size(), .failed_uuids = {}};
  for (const TaskUuid& uuid : request.uuids)
    if (!cancelled.contains(uuid)) answer.failed_uuids.push_back(uuid);
  co_return answer;
}

}  // namespace

void add_task_queries(Handlers& handlers) {
  handlers.add(Endpoint::kQueryTasks, handler(query_tasks));
  handlers.add(Endpoint::kCancelTasksByFilter, handler(cancel_by_filter));
  handlers.add(Endpoint::kCancelTasksByUuids, handler(cancel_by_uuids));
}

}  // namespace mito::coordinator
