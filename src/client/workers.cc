#include "client/endpoints.h"

namespace mito::client {

using namespace protocol;

namespace {

std::string worker_path(WorkerUuid uuid, std::string_view rest = {}) {
  return fmt::format("/workers/{}{}", uuid.to_string(), rest);
}

}  // namespace

Result<WorkerQueryResp> Client::get_worker(WorkerUuid uuid, std::stop_token stop) const {
  return fetch<WorkerQueryResp>("GET", worker_path(uuid), {}, std::move(stop));
}

Result<WorkersQueryResp> Client::query_workers(const WorkersQueryReq& request, std::stop_token stop) const {
  return fetch<WorkersQueryResp>("POST", "/workers/query", encode(request), std::move(stop));
}

Result<void> Client::cancel_worker(WorkerUuid uuid, ShutdownOp op, As as, std::stop_token stop) const {
  const std::string path = worker_path(uuid, op == ShutdownOp::kForce ? "?op=force" : "");
  return send("DELETE", as == As::kAdmin ? "/admin" + path : path, {}, std::move(stop));
}

Result<WorkersShutdownByFilterResp> Client::shut_down_workers(const WorkersShutdownByFilterReq& request,
                                                              std::stop_token stop) const {
  return fetch<WorkersShutdownByFilterResp>("POST", "/workers/shutdown", encode(request), std::move(stop));
}

Result<WorkersShutdownByUuidsResp> Client::shut_down_workers(const WorkersShutdownByUuidsReq& request,
                                                             std::stop_token stop) const {
  return fetch<WorkersShutdownByUuidsResp>("POST", "/workers/shutdown/list", encode(request), std::move(stop));
}

Result<void> Client::replace_worker_tags(WorkerUuid uuid, const ReplaceWorkerTagsReq& request,
                                         std::stop_token stop) const {
  return send("PUT", worker_path(uuid, "/tags"), encode(request), std::move(stop));
}

Result<void> Client::replace_worker_labels(WorkerUuid uuid, const ReplaceWorkerLabelsReq& request,
                                           std::stop_token stop) const {
  return send("PUT", worker_path(uuid, "/labels"), encode(request), std::move(stop));
}

Result<void> Client::update_worker_groups(WorkerUuid uuid, const UpdateGroupWorkerRoleReq& request,
                                          std::stop_token stop) const {
  return send("PUT", worker_path(uuid, "/groups"), encode(request), std::move(stop));
}

Result<void> Client::remove_worker_groups(WorkerUuid uuid, const RemoveGroupWorkerRoleReq& request,
                                          std::stop_token stop) const {
  return send("DELETE", worker_path(uuid, "/groups?" + repeated_parameter("groups", request.groups)), {},
              std::move(stop));
}

Result<void> Client::remove_worker_groups_by_body(WorkerUuid uuid, const RemoveGroupWorkerRoleReq& request,
                                                  std::stop_token stop) const {
  return send("DELETE", worker_path(uuid, "/groups/remove"), encode(request), std::move(stop));
}

Result<RegisterWorkerResp> Client::register_worker(const RegisterWorkerReq& request, std::stop_token stop) const {
  return fetch<RegisterWorkerResp>("POST", "/workers", encode(request), std::move(stop));
}

}  // namespace mito::client
