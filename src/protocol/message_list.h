#pragma once

#include "protocol/messages.h"

// The names of all messages, for what has to be done for each of them. What they look like stands in the *_tables.cc
// files.
// clang-format off
#define MITO_SHARED_STRUCTS(X) X(ErrorMsg) X(RemoteResourceDownloadResp)

#define MITO_USER_STRUCTS(X) \
  X(HealthResp) X(UserLoginReq) X(TokenResp) X(RedisConnectionInfo) X(UserChangePasswordReq) X(GroupsQueryResp) X(CreateUserReq) \
  X(ChangeUserStateReq) X(UserStateResp) X(AdminChangePasswordReq) X(ChangeUserGroupQuotaReq) X(UserGroupQuotaResp) \
  X(ChangeGroupStorageQuotaReq) X(GroupStorageQuotaResp) X(ShutdownReq) X(ChangeGroupStateReq) X(GroupStateResp) \
  X(AdminUsersQueryReq) X(UserQueryInfo) X(AdminUsersQueryResp) X(AdminGroupsQueryReq)

#define MITO_GROUP_STRUCTS(X) \
  X(CreateGroupReq) X(GroupQueryInfo) X(AdminGroupsQueryResp) X(UpdateUserGroupRoleReq) X(RemoveUserGroupRoleReq) \
  X(UploadAttachmentReq) X(UploadAttachmentResp) X(AttachmentMetadata) X(AttachmentsQueryReq) X(AttachmentQueryInfo) \
  X(AttachmentsQueryResp) X(AttachmentsDownloadByFilterReq) X(AttachmentsDownloadByKeysReq) X(AttachmentDownloadItem) \
  X(AttachmentsDownloadListResp) X(AttachmentsDeleteByFilterReq) X(AttachmentsDeleteByFilterResp) X(AttachmentsDeleteByKeysReq) \
  X(AttachmentsDeleteByKeysResp)

#define MITO_TASK_STRUCTS(X) \
  X(TaskSpec) X(TaskResult) X(Resource) X(ArtifactReference) X(AttachmentReference) \
  X(SubmitTaskReq) X(SubmitTaskResp) X(TasksSubmitReq) X(TasksSubmitResp) X(ChangeTaskReq) X(UpdateTaskLabelsReq) X(TaskUsage) \
  X(TaskDetail) X(TaskWorker) X(ParsedTaskQueryInfo) X(TaskQueryInfo) X(ArtifactQueryResp) X(TaskQueryResp) X(TasksQueryReq) \
  X(TasksQueryResp) X(TasksCancelByFilterReq) X(TasksCancelByFilterResp) X(TasksCancelByUuidsReq) X(TasksCancelByUuidsResp) \
  X(UploadArtifactReq) X(UploadArtifactResp) X(ArtifactsDownloadByFilterReq) X(ArtifactsDownloadByUuidsReq) X(ArtifactDownloadItem) \
  X(ArtifactsDownloadListResp) X(ArtifactsDeleteByFilterReq) X(ArtifactsDeleteByFilterResp) X(ArtifactsDeleteByUuidsReq) \
  X(ArtifactsDeleteByUuidsResp) X(TaskEvent)

#define MITO_WORKER_STRUCTS(X) \
  X(WorkerHostInfo) X(RegisterWorkerReq) X(RegisterWorkerResp) X(WorkerTaskResp) X(WorkerTaskText) X(CommitOp) X(UploadOp) \
  X(CompleteOp) X(ReportTaskReq) X(ReportTaskResp) X(ReportTaskNextResp) X(ReportTaskNextText) X(WorkerReport) \
  X(ReportTasksReq) X(WorkerReportAnswer) X(ReportTasksResp) X(TaskStateReq) X(WorkerQueryInfo) \
  X(WorkerQueryResp) X(ReplaceWorkerTagsReq) X(ReplaceWorkerLabelsReq) X(UpdateGroupWorkerRoleReq) X(RemoveGroupWorkerRoleReq) \
  X(WorkersQueryReq) X(WorkersQueryResp) X(WorkersShutdownByFilterReq) X(WorkersShutdownByFilterResp) X(WorkersShutdownByUuidsReq) \
  X(WorkersShutdownByUuidsResp) X(AdminWorkersQueryReq) X(AdminWorkersQueryResp)

#define MITO_STRUCTS(X) \
  MITO_SHARED_STRUCTS(X) MITO_USER_STRUCTS(X) MITO_GROUP_STRUCTS(X) MITO_TASK_STRUCTS(X) MITO_WORKER_STRUCTS(X)
// clang-format on

namespace mito::protocol {

/// Whether T is one of the structs above, that is, has a table.
template <class T>
inline constexpr bool kHasTable = false;

/// The table of a struct; each is defined in one of the *_tables.cc files.
template <class T>
const struct StructInfo& table();

#define MITO_DECLARE(T)                      \
  template <>                                \
  inline constexpr bool kHasTable<T> = true; \
  template <>                                \
  const StructInfo& table<T>();
MITO_STRUCTS(MITO_DECLARE)
#undef MITO_DECLARE

}  // namespace mito::protocol
