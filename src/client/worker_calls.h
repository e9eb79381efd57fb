#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "client/client.h"

namespace mito::client {

/// The calls that a worker makes, for those who write one of their own; `mito worker` has a transport of its own. In
/// the name of the worker that `token` belongs to (Client::register_worker gives it). Errors and threads as of Client.
class WorkerCalls {
 public:
  /// `client` must live longer.
  WorkerCalls(const Client& client, std::string token) : client_(client), token_(std::move(token)) {}

  /// The next task, if there is one; with `wait` (longer than zero; ours only) if one comes within that time.
  [[nodiscard]] Result<std::optional<protocol::WorkerTaskResp>> fetch_task(
      std::chrono::milliseconds wait = std::chrono::milliseconds(0), std::stop_token stop = {}) const;
  /// What became of a task. The URL is that of an upload, the next task that of a Commit or Complete which asked for
  /// it.
  [[nodiscard]] Result<protocol::ReportTaskNextResp> report_task(const protocol::ReportTaskReq& report,
                                                                 std::stop_token stop = {}) const;
  /// What became of several tasks, of several workers (ours only): each report names its own token, and has its own
  /// answer, in the same order; a refusal of one is no error of the call. Up to protocol::kMaxReports, none of them an
  /// Upload or a Submit.
  [[nodiscard]] Result<protocol::ReportTasksResp> report_tasks(const protocol::ReportTasksReq& reports,
                                                               std::stop_token stop = {}) const;
  /// What the worker does with the task just now (ours only).
  [[nodiscard]] Result<void> report_state(TaskUuid task, const protocol::TaskStateReq& state,
                                          std::stop_token stop = {}) const;
  [[nodiscard]] Result<void> heartbeat(std::stop_token stop = {}) const;
  /// The worker leaves; its task, if it has one, goes back.
  [[nodiscard]] Result<void> unregister(std::stop_token stop = {}) const;

  [[nodiscard]] Result<protocol::TaskQueryResp> get_task(TaskUuid task, std::stop_token stop = {}) const;
  [[nodiscard]] Result<protocol::RemoteResourceDownloadResp> locate_artifact(TaskUuid task, ArtifactContentType type,
                                                                             std::stop_token stop = {}) const;
  [[nodiscard]] Result<protocol::RemoteResourceDownloadResp> locate_attachment(TaskUuid task, std::string_view key,
                                                                               std::stop_token stop = {}) const;

 private:
  template <class Response>
  [[nodiscard]] Result<Response> fetch(std::string_view method, const std::string& path, std::string body,
                                       std::stop_token stop) const;

  const Client& client_;
  std::string token_;
};

}  // namespace mito::client
