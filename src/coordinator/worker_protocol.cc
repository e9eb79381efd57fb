#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <variant>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "coordinator/artifacts.h"
#include "coordinator/handlers.h"
#include "coordinator/object_records.h"
#include "coordinator/submission.h"
#include "coordinator/task_extras.h"
#include "coordinator/task_views.h"
#include "protocol/codec.h"
#include "protocol/query.h"
#include "protocol/worker_messages.h"

// What workers ask while they work: fetch, report, heartbeat, leave (reference/server.md 1.4, Workers; 5.4 to 5.6;
// architecture sections 4.3 and 9).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;
using Assignment = std::optional<core::AssignedTask>;

/// A fetch that can be cancelled: the worker then no longer waits in the core.
Awaitable<Result<Assignment>> ask_for_task(Services& services, core::Fetch fetch) {
  return await_callback<Result<Assignment>>(
      [&services, fetch](core::Reply<Assignment> reply, boost::asio::cancellation_slot slot) {
        const core::Core::Ticket ticket = services.core.fetch(fetch, std::move(reply));
        if (slot.is_connected())
          slot.assign([&core = services.core, ticket](boost::asio::cancellation_type) { core.withdraw(ticket); });
      });
}

Awaitable<Result<std::optional<protocol::WorkerTaskText>>> fetch_task(Context& context, protocol::WaitQuery query) {
  core::Fetch fetch{.worker = context.worker.id, .wait = std::chrono::milliseconds(0)};
  if (query.wait)
    fetch.wait = std::min(std::chrono::duration_cast<std::chrono::milliseconds>(query.wait->to_chrono()),
                          context.services.settings.max_wait);
  Result<Assignment> assigned;
  if (fetch.wait.count() == 0) {
    assigned = co_await ask_for_task(context.services, fetch);
  } else {
    // Nobody is there any more to take a task once the peer has closed its side.
    using boost::asio::experimental::awaitable_operators::operator||;
    std::variant<Result<Assignment>, std::monostate> first =
        co_await (ask_for_task(context.services, fetch) || context.request.until_peer_closes());
    if (auto* answer = std::get_if<Result<Assignment>>(&first)) assigned = std::move(*answer);
  }
  if (!assigned) co_return std::unexpected(assigned.error());
  if (!*assigned) co_return std::nullopt;
  MITO_CO_TRY_ASSIGN(auto view, worker_view(**assigned));
  co_return view;
}

// -- reports -------------------------------------------------------------------------------------

Error not_held(TaskId task) {
  return {ErrorCode::kNotFound, "Task " + std::to_string(task.value) + " not found"};
}

/// The row of a task that the worker holds.
Result<storage::Task> held_task(storage::Queries& queries, TaskId id, WorkerId worker) {
  MITO_TRY_ASSIGN(auto task, queries.task_by_id(id));
  if (!task || task->archived || task->assigned_worker != worker) return fail(not_held(id));
  return std::move(*task);
}

Awaitable<Result<Json>> upload(Context& context, TaskId id, protocol::UploadOp op) {
  Services& services = context.services;
  const std::string base = base_url(context);
  TaskUuid uuid;
  MITO_CO_TRY_ASSIGN(auto announced, co_await write<protocol::UploadArtifactResp>(
                                         services,
                                         [&](storage::Writer& writer) -> Result<Written<protocol::UploadArtifactResp>> {
                                           MITO_TRY_ASSIGN(const storage::Task task,
                                                           held_task(writer, id, context.worker.id));
                                           uuid = task.uuid;
                                           return announce_artifact(
                                               services, writer, task,
                                               {.content_type = op.content_type, .content_length = op.content_length},
                                               base, context.now());
                                         },
                                         core::Caller::kWorker));
  co_await removal_over(services, artifact_key(uuid, op.content_type));
  co_return Json{protocol::encode(protocol::ReportTaskResp{.url = std::move(announced.url)})};
}

/// What the core cannot know of a chained task: its checks in the original's order.
Result<core::SubmitChild> checked_child(const Services& services, const core::Directory::WorkerEntry& worker,
                                        const storage::Task& parent, protocol::SubmitTaskReq request) {
  if (parent.state != TaskState::kFinished && parent.state != TaskState::kCancelled)
    return fail(ErrorCode::kInvalidRequest, "Task can not spawn new tasks");
  const core::Directory& directory = services.directory;
  if (directory.user_state(parent.creator) != UserState::kActive) return fail(ErrorCode::kPermissionDenied);
  const auto group = directory.group_name(parent.group);
  if (!group) return fail(ErrorCode::kNotFound, "Group not found");
  if (request.group_name != *group)
    return fail(ErrorCode::kInvalidRequest,
                "Group name mismatch: expected '" + *group + "', got '" + request.group_name + "'");
  const auto access = std::ranges::find(worker.access, parent.group, &std::pair<GroupId, Role>::first);
  if (access == worker.access.end() || access->second < Role::kWrite) return fail(ErrorCode::kPermissionDenied);
  if (!services.settings.open_groups && !at_least(directory.role(parent.creator, parent.group), Role::kWrite))
    return fail(ErrorCode::kPermissionDenied);
  MITO_TRY_ASSIGN(core::SubmitTask task, to_command(std::move(request)));
  task.creator = parent.creator;
  task.group = parent.group;
  return core::SubmitChild{.task = std::move(task), .group_name = *group};
}

Awaitable<Result<core::ReportAnswer>> report_to_core(Context& context, TaskId id, core::ReportOp op) {
  auto answer = co_await ask_core<core::ReportAnswer>(
      context.services, [&](core::Core& core, core::Reply<core::ReportAnswer> reply) {
        core.report(context.worker.id, id, std::move(op), std::move(reply));
      });
  // The core names the task; the API's text says a second time that it was not found.
  if (!answer && answer.error().code() == ErrorCode::kNotFound &&
      answer.error().text() == "Task " + std::to_string(id.value))
    co_return fail(not_held(id));
  co_return answer;
}

