#include "client/worker_calls.h"

#include "client/endpoints.h"

namespace mito::client {

using namespace protocol;

namespace {

std::string task_path(TaskUuid task, std::string_view rest = {}) {
  return fmt::format("/workers/tasks/{}{}", task.to_string(), rest);
}

}  // namespace

template <class Response>
Result<Response> WorkerCalls::fetch(std::string_view method, const std::string& path, std::string body,
                                    std::stop_token stop) const {
  MITO_TRY_ASSIGN(const std::string answer, client_.call(method, path, std::move(body), token_, std::move(stop)));
  return read_answer<Response>(client_.address(), method, path, answer);
}

Result<std::optional<WorkerTaskResp>> WorkerCalls::fetch_task(std::chrono::milliseconds wait,
                                                              std::stop_token stop) const {
  const std::string path =
      wait.count() > 0 ? fmt::format("/workers/tasks?wait={}ms", wait.count()) : std::string("/workers/tasks");
  return fetch<std::optional<WorkerTaskResp>>("GET", path, {}, std::move(stop));
}

Result<ReportTaskNextResp> WorkerCalls::report_task(const ReportTaskReq& report, std::stop_token stop) const {
  MITO_TRY_ASSIGN(const std::string answer,
                  client_.call("POST", "/workers/tasks", encode(report), token_, std::move(stop)));
  if (auto with_next = decode<ReportTaskNextResp>(answer)) return *std::move(with_next);
  MITO_TRY_ASSIGN(auto plain, read_answer<ReportTaskResp>(client_.address(), "POST", "/workers/tasks", answer));
  return ReportTaskNextResp{.url = std::move(plain.url), .next = {}};
}

Result<ReportTasksResp> WorkerCalls::report_tasks(const ReportTasksReq& reports, std::stop_token stop) const {
  return fetch<ReportTasksResp>("POST", "/workers/tasks/report/list", encode(reports), std::move(stop));
}

Result<void> WorkerCalls::report_state(TaskUuid task, const TaskStateReq& state, std::stop_token stop) const {
  MITO_TRY(client_.call("POST", task_path(task, "/state"), encode(state), token_, std::move(stop)));
  return {};
}

Result<void> WorkerCalls::heartbeat(std::stop_token stop) const {
  MITO_TRY(client_.call("POST", "/workers/heartbeat", {}, token_, std::move(stop)));
  return {};
}

Result<void> WorkerCalls::unregister(std::stop_token stop) const {
  MITO_TRY(client_.call("DELETE", "/workers", {}, token_, std::move(stop)));
  return {};
}

Result<TaskQueryResp> WorkerCalls::get_task(TaskUuid task, std::stop_token stop) const {
  return fetch<TaskQueryResp>("GET", task_path(task), {}, std::move(stop));
}

Result<RemoteResourceDownloadResp> WorkerCalls::locate_artifact(TaskUuid task, ArtifactContentType type,
                                                                std::stop_token stop) const {
  return fetch<RemoteResourceDownloadResp>("GET", task_path(task, fmt::format("/artifacts/{}", to_string(type))), {},
                                           std::move(stop));
}

Result<RemoteResourceDownloadResp> WorkerCalls::locate_attachment(TaskUuid task, std::string_view key,
                                                                  std::stop_token stop) const {
  return fetch<RemoteResourceDownloadResp>("GET", task_path(task, "/attachments/" + rest_of_path(key)), {},
                                           std::move(stop));
}

}  // namespace mito::client
