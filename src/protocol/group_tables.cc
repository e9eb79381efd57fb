#include "protocol/value_codec.h"

namespace mito::protocol {

MITO_TABLE(CreateGroupReq, MEMBER(group_name));
MITO_TABLE(GroupQueryInfo, MEMBER(group_name), MEMBER(creator_username), MEMBER(created_at), MEMBER(updated_at),
           MEMBER(state), MEMBER(task_count), MEMBER(storage_quota), MEMBER(storage_used), MEMBER(worker_count),
           MEMBER(users_in_group));
MITO_TABLE(AdminGroupsQueryResp, MEMBER(count), MEMBER(groups));
MITO_TABLE(UpdateUserGroupRoleReq, MEMBER(relations));
MITO_TABLE(RemoveUserGroupRoleReq, SET(users));
MITO_TABLE(UploadAttachmentReq, MEMBER(key), MEMBER(content_length));
MITO_TABLE(UploadAttachmentResp, MEMBER(exist), MEMBER(url));
MITO_TABLE(AttachmentMetadata, MEMBER(content_type), MEMBER(size), MEMBER(created_at), MEMBER(updated_at));
MITO_TABLE(AttachmentsQueryReq, MEMBER(key), MEMBER(limit), MEMBER(offset), MEMBER(count));
MITO_TABLE(AttachmentQueryInfo, MEMBER(key), MEMBER(content_type), MEMBER(size), MEMBER(created_at),
           MEMBER(updated_at));
MITO_TABLE(AttachmentsQueryResp, MEMBER(count), MEMBER(attachments), MEMBER(group_name));
MITO_TABLE(AttachmentsDownloadByFilterReq, MEMBER(key), MEMBER(limit), MEMBER(offset));
MITO_TABLE(AttachmentsDownloadByKeysReq, MEMBER(keys));
MITO_TABLE(AttachmentDownloadItem, MEMBER(key), MEMBER(url), MEMBER(size));
MITO_TABLE(AttachmentsDownloadListResp, MEMBER(downloads), MEMBER(group_name));
MITO_TABLE(AttachmentsDeleteByFilterReq, MEMBER(key), MEMBER(limit), MEMBER(offset));
MITO_TABLE(AttachmentsDeleteByFilterResp, MEMBER(deleted_count), MEMBER(group_name));
MITO_TABLE(AttachmentsDeleteByKeysReq, MEMBER(keys));
MITO_TABLE(AttachmentsDeleteByKeysResp, MEMBER(deleted_count), MEMBER(failed_keys), MEMBER(group_name));

}  // namespace mito::protocol
