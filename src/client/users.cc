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

Result<void> Client::shut_down(const ShutdownReq& request, std::stop_token stop) const {
  return send("POST", "/admin/shutdown", encode(request), std::move(stop));
}

}  // namespace mito::client
