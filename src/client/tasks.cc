#include "client/endpoints.h"

namespace mito::client {

using namespace protocol;

namespace {

std::string task_path(TaskUuid uuid, std::string_view rest = {}) {
  return fmt::format("/tasks/{}{}", uuid.to_string(), rest);
}

}  // namespace

Result<SubmitTaskResp> Client::submit_task(const SubmitTaskReq& request, std::stop_token stop) const {
  return fetch<SubmitTaskResp>("POST", "/tasks", encode(request), std::move(stop));
}

Result<TasksSubmitResp> Client::submit_tasks(const TasksSubmitReq& request, std::stop_token stop) const {
  return fetch<TasksSubmitResp>("POST", "/tasks/submit", encode(request), std::move(stop));
}

Result<TaskQueryResp> Client::get_task(TaskUuid uuid, std::stop_token stop) const {
  return fetch<TaskQueryResp>("GET", task_path(uuid, "?detail=true"), {}, std::move(stop));
}

Result<TaskQueryResp> Client::get_task_after(TaskUuid uuid, std::string_view known, std::stop_token stop) const {
  return fetch<TaskQueryResp>("GET", task_path(uuid, fmt::format("?detail=true&wait=25s&after={}", known)), {},
                              std::move(stop));
}

Result<TasksQueryResp> Client::query_tasks(const TasksQueryReq& request, std::stop_token stop) const {
  return fetch<TasksQueryResp>("POST", "/tasks/query", encode(request), std::move(stop));
}

Result<void> Client::cancel_task(TaskUuid uuid, std::stop_token stop) const {
  return send("DELETE", task_path(uuid), {}, std::move(stop));
}

Result<TasksCancelByFilterResp> Client::cancel_tasks(const TasksCancelByFilterReq& request,
                                                     std::stop_token stop) const {
  return fetch<TasksCancelByFilterResp>("POST", "/tasks/cancel", encode(request), std::move(stop));
}

Result<TasksCancelByUuidsResp> Client::cancel_tasks(const TasksCancelByUuidsReq& request, std::stop_token stop) const {
  return fetch<TasksCancelByUuidsResp>("POST", "/tasks/cancel/list", encode(request), std::move(stop));
}

Result<void> Client::change_task(TaskUuid uuid, const ChangeTaskReq& request, std::stop_token stop) const {
  return send("PUT", task_path(uuid), encode(request), std::move(stop));
}

Result<void> Client::update_task_labels(TaskUuid uuid, const UpdateTaskLabelsReq& request, std::stop_token stop) const {
  return send("PUT", task_path(uuid, "/labels"), encode(request), std::move(stop));
}

Result<UploadArtifactResp> Client::begin_artifact_upload(TaskUuid uuid, const UploadArtifactReq& request,
                                                         std::stop_token stop) const {
  return fetch<UploadArtifactResp>("POST", task_path(uuid, "/artifacts"), encode(request), std::move(stop));
}

Result<RemoteResourceDownloadResp> Client::locate_artifact(TaskUuid uuid, ArtifactContentType type,
                                                           std::stop_token stop) const {
  return fetch<RemoteResourceDownloadResp>(
      "GET", task_path(uuid, fmt::format("/download/artifacts/{}", to_string(type))), {}, std::move(stop));
}

Result<void> Client::delete_artifact(TaskUuid uuid, ArtifactContentType type, As as, std::stop_token stop) const {
  const std::string path = task_path(uuid, fmt::format("/artifacts/{}", to_string(type)));
  return send("DELETE", as == As::kAdmin ? "/admin" + path : path, {}, std::move(stop));
}

Result<ArtifactsDownloadListResp> Client::locate_artifacts(const ArtifactsDownloadByFilterReq& request,
                                                           std::stop_token stop) const {
  return fetch<ArtifactsDownloadListResp>("POST", "/tasks/download/artifacts", encode(request), std::move(stop));
}

Result<ArtifactsDownloadListResp> Client::locate_artifacts(const ArtifactsDownloadByUuidsReq& request,
                                                           std::stop_token stop) const {
  return fetch<ArtifactsDownloadListResp>("POST", "/tasks/download/artifacts/list", encode(request), std::move(stop));
}

Result<ArtifactsDeleteByFilterResp> Client::delete_artifacts(const ArtifactsDeleteByFilterReq& request,
                                                             std::stop_token stop) const {
  return fetch<ArtifactsDeleteByFilterResp>("POST", "/tasks/delete/artifacts", encode(request), std::move(stop));
}

Result<ArtifactsDeleteByUuidsResp> Client::delete_artifacts(const ArtifactsDeleteByUuidsReq& request,
                                                            std::stop_token stop) const {
  return fetch<ArtifactsDeleteByUuidsResp>("POST", "/tasks/delete/artifacts/list", encode(request), std::move(stop));
}

}  // namespace mito::client
