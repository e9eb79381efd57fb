#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/values.h"

// Groups, their members and their attachments.
namespace mito::protocol {

/// POST /groups
struct CreateGroupReq {
  std::string group_name;
};

/// GET /groups/{group_name}
struct GroupQueryInfo {
  std::string group_name;
  std::string creator_username;
  Timestamp created_at;
  Timestamp updated_at;
  GroupState state = GroupState::kActive;
  std::int64_t task_count = 0;
  std::int64_t storage_quota = 0;
  std::int64_t storage_used = 0;
  std::uint64_t worker_count = 0;
  std::optional<Roles> users_in_group;  ///< Only for Admins of the group.
};

/// Answer of POST /admin/query/groups (ours).
struct AdminGroupsQueryResp {
  std::uint64_t count = 0;
  std::vector<GroupQueryInfo> groups;
};

/// PUT /groups/{group_name}/users
struct UpdateUserGroupRoleReq {
  Roles relations;
};
/// POST /groups/{group_name}/users/remove, and as query (`users=a&users=b`) DELETE /groups/{group_name}/users
struct RemoveUserGroupRoleReq {
  std::vector<std::string> users;  ///< Set.
};

/// POST /groups/{group_name}/attachments
struct UploadAttachmentReq {
  std::string key;
  std::uint64_t content_length = 0;
};
/// Where to PUT the bytes; `exist`: an object of that key was known before.
struct UploadAttachmentResp {
  bool exist = false;
  std::string url;
};

/// GET /groups/{group_name}/attachments/{*key}
struct AttachmentMetadata {
  AttachmentContentType content_type = AttachmentContentType::kNoSet;
  std::int64_t size = 0;
  Timestamp created_at;
  Timestamp updated_at;
};

/// POST /groups/{group_name}/attachments/query
struct AttachmentsQueryReq {
  std::optional<std::string> key;  ///< Anywhere in the key; `%`, `_` and `\` as LIKE has them.
  std::optional<std::uint64_t> limit;
  std::optional<std::uint64_t> offset;
  bool count = false;
};
struct AttachmentQueryInfo {
  std::string key;
  AttachmentContentType content_type = AttachmentContentType::kNoSet;
  std::int64_t size = 0;
  Timestamp created_at;
  Timestamp updated_at;
};
struct AttachmentsQueryResp {
  std::uint64_t count = 0;
  std::vector<AttachmentQueryInfo> attachments;
  std::string group_name;
};

/// POST /groups/{group_name}/download/attachments
struct AttachmentsDownloadByFilterReq {
  std::optional<std::string> key;
  std::optional<std::uint64_t> limit;
  std::optional<std::uint64_t> offset;
};
/// POST /groups/{group_name}/download/attachments/list
struct AttachmentsDownloadByKeysReq {
  std::vector<std::string> keys;
};
struct AttachmentDownloadItem {
  std::string key;
  std::string url;
  std::int64_t size = 0;
};
struct AttachmentsDownloadListResp {
  std::vector<AttachmentDownloadItem> downloads;
  std::string group_name;
};

/// POST /groups/{group_name}/delete/attachments
struct AttachmentsDeleteByFilterReq {
  std::optional<std::string> key;
  std::optional<std::uint64_t> limit;
  std::optional<std::uint64_t> offset;
};
struct AttachmentsDeleteByFilterResp {
  std::uint64_t deleted_count = 0;
  std::string group_name;
};
/// POST /groups/{group_name}/delete/attachments/list
struct AttachmentsDeleteByKeysReq {
  std::vector<std::string> keys;
};
struct AttachmentsDeleteByKeysResp {
  std::uint64_t deleted_count = 0;
  std::vector<std::string> failed_keys;
  std::string group_name;
};

}  // namespace mito::protocol