Awaitable<Result<Json>> submit_child(Context& context, TaskId id, protocol::SubmitTaskReq request) {
  MITO_CO_TRY_ASSIGN(
      const storage::Task parent,
      co_await read(
          context.services, [&](storage::Queries& queries) { return held_task(queries, id, context.worker.id); },
          Admission::kAlways));
  MITO_CO_TRY_ASSIGN(core::SubmitChild child,
                     checked_child(context.services, context.worker, parent, std::move(request)));
  MITO_CO_TRY(co_await report_to_core(context, id, core::ReportOp(std::move(child))));
  co_return Json{protocol::encode(protocol::ReportTaskResp{})};
}

Result<std::string> stored_detail(const std::optional<protocol::RawObject>& detail) {
  constexpr std::size_t kLimit = 64 << 10;
  if (!detail) return std::string();
  if (detail->text.size() > kLimit) return fail(ErrorCode::kInvalidRequest, "detail is larger than 64 KiB");
  // Nobody's result is refused for the sake of what stands beside it.
  if (!protocol::decode<protocol::TaskDetail>(detail->text)) return std::string();
  return detail->text;
}

template <class Op>
Result<core::Commit> to_commit(const Op& op, const std::string& info) {
  MITO_TRY_ASSIGN(std::string detail, stored_detail(op.detail));
  detail = detail_with_worker(std::move(detail), info);
  return core::Commit{.result = protocol::stored_form(TaskResult{.exit_status = op.exit_status, .message = op.msg}),
                      .next = op.next,
                      .detail = std::move(detail)};
}

/// `info`: what the worker told about itself.
Result<core::ReportOp> to_core(const protocol::ReportTaskOp& op, const std::string& info) {
  if (const auto* commit = std::get_if<protocol::CommitOp>(&op)) return to_commit(*commit, info);
  if (const auto* complete = std::get_if<protocol::CompleteOp>(&op)) {
    MITO_TRY_ASSIGN(core::Commit commit, to_commit(*complete, info));
    return core::Complete{.state = complete->state, .commit = std::move(commit)};
  }
  if (std::holds_alternative<protocol::CancelOp>(op)) return core::CancelReport{};
  return core::Finish{};
}

/// Whether the answer names the next task, `null` included: always for Complete.
bool answers_next(const protocol::ReportTaskOp& op) {
  if (const auto* commit = std::get_if<protocol::CommitOp>(&op)) return commit->next;
  return std::holds_alternative<protocol::CompleteOp>(op);
}

Awaitable<Result<Json>> report_task(Context& context, protocol::ReportTaskReq request) {
  const TaskId id{request.id};
  if (auto* op = std::get_if<protocol::UploadOp>(&request.op)) co_return co_await upload(context, id, *op);
  if (auto* op = std::get_if<protocol::SubmitOp>(&request.op))
    co_return co_await submit_child(context, id, std::move(op->task));
  MITO_CO_TRY_ASSIGN(core::ReportOp op, to_core(request.op, context.worker.info));
  MITO_CO_TRY_ASSIGN(const core::ReportAnswer answer, co_await report_to_core(context, id, std::move(op)));
  if (!answers_next(request.op)) co_return Json{protocol::encode(protocol::ReportTaskResp{})};
  protocol::ReportTaskNextText next;
  if (answer.next) {
    MITO_CO_TRY_ASSIGN(next.next, worker_view(*answer.next));
  }
  co_return Json{protocol::encode(next)};
}

// -- life ----------------------------------------------------------------------------------------

Awaitable<Result<Null>> heartbeat(Context& context) {
  MITO_CO_TRY(co_await ask_core<void>(context.services,
                                      [worker = context.worker.id](core::Core& core, core::Reply<void> reply) {
                                        core.heartbeat(worker, std::move(reply));
                                      }));
  co_return Null{};
}

Awaitable<Result<Null>> unregister(Context& context) {
  const WorkerId worker = context.worker.id;
  MITO_CO_TRY_ASSIGN(const bool removed,
                     co_await ask_core<bool>(context.services, [worker](core::Core& core, core::Reply<bool> reply) {
                       core.remove_worker(worker, core::Removal::kUnregister, std::move(reply));
                     }));
  if (!removed) co_return fail(ErrorCode::kNotFound, "Worker " + std::to_string(worker.value) + " not found");
  co_return Null{};
}

Awaitable<Result<protocol::Nothing>> report_state(Context& context, protocol::TaskStateReq request) {
  const TaskUuid task = context.path.task();
  MITO_CO_TRY_ASSIGN(const bool held, co_await ask_core<bool>(
                                          context.services, [worker = context.worker.id, task, state = request.state](
                                                                core::Core& core, core::Reply<bool> reply) {
                                            core.set_exec_state(worker, task, state, std::move(reply));
                                          }));
  if (!held) co_return fail(ErrorCode::kNotFound, "Task with uuid " + task.to_string());
  co_return protocol::Nothing{};
}

}  // namespace

void add_worker_protocol(Handlers& handlers) {
  handlers.add(Endpoint::kFetchTask, query_handler(fetch_task));
  handlers.add(Endpoint::kReportTask, handler(report_task));
  handlers.add(Endpoint::kHeartbeat, handler(heartbeat));
  handlers.add(Endpoint::kUnregisterWorker, handler(unregister));
  handlers.add(Endpoint::kReportState, handler(report_state));
}

}  // namespace mito::coordinator
