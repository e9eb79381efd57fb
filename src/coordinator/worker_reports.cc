#include <algorithm>
#include <atomic>
#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "coordinator/artifacts.h"
#include "coordinator/authentication.h"
#include "coordinator/handlers.h"
#include "coordinator/object_records.h"
#include "coordinator/submission.h"
#include "coordinator/task_extras.h"
#include "coordinator/task_views.h"
#include "protocol/codec.h"
#include "protocol/worker_messages.h"

// What workers report about their tasks, one by one and several at once (reference/server.md 1.4, Workers; 5.5 and 5.6;
// architecture sections 4.3 and 9).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;

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

/// The core names the task; the API's text says a second time that it was not found.
Result<core::ReportAnswer> in_words_of_the_api(TaskId id, Result<core::ReportAnswer> answer) {
  if (!answer && answer.error().code() == ErrorCode::kNotFound &&
      answer.error().text() == "Task " + std::to_string(id.value))
    return fail(not_held(id));
  return answer;
}

Awaitable<Result<core::ReportAnswer>> report_to_core(Context& context, TaskId id, core::ReportOp op) {
  auto answer = co_await ask_core<core::ReportAnswer>(
      context.services, [&](core::Core& core, core::Reply<core::ReportAnswer> reply) {
        core.report(context.worker.id, id, std::move(op), std::move(reply));
      });
  co_return in_words_of_the_api(id, std::move(answer));
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

/// What the answer of the core is to the worker.
Result<Json> report_answer(const core::ReportAnswer& answer, bool with_next) {
  if (!with_next) return Json{protocol::encode(protocol::ReportTaskResp{})};
  protocol::ReportTaskNextText next;
  if (answer.next) {
    MITO_TRY_ASSIGN(next.next, worker_view(*answer.next));
  }
  return Json{protocol::encode(next)};
}

Awaitable<Result<Json>> report_task(Context& context, protocol::ReportTaskReq request) {
  const TaskId id{request.id};
  if (auto* op = std::get_if<protocol::UploadOp>(&request.op)) co_return co_await upload(context, id, *op);
  if (auto* op = std::get_if<protocol::SubmitOp>(&request.op))
    co_return co_await submit_child(context, id, std::move(op->task));
  MITO_CO_TRY_ASSIGN(core::ReportOp op, to_core(request.op, context.worker.info));
  MITO_CO_TRY_ASSIGN(const core::ReportAnswer answer, co_await report_to_core(context, id, std::move(op)));
  co_return report_answer(answer, answers_next(request.op));
}

// -- several at once -----------------------------------------------------------------------------

/// What the core is asked for one of several reports.
struct Question {
  std::size_t entry = 0;
  WorkerId worker;
  TaskId task;
  core::ReportOp op;
  bool with_next = false;
};

/// One of several reports, checked as a request of its own would be, up to where that would ask the core.
std::expected<Question, http::Response> check_entry(const Services& services, const protocol::WorkerReport& entry) {
  const auto worker = worker_of_token(services, entry.token);
  if (!worker) return std::unexpected(error_response(worker.error()));
  const auto request = protocol::decode<protocol::ReportTaskReq>(entry.report.text);
  if (!request) return std::unexpected(failure_response(protocol::bad_body(request.error())));
  if (std::holds_alternative<protocol::UploadOp>(request->op) ||
      std::holds_alternative<protocol::SubmitOp>(request->op))
    return std::unexpected(
        error_response(Error(ErrorCode::kInvalidRequest,
                             "Upload and Submit are taken one by one only: send the report to POST /workers/tasks")));
  auto op = to_core(request->op, worker->info);
  if (!op) return std::unexpected(error_response(op.error()));
  return Question{
      .worker = worker->id, .task = TaskId{request->id}, .op = std::move(*op), .with_next = answers_next(request->op)};
}

using CoreAnswers = std::vector<Result<core::ReportAnswer>>;

/// Waits for the answers to several questions. Any thread may bring one.
class Gathering {
 public:
  Gathering(std::size_t count, std::move_only_function<void(CoreAnswers)> done)
      : answers_(count), left_(count), done_(std::move(done)) {}
  void put(std::size_t index, Result<core::ReportAnswer> answer) {
    answers_[index] = std::move(answer);
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) done_(std::move(answers_));
  }

 private:
  CoreAnswers answers_;
  std::atomic<std::size_t> left_;
  std::move_only_function<void(CoreAnswers)> done_;
};

