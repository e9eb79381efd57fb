#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>

#include "coordinator/event_feed.h"
#include "coordinator/handlers.h"
#include "coordinator/task_extras.h"
#include "coordinator/task_views.h"
#include "protocol/query.h"
#include "protocol/task_messages.h"

// GET /tasks/{uuid}: one task as it is, or as it is after its next change (architecture section 9).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;
using std::chrono::steady_clock;
using AnyState = std::variant<TaskState, TaskExecState>;

struct TaskAndArtifacts {
  storage::Task task;
  std::vector<storage::Artifact> artifacts;
};

Awaitable<Result<TaskAndArtifacts>> look(Context& context) {
  MITO_CO_TRY_ASSIGN(TaskAndArtifacts found,
                     co_await read(context.services, [&](storage::Queries& queries) -> Result<TaskAndArtifacts> {
                       const TaskUuid uuid = context.path.task();
                       MITO_TRY_ASSIGN(auto task, queries.task_by_uuid(uuid));
                       if (!task) return fail(ErrorCode::kNotFound, "Task with uuid " + uuid.to_string());
                       MITO_TRY_ASSIGN(auto artifacts, queries.artifacts_of(uuid));
                       return TaskAndArtifacts{std::move(*task), std::move(artifacts)};
                     }));
  if (!may_read(context, found.task.group)) co_return fail(ErrorCode::kPermissionDenied);
  co_return found;
}

Result<protocol::TaskQueryResp> answer_of(const Context& context, const TaskAndArtifacts& found, bool detail) {
  MITO_TRY_ASSIGN(auto info, parsed_view(context.directory(), found.task));
  protocol::TaskQueryResp answer{.info = std::move(info),
                                 .artifacts = views(found.artifacts),
                                 .exec_state = std::nullopt,
                                 .worker = std::nullopt,
                                 .detail = std::nullopt};
  if (!detail) return answer;
  TaskExtras extras = extras_of(context.services, found.task, found.task.detail);
  answer.exec_state = extras.exec_state;
  answer.worker = std::move(extras.worker);
  answer.detail = std::move(extras.detail);
  return answer;
}

TaskExecState exec_state_of(const Context& context, const TaskUuid& task) {
  return context.services.events.latest_exec_state(task).value_or(TaskExecState::kUnknown);
}

/// What is known of a task by who waits for a change of it.
struct Known {
  AnyState named;  ///< What the caller knows.
  // Both as they were when the request came: who names one of the two waits for the other as well.
  TaskState state;
  TaskExecState exec_state;
};

/// Whether the task has left what is known, or cannot leave it any more.
bool has_moved(const Context& context, const storage::Task& task, const Known& known) {
  if (task.archived) return true;
  const TaskExecState exec_state = exec_state_of(context, task.uuid);
  if (task.state != known.state || exec_state != known.exec_state) return true;
  if (const auto* state = std::get_if<TaskState>(&known.named)) return task.state != *state;
  return exec_state != std::get<TaskExecState>(known.named);
}

Awaitable<Result<TaskAndArtifacts>> look_after_a_change(Context& context, std::chrono::milliseconds wait,
                                                        std::optional<AnyState> after) {
  const auto deadline = steady_clock::now() + wait;
  const auto executor = co_await boost::asio::this_coro::executor;
  // In this order: what happens after the request is either told, or seen by the first look as a change.
  const TaskExecState exec_state = exec_state_of(context, context.path.task());
  MITO_CO_TRY_ASSIGN(const std::shared_ptr<EventFeed> feed, context.services.feeds.open(context.path.task(), executor));
  MITO_CO_TRY_ASSIGN(TaskAndArtifacts found, co_await look(context));
  const Known known{.named = after.value_or(found.task.state), .state = found.task.state, .exec_state = exec_state};
  while (!has_moved(context, found.task, known) && !feed->ended() && steady_clock::now() < deadline) {
    using boost::asio::experimental::awaitable_operators::operator||;
    const std::variant<std::monostate, std::monostate> first =
        co_await (feed->wait(deadline) || context.request.until_peer_closes());
    if (first.index() == 1) break;
    if (feed->take(1).empty()) continue;
    MITO_CO_TRY_ASSIGN(found, co_await look(context));
  }
  co_return found;
}

Awaitable<Result<protocol::TaskQueryResp>> get_task(Context& context, protocol::TaskQuery query) {
  const bool detail = query.detail || query.wait || query.after;
  std::chrono::milliseconds wait{0};
  if (query.wait)
    wait = std::min(std::chrono::duration_cast<std::chrono::milliseconds>(query.wait->to_chrono()),
                    context.services.settings.max_wait);
  Result<TaskAndArtifacts> found = fail(ErrorCode::kInternal);
  if (wait.count() > 0)
    found = co_await look_after_a_change(context, wait, query.after);
  else
    found = co_await look(context);
  if (!found) co_return std::unexpected(std::move(found).error());
  co_return answer_of(context, *found, detail);
}

}  // namespace

void add_task_lookup(Handlers& handlers) {
  handlers.add(Endpoint::kGetTask, query_handler(get_task));
}

}  // namespace mito::coordinator
