#include "client/endpoints.h"

namespace mito::client {

using namespace protocol;

namespace {

std::string group_path(std::string_view group, std::string_view rest = {}) {
  return fmt::format("/groups/{}{}", segment(group), rest);
}

std::string key_path(std::string_view group, std::string_view middle, std::string_view key) {
  return fmt::format("/groups/{}{}{}", segment(group), middle, rest_of_path(key));
}

}  // namespace

Result<void> Client::create_group(const CreateGroupReq& request, std::stop_token stop) const {
  return send("POST", "/groups", encode(request), std::move(stop));
}

Result<GroupQueryInfo> Client::get_group(std::string_view group, std::stop_token stop) const {
  return fetch<GroupQueryInfo>("GET", group_path(group), {}, std::move(stop));
}

Result<void> Client::update_group_users(std::string_view group, const UpdateUserGroupRoleReq& request,
                                        std::stop_token stop) const {
  return send("PUT", group_path(group, "/users"), encode(request), std::move(stop));
}

Result<void> Client::remove_group_users(std::string_view group, const RemoveUserGroupRoleReq& request,
                                        std::stop_token stop) const {
  return send("DELETE", group_path(group, "/users?" + repeated_parameter("users", request.users)), {}, std::move(stop));
}

Result<void> Client::remove_group_users_by_body(std::string_view group, const RemoveUserGroupRoleReq& request,
                                                std::stop_token stop) const {
  return send("POST", group_path(group, "/users/remove"), encode(request), std::move(stop));
}

Result<UploadAttachmentResp> Client::begin_attachment_upload(std::string_view group, const UploadAttachmentReq& request,
                                                             std::stop_token stop) const {
  return fetch<UploadAttachmentResp>("POST", group_path(group, "/attachments"), encode(request), std::move(stop));
}

Result<AttachmentMetadata> Client::get_attachment(std::string_view group, std::string_view key,
                                                  std::stop_token stop) const {
  return fetch<AttachmentMetadata>("GET", key_path(group, "/attachments/", key), {}, std::move(stop));
}

Result<RemoteResourceDownloadResp> Client::locate_attachment(std::string_view group, std::string_view key,
                                                             std::stop_token stop) const {
  return fetch<RemoteResourceDownloadResp>("GET", key_path(group, "/download/attachments/", key), {}, std::move(stop));
}

Result<void> Client::delete_attachment(std::string_view group, std::string_view key, As as,
                                       std::stop_token stop) const {
  const std::string path = key_path(group, "/attachments/", key);
  return send("DELETE", as == As::kAdmin ? "/admin" + path : path, {}, std::move(stop));
}

Result<AttachmentsQueryResp> Client::query_attachments(std::string_view group, const AttachmentsQueryReq& request,
                                                       std::stop_token stop) const {
  return fetch<AttachmentsQueryResp>("POST", group_path(group, "/attachments/query"), encode(request), std::move(stop));
}

Result<AttachmentsDownloadListResp> Client::locate_attachments(std::string_view group,
                                                               const AttachmentsDownloadByFilterReq& request,
                                                               std::stop_token stop) const {
  return fetch<AttachmentsDownloadListResp>("POST", group_path(group, "/download/attachments"), encode(request),
                                            std::move(stop));
}

Result<AttachmentsDownloadListResp> Client::locate_attachments(std::string_view group,
                                                               const AttachmentsDownloadByKeysReq& request,
                                                               std::stop_token stop) const {
  return fetch<AttachmentsDownloadListResp>("POST", group_path(group, "/download/attachments/list"), encode(request),
                                            std::move(stop));
}

Result<AttachmentsDeleteByFilterResp> Client::delete_attachments(std::string_view group,
                                                                 const AttachmentsDeleteByFilterReq& request,
                                                                 std::stop_token stop) const {
  return fetch<AttachmentsDeleteByFilterResp>("POST", group_path(group, "/delete/attachments"), encode(request),
                                              std::move(stop));
}

Result<AttachmentsDeleteByKeysResp> Client::delete_attachments(std::string_view group,
                                                               const AttachmentsDeleteByKeysReq& request,
                                                               std::stop_token stop) const {
  return fetch<AttachmentsDeleteByKeysResp>("POST", group_path(group, "/delete/attachments/list"), encode(request),
                                            std::move(stop));
}

}  // namespace mito::client