/// Asks all questions before it waits for an answer, so that one transaction can hold what they come to.
Awaitable<CoreAnswers> ask_all(Services& services, std::span<Question> questions) {
  const auto ask = [&](std::move_only_function<void(CoreAnswers)> done) {
    const auto gathering = std::make_shared<Gathering>(questions.size(), std::move(done));
    std::vector<core::Core::Report> reports;
    reports.reserve(questions.size());
    for (std::size_t i = 0; i < questions.size(); ++i)
      reports.push_back(
          {.worker = questions[i].worker,
           .task = questions[i].task,
           .op = std::move(questions[i].op),
           .reply = [gathering, i](Result<core::ReportAnswer> answer) { gathering->put(i, std::move(answer)); }});
    services.core.report(std::move(reports));
  };
  if (questions.empty()) co_return CoreAnswers{};
  co_return co_await await_callback<CoreAnswers>(ask);
}

/// Lets others of this thread have their turn.
Awaitable<void> give_way() {
  const auto executor = co_await boost::asio::this_coro::executor;
  co_await boost::asio::post(executor, boost::asio::use_awaitable);
}

/// A body in words becomes the message of an ErrorMsg: answers to several reports are JSON throughout.
protocol::WorkerReportAnswer to_entry(http::Response response) {
  const std::string* type = response.headers.find("content-type");
  const bool is_json = type != nullptr && *type == protocol::Failure::kJson;
  std::string body = is_json ? std::move(response.body) : protocol::encode(protocol::ErrorMsg{response.body});
  return {.status = response.status, .body = {std::move(body)}};
}

Awaitable<Result<protocol::ReportTasksResp>> report_tasks(Context& context, protocol::ReportTasksReq request) {
  const auto& reports = request.reports;
  if (reports.empty()) co_return fail(ErrorCode::kInvalidRequest, "The list of reports cannot be empty");
  if (reports.size() > protocol::kMaxReports)
    co_return fail(ErrorCode::kInvalidRequest,
                   "There are " + std::to_string(reports.size()) + " reports in one request: at most " +
                       std::to_string(protocol::kMaxReports) + " are taken, send the others in another");
  protocol::ReportTasksResp resp;
  resp.answers.resize(reports.size());
  std::vector<Question> questions;
  questions.reserve(reports.size());
  for (std::size_t i = 0; i < reports.size(); ++i) {
    auto question = check_entry(context.services, reports[i]);
    if (question) {
      question->entry = i;
      questions.push_back(std::move(*question));
      continue;
    }
    resp.answers[i] = to_entry(std::move(question).error());
    // A token that does not verify has cost the time of a verification, and nobody had to be known for it.
    if (resp.answers[i].status == 401) co_await give_way();
  }
  CoreAnswers answers = co_await ask_all(context.services, questions);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const Question& question = questions[i];
    const auto answer = in_words_of_the_api(question.task, std::move(answers[i]));
    const Result<Json> told =
        answer ? report_answer(*answer, question.with_next) : Result<Json>(std::unexpected(answer.error()));
    resp.answers[question.entry] = to_entry(to_response(told));
  }
  co_return resp;
}

}  // namespace

void add_worker_reports(Handlers& handlers) {
  handlers.add(Endpoint::kReportTask, handler(report_task));
  handlers.add(Endpoint::kReportTasks, handler(report_tasks));
}

}  // namespace mito::coordinator
