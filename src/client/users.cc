#include "client/endpoints.h"

namespace mito::client {

using namespace protocol;

Result<HealthResp> Client::health(std::stop_token stop) const {
  return fetch<HealthResp>("GET", "/health", {}, std::move(stop));
}

Result<std::string> Client::auth(std::stop_token stop) const {
  return exchange("GET", "/auth", {}, std::move(stop));
}

Result<TokenResp> Client::login(const UserLoginReq& request, std::stop_token stop) const {
  return fetch<TokenResp>("POST", "/login", encode(request), std::move(stop));
}

Result<TokenResp> Client::change_password(std::string_view username, const UserChangePasswordReq& request,
                                          std::stop_token stop) const {
  return fetch<TokenResp>("POST", fmt::format("/users/{}/password", segment(username)), encode(request),
                          std::move(stop));
}

Result<GroupsQueryResp> Client::user_groups(std::stop_token stop) const {
  return fetch<GroupsQueryResp>("GET", "/users/groups", {}, std::move(stop));
}

Result<RedisConnectionInfo> Client::redis(std::stop_token stop) const {
  return fetch<RedisConnectionInfo>("GET", "/redis", {}, std::move(stop));
}

Result<std::string> Client::openapi(std::stop_token stop) const {
  return call("GET", "/openapi.json", {}, std::string(), std::move(stop));
}

Result<std::string> Client::docs(std::stop_token stop) const {
  return call("GET", "/docs", {}, std::string(), std::move(stop));
}

Result<std::string> Client::metrics(std::string metrics_token, std::stop_token stop) const {
  return call("GET", "/metrics", {}, std::move(metrics_token), std::move(stop));
}

Result<void> Client::create_user(const CreateUserReq& request, std::stop_token stop) const {
  return send("POST", "/admin/users", encode(request), std::move(stop));
}

Result<UserStateResp> Client::delete_user(std::string_view username, std::stop_token stop) const {
  return fetch<UserStateResp>("DELETE", fmt::format("/admin/users/{}", segment(username)), {}, std::move(stop));
}

Result<UserStateResp> Client::change_user_state(std::string_view username, const ChangeUserStateReq& request,
                                                std::stop_token stop) const {
  return fetch<UserStateResp>("POST", fmt::format("/admin/users/{}/state", segment(username)), encode(request),
                              std::move(stop));
}

Result<void> Client::admin_change_password(std::string_view username, const AdminChangePasswordReq& request,
                                           std::stop_token stop) const {
  return send("POST", fmt::format("/admin/users/{}/password", segment(username)), encode(request), std::move(stop));
}

Result<UserGroupQuotaResp> Client::change_group_quota(std::string_view username, const ChangeUserGroupQuotaReq& request,
                                                      std::stop_token stop) const {
  return fetch<UserGroupQuotaResp>("POST", fmt::format("/admin/users/{}/group-quota", segment(username)),
                                   encode(request), std::move(stop));
}

Result<GroupStorageQuotaResp> Client::change_storage_quota(std::string_view group,
                                                           const ChangeGroupStorageQuotaReq& request,
                                                           std::stop_token stop) const {
  return fetch<GroupStorageQuotaResp>("POST", fmt::format("/admin/groups/{}/storage-quota", segment(group)),
                                      encode(request), std::move(stop));
}

Result<AdminUsersQueryResp> Client::query_users(const AdminUsersQueryReq& request, std::stop_token stop) const {
  return fetch<AdminUsersQueryResp>("POST", "/admin/query/users", encode(request), std::move(stop));
}

Result<AdminGroupsQueryResp> Client::query_groups(const AdminGroupsQueryReq& request, std::stop_token stop) const {
  return fetch<AdminGroupsQueryResp>("POST", "/admin/query/groups", encode(request), std::move(stop));
}

Result<AdminWorkersQueryResp> Client::query_all_workers(const AdminWorkersQueryReq& request,
                                                        std::stop_token stop) const {
  return fetch<AdminWorkersQueryResp>("POST", "/admin/query/workers", encode(request), std::move(stop));
}

Result<GroupStateResp> Client::change_group_state(std::string_view group, const ChangeGroupStateReq& request,
                                                  std::stop_token stop) const {
  return fetch<GroupStateResp>("POST", fmt::format("/admin/groups/{}/state", segment(group)), encode(request),
                               std::move(stop));
}

Result<void> Client::shut_down(const ShutdownReq& request, std::stop_token stop) const {
  return send("POST", "/admin/shutdown", encode(request), std::move(stop));
}

}  // namespace mito::client
