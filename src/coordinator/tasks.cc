#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/handlers.h"
#include "coordinator/submission.h"
#include "coordinator/task_views.h"
#include "protocol/errors.h"
#include "protocol/query.h"
#include "protocol/task_messages.h"

// One task at a time: submit, change, label (reference/server.md 1.4, Tasks).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;
using protocol::Nothing;

Awaitable<Result<std::vector<Result<core::Submitted>>>> submit_all(Services& services,
                                                                   std::vector<core::SubmitTask> tasks) {
  return ask_core<std::vector<Result<core::Submitted>>>(
      services,
      [tasks = std::move(tasks)](core::Core& core, core::Reply<std::vector<Result<core::Submitted>>> reply) mutable {
        core.submit(std::move(tasks), std::move(reply));
      });
}

Awaitable<Result<protocol::SubmitTaskResp>> submit_task(Context& context, protocol::SubmitTaskReq request) {
  MITO_CO_TRY_ASSIGN(core::SubmitTask task, checked_submission(context, std::move(request)));
  std::vector<core::SubmitTask> tasks;
  tasks.push_back(std::move(task));
  MITO_CO_TRY_ASSIGN(const auto outcomes, co_await submit_all(context.services, std::move(tasks)));
  if (!outcomes.front()) co_return fail(outcomes.front().error());
  co_return protocol::SubmitTaskResp{.task_id = outcomes.front()->number, .uuid = outcomes.front()->uuid};
}

Awaitable<Result<protocol::TasksSubmitResp>> submit_tasks(Context& context, protocol::TasksSubmitReq request) {
  if (request.tasks.empty()) co_return fail(ErrorCode::kInvalidRequest, "Tasks list cannot be empty");
  protocol::TasksSubmitResp answer;
  answer.results.resize(request.tasks.size());
  std::vector<core::SubmitTask> accepted;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < request.tasks.size(); ++i) {
    auto task = checked_submission(context, std::move(request.tasks[i]));
    if (!task) {
      answer.results[i] = protocol::ErrorMsg{protocol::message_of(task.error())};
      continue;
    }
    accepted.push_back(std::move(*task));
    places.push_back(i);
  }
  if (accepted.empty()) co_return answer;
  MITO_CO_TRY_ASSIGN(const auto outcomes, co_await submit_all(context.services, std::move(accepted)));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i])
      answer.results[places[i]] = protocol::SubmitTaskResp{.task_id = outcomes[i]->number, .uuid = outcomes[i]->uuid};
    else
      answer.results[places[i]] = protocol::ErrorMsg{protocol::message_of(outcomes[i].error())};
  }
  co_return answer;
}

Error no_such_task(const Context& context) {
  return {ErrorCode::kNotFound, "Task with uuid " + context.path.uuid.to_string()};
}

/// The row of a task, found by its UUID.
Awaitable<Result<storage::Task>> find_task(Context& context) {
  return read(context.services,
              [uuid = context.path.task(),
               missing = no_such_task(context)](storage::Queries& queries) -> Result<storage::Task> {
                MITO_TRY_ASSIGN(auto task, queries.task_by_uuid(uuid));
                if (!task) return fail(missing);
                return std::move(*task);
              });
}

/// Whether the caller may change tasks of the group, in the original's words when not.
Result<void> may_change(const Context& context, GroupId group) {
  const auto role = context.directory().role(context.user.id, group);
  if (!role) return fail(ErrorCode::kInvalidRequest, "User is not in the group");
  if (*role < Role::kWrite) return fail(ErrorCode::kPermissionDenied);
  return {};
}

/// The task of the path, when it is Ready and the caller may change it.
Awaitable<Result<storage::Task>> changeable_task(Context& context) {
  MITO_CO_TRY_ASSIGN(storage::Task task, co_await find_task(context));
  if (task.archived || task.state != TaskState::kReady) co_return fail(no_such_task(context));
  MITO_CO_TRY(may_change(context, task.group));
  co_return task;
}

Awaitable<Result<Nothing>> change_task(Context& context, protocol::ChangeTaskReq request) {
  if (!request.tags && !request.timeout && !request.priority && !request.task_spec)
    co_return fail(ErrorCode::kInvalidRequest, "No change specified");
  MITO_CO_TRY_ASSIGN(const storage::Task task, co_await changeable_task(context));
  core::ChangeTask change{.task = task.uuid,
                          .tags = std::move(request.tags),
                          .timeout_seconds = std::nullopt,
                          .priority = request.priority,
                          .spec = std::nullopt,
                          .watch = std::nullopt};
  if (request.task_spec) {
    MITO_CO_TRY(check_spec(*request.task_spec));
    change.spec = protocol::stored_form(*request.task_spec);
    change.watch = request.task_spec->watch;
  }
  if (change.tags) MITO_CO_TRY(check_storable(*change.tags));
  if (request.timeout) change.timeout_seconds = whole_seconds(*request.timeout);
  MITO_CO_TRY_ASSIGN(const bool changed,
                     co_await ask_core<bool>(context.services, [&](core::Core& core, core::Reply<bool> reply) {
                       core.change(std::move(change), std::move(reply));
                     }));
  if (!changed) co_return fail(no_such_task(context));
  co_return Nothing{};
}

Awaitable<Result<Nothing>> cancel_task(Context& context) {
  MITO_CO_TRY_ASSIGN(const storage::Task task, co_await changeable_task(context));
  MITO_CO_TRY_ASSIGN(const std::vector<bool> cancelled,
                     co_await ask_core<std::vector<bool>>(context.services,
                                                          [&](core::Core& core, core::Reply<std::vector<bool>> reply) {
                                                            core.cancel({task.uuid}, false, std::move(reply));
                                                          }));
  if (!cancelled.front()) co_return fail(no_such_task(context));
  co_return Nothing{};
}

Awaitable<Result<Nothing>> update_labels(Context& context, protocol::UpdateTaskLabelsReq request) {
  MITO_CO_TRY_ASSIGN(const storage::Task task, co_await find_task(context));
  MITO_CO_TRY(may_change(context, task.group));
  MITO_CO_TRY(check_storable(request.labels));
  co_return co_await write<Nothing>(context.services, [&](storage::Writer& writer) -> Result<Written<Nothing>> {
    MITO_TRY(writer.set_labels(task.id, request.labels, context.now()));
    return Written<Nothing>{};
  });
}

}  // namespace

void add_tasks(Handlers& handlers) {
  handlers.add(Endpoint::kSubmitTask, handler(submit_task));
  handlers.add(Endpoint::kSubmitTasks, handler(submit_tasks));
  handlers.add(Endpoint::kChangeTask, handler(change_task));
  handlers.add(Endpoint::kCancelTask, handler(cancel_task));
  handlers.add(Endpoint::kUpdateTaskLabels, handler(update_labels));
}

}  // namespace mito::coordinator
