#include "protocol/routes.h"

namespace mito::protocol {
namespace {

using enum AnswerKind;
constexpr std::size_t kStreamed = 0;

// Endpoints of the original (reference/server.md 1.4), then ours. The order is that of Endpoint, and within a path that
// of the Allow header.
constexpr Route kRoutes[] = {
    // Root
    {Endpoint::kHealth, "GET", "/health", "health", Auth::kNone, kJson, "", "", "HealthResp"},
    {Endpoint::kLogin, "POST", "/login", "login", Auth::kNone, kJson, "", "UserLoginReq", "TokenResp"},
    {Endpoint::kAuth, "GET", "/auth", "auth", Auth::kUser, kText},
    {Endpoint::kRedis, "GET", "/redis", "redis", Auth::kUser, kJson, "", "", "RedisConnectionInfo"},
    // Users
    {Endpoint::kChangePassword, "POST", "/users/{username}/password", "change_password", Auth::kUser, kJson, "",
     "UserChangePasswordReq", "TokenResp"},
    {Endpoint::kUserGroups, "GET", "/users/groups", "user_groups", Auth::kUser, kJson, "", "", "GroupsQueryResp"},
    // Administration
    {Endpoint::kAdminCreateUser, "POST", "/admin/users", "admin_create_user", Auth::kAdmin, kEmpty, "",
     "CreateUserReq"},
    {Endpoint::kAdminDeleteUser, "DELETE", "/admin/users/{username}", "admin_delete_user", Auth::kAdmin, kJson, "", "",
     "UserStateResp"},
    {Endpoint::kAdminChangeUserState, "POST", "/admin/users/{username}/state", "admin_change_user_state", Auth::kAdmin,
     kJson, "", "ChangeUserStateReq", "UserStateResp"},
    {Endpoint::kAdminChangePassword, "POST", "/admin/users/{username}/password", "admin_change_password", Auth::kAdmin,
     kEmpty, "", "AdminChangePasswordReq"},
    {Endpoint::kAdminChangeGroupQuota, "POST", "/admin/users/{username}/group-quota", "admin_change_group_quota",
     Auth::kAdmin, kJson, "", "ChangeUserGroupQuotaReq", "UserGroupQuotaResp"},
    {Endpoint::kAdminChangeStorageQuota, "POST", "/admin/groups/{group_name}/storage-quota",
     "admin_change_storage_quota", Auth::kAdmin, kJson, "", "ChangeGroupStorageQuotaReq", "GroupStorageQuotaResp"},
    {Endpoint::kAdminShutdownWorker, "DELETE", "/admin/workers/{uuid}", "admin_shutdown_worker", Auth::kAdmin, kEmpty,
     "WorkerShutdownQuery"},
    {Endpoint::kAdminDeleteAttachment, "DELETE", "/admin/groups/{group_name}/attachments/{*key}",
     "admin_delete_attachment", Auth::kAdmin, kEmpty},
    {Endpoint::kAdminDeleteArtifact, "DELETE", "/admin/tasks/{uuid}/artifacts/{content_type}", "admin_delete_artifact",
     Auth::kAdmin, kEmpty},
    {Endpoint::kAdminShutdown, "POST", "/admin/shutdown", "admin_shutdown", Auth::kAdmin, kEmpty, "", "ShutdownReq"},
    // Groups
    {Endpoint::kCreateGroup, "POST", "/groups", "create_group", Auth::kUser, kEmpty, "", "CreateGroupReq"},
    {Endpoint::kGetGroup, "GET", "/groups/{group_name}", "get_group", Auth::kUser, kJson, "", "", "GroupQueryInfo"},
    {Endpoint::kUpdateGroupUsers, "PUT", "/groups/{group_name}/users", "update_group_users", Auth::kUser, kEmpty, "",
     "UpdateUserGroupRoleReq"},
    {Endpoint::kRemoveGroupUsers, "DELETE", "/groups/{group_name}/users", "remove_group_users", Auth::kUser, kEmpty,
     "RemoveUserGroupRoleReq"},
    {Endpoint::kRemoveGroupUsersByBody, "POST", "/groups/{group_name}/users/remove", "remove_group_users_by_body",
     Auth::kUser, kEmpty, "", "RemoveUserGroupRoleReq"},
    {Endpoint::kUploadAttachment, "POST", "/groups/{group_name}/attachments", "upload_attachment", Auth::kUser, kJson,
     "", "UploadAttachmentReq", "UploadAttachmentResp"},
    {Endpoint::kGetAttachment, "GET", "/groups/{group_name}/attachments/{*key}", "get_attachment", Auth::kUser, kJson,
     "", "", "AttachmentMetadata"},
    {Endpoint::kDeleteAttachment, "DELETE", "/groups/{group_name}/attachments/{*key}", "delete_attachment", Auth::kUser,
     kEmpty},
    {Endpoint::kDownloadAttachment, "GET", "/groups/{group_name}/download/attachments/{*key}", "download_attachment",
     Auth::kUser, kJson, "", "", "RemoteResourceDownloadResp"},
    {Endpoint::kQueryAttachments, "POST", "/groups/{group_name}/attachments/query", "query_attachments", Auth::kUser,
     kJson, "", "AttachmentsQueryReq", "AttachmentsQueryResp"},
    {Endpoint::kDownloadAttachmentsByFilter, "POST", "/groups/{group_name}/download/attachments",
     "download_attachments_by_filter", Auth::kUser, kJson, "", "AttachmentsDownloadByFilterReq",
     "AttachmentsDownloadListResp"},
    {Endpoint::kDownloadAttachmentsByKeys, "POST", "/groups/{group_name}/download/attachments/list",
     "download_attachments_by_keys", Auth::kUser, kJson, "", "AttachmentsDownloadByKeysReq",
     "AttachmentsDownloadListResp"},
    {Endpoint::kDeleteAttachmentsByFilter, "POST", "/groups/{group_name}/delete/attachments",
     "delete_attachments_by_filter", Auth::kUser, kJson, "", "AttachmentsDeleteByFilterReq",
     "AttachmentsDeleteByFilterResp"},
    {Endpoint::kDeleteAttachmentsByKeys, "POST", "/groups/{group_name}/delete/attachments/list",
     "delete_attachments_by_keys", Auth::kUser, kJson, "", "AttachmentsDeleteByKeysReq", "AttachmentsDeleteByKeysResp"},
    // Workers, called by workers
    {Endpoint::kFetchTask, "GET", "/workers/tasks", "fetch_task", Auth::kWorker, kJson, "WaitQuery", "",
     "OptionalWorkerTaskResp"},
    {Endpoint::kReportTask, "POST", "/workers/tasks", "report_task", Auth::kWorker, kJson, "", "ReportTaskReq",
     "ReportTaskResp"},
    {Endpoint::kHeartbeat, "POST", "/workers/heartbeat", "heartbeat", Auth::kWorker, kNull, "", "", "Nothing"},
    {Endpoint::kUnregisterWorker, "DELETE", "/workers", "unregister_worker", Auth::kWorker, kNull, "", "", "Nothing"},
    {Endpoint::kWorkerGetTask, "GET", "/workers/tasks/{uuid}", "worker_get_task", Auth::kWorker, kJson, "", "",
     "TaskQueryResp"},
    {Endpoint::kWorkerDownloadArtifact, "GET", "/workers/tasks/{uuid}/artifacts/{content_type}",
     "worker_download_artifact", Auth::kWorker, kJson, "", "", "RemoteResourceDownloadResp"},
    {Endpoint::kWorkerDownloadAttachment, "GET", "/workers/tasks/{uuid}/attachments/{*key}",
     "worker_download_attachment", Auth::kWorker, kJson, "", "", "RemoteResourceDownloadResp"},
    // Workers, called by users
    {Endpoint::kRegisterWorker, "POST", "/workers", "register_worker", Auth::kUser, kJson, "", "RegisterWorkerReq",
     "RegisterWorkerResp"},
    {Endpoint::kGetWorker, "GET", "/workers/{uuid}", "get_worker", Auth::kUser, kJson, "WorkerQuery", "",
     "WorkerQueryResp"},
    {Endpoint::kShutdownWorker, "DELETE", "/workers/{uuid}", "shutdown_worker", Auth::kUser, kEmpty,
     "WorkerShutdownQuery"},
    {Endpoint::kReplaceWorkerTags, "PUT", "/workers/{uuid}/tags", "replace_worker_tags", Auth::kUser, kEmpty, "",
     "ReplaceWorkerTagsReq"},
    {Endpoint::kReplaceWorkerLabels, "PUT", "/workers/{uuid}/labels", "replace_worker_labels", Auth::kUser, kEmpty, "",
     "ReplaceWorkerLabelsReq"},
    {Endpoint::kUpdateWorkerGroups, "PUT", "/workers/{uuid}/groups", "update_worker_groups", Auth::kUser, kEmpty, "",
     "UpdateGroupWorkerRoleReq"},
    {Endpoint::kRemoveWorkerGroups, "DELETE", "/workers/{uuid}/groups", "remove_worker_groups", Auth::kUser, kEmpty,
     "RemoveGroupWorkerRoleReq"},
    {Endpoint::kRemoveWorkerGroupsByBody, "DELETE", "/workers/{uuid}/groups/remove", "remove_worker_groups_by_body",
     Auth::kUser, kEmpty, "", "RemoveGroupWorkerRoleReq"},
    {Endpoint::kQueryWorkers, "POST", "/workers/query", "query_workers", Auth::kUser, kJson, "", "WorkersQueryReq",
     "WorkersQueryResp"},
    {Endpoint::kShutdownWorkersByFilter, "POST", "/workers/shutdown", "shutdown_workers_by_filter", Auth::kUser, kJson,
     "", "WorkersShutdownByFilterReq", "WorkersShutdownByFilterResp"},
    {Endpoint::kShutdownWorkersByUuids, "POST", "/workers/shutdown/list", "shutdown_workers_by_uuids", Auth::kUser,
     kJson, "", "WorkersShutdownByUuidsReq", "WorkersShutdownByUuidsResp"},
    // Tasks
    {Endpoint::kSubmitTask, "POST", "/tasks", "submit_task", Auth::kUser, kJson, "", "SubmitTaskReq", "SubmitTaskResp"},
    {Endpoint::kSubmitTasks, "POST", "/tasks/submit", "submit_tasks", Auth::kUser, kJson, "", "TasksSubmitReq",
     "TasksSubmitResp"},
    {Endpoint::kGetTask, "GET", "/tasks/{uuid}", "get_task", Auth::kUser, kJson, "TaskQuery", "", "TaskQueryResp"},
    {Endpoint::kChangeTask, "PUT", "/tasks/{uuid}", "change_task", Auth::kUser, kEmpty, "", "ChangeTaskReq"},
    {Endpoint::kCancelTask, "DELETE", "/tasks/{uuid}", "cancel_task", Auth::kUser, kEmpty},
    {Endpoint::kUpdateTaskLabels, "PUT", "/tasks/{uuid}/labels", "update_task_labels", Auth::kUser, kEmpty, "",
     "UpdateTaskLabelsReq"},
    {Endpoint::kDownloadArtifact, "GET", "/tasks/{uuid}/download/artifacts/{content_type}", "download_artifact",
     Auth::kUser, kJson, "", "", "RemoteResourceDownloadResp"},
    {Endpoint::kUploadArtifact, "POST", "/tasks/{uuid}/artifacts", "upload_artifact", Auth::kUser, kJson, "",
     "UploadArtifactReq", "UploadArtifactResp"},
    {Endpoint::kDeleteArtifact, "DELETE", "/tasks/{uuid}/artifacts/{content_type}", "delete_artifact", Auth::kUser,
     kEmpty},
    {Endpoint::kQueryTasks, "POST", "/tasks/query", "query_tasks", Auth::kUser, kJson, "", "TasksQueryReq",
     "TasksQueryResp"},
    {Endpoint::kCancelTasksByFilter, "POST", "/tasks/cancel", "cancel_tasks_by_filter", Auth::kUser, kJson, "",
     "TasksCancelByFilterReq", "TasksCancelByFilterResp"},
    {Endpoint::kCancelTasksByUuids, "POST", "/tasks/cancel/list", "cancel_tasks_by_uuids", Auth::kUser, kJson, "",
     "TasksCancelByUuidsReq", "TasksCancelByUuidsResp"},
    {Endpoint::kDownloadArtifactsByFilter, "POST", "/tasks/download/artifacts", "download_artifacts_by_filter",
     Auth::kUser, kJson, "", "ArtifactsDownloadByFilterReq", "ArtifactsDownloadListResp"},
    {Endpoint::kDownloadArtifactsByUuids, "POST", "/tasks/download/artifacts/list", "download_artifacts_by_uuids",
     Auth::kUser, kJson, "", "ArtifactsDownloadByUuidsReq", "ArtifactsDownloadListResp"},
    {Endpoint::kDeleteArtifactsByFilter, "POST", "/tasks/delete/artifacts", "delete_artifacts_by_filter", Auth::kUser,
     kJson, "", "ArtifactsDeleteByFilterReq", "ArtifactsDeleteByFilterResp"},
    {Endpoint::kDeleteArtifactsByUuids, "POST", "/tasks/delete/artifacts/list", "delete_artifacts_by_uuids",
     Auth::kUser, kJson, "", "ArtifactsDeleteByUuidsReq", "ArtifactsDeleteByUuidsResp"},
    // Ours (architecture section 9)
    {Endpoint::kOpenApi, "GET", "/openapi.json", "openapi", Auth::kNone, kStream},
    {Endpoint::kDocs, "GET", "/docs", "docs", Auth::kNone, kStream},
    {Endpoint::kGuide, "GET", "/docs/guide", "guide", Auth::kNone, kStream},
    {Endpoint::kGuideIndex, "GET", "/docs/guide/", "guide_index", Auth::kNone, kStream},
    {Endpoint::kGuidePage, "GET", "/docs/guide/{page}", "guide_page", Auth::kNone, kStream},
    {Endpoint::kMetrics, "GET", "/metrics", "metrics", Auth::kNone, kStream},
    {Endpoint::kPutObject, "PUT", "/objects/{bucket}/{*key}", "put_object", Auth::kNone, kEmpty, "", "", "", kStreamed},
    {Endpoint::kGetObject, "GET", "/objects/{bucket}/{*key}", "get_object", Auth::kNone, kStream},
    {Endpoint::kReportState, "POST", "/workers/tasks/{uuid}/state", "report_state", Auth::kWorker, kEmpty, "",
     "TaskStateReq"},
    {Endpoint::kReportTasks, "POST", "/workers/tasks/report/list", "report_tasks", Auth::kEntries, kJson, "",
     "ReportTasksReq", "ReportTasksResp"},
    {Endpoint::kEvents, "GET", "/events", "events", Auth::kUser, kStream, "EventsQuery", "", "TaskEvent"},
    {Endpoint::kAdminQueryUsers, "POST", "/admin/query/users", "admin_query_users", Auth::kAdmin, kJson, "",
     "AdminUsersQueryReq", "AdminUsersQueryResp"},
    {Endpoint::kAdminQueryGroups, "POST", "/admin/query/groups", "admin_query_groups", Auth::kAdmin, kJson, "",
     "AdminGroupsQueryReq", "AdminGroupsQueryResp"},
    {Endpoint::kAdminQueryWorkers, "POST", "/admin/query/workers", "admin_query_workers", Auth::kAdmin, kJson, "",
     "AdminWorkersQueryReq", "AdminWorkersQueryResp"},
    {Endpoint::kAdminChangeGroupState, "POST", "/admin/groups/{group_name}/state", "admin_change_group_state",
     Auth::kAdmin, kJson, "", "ChangeGroupStateReq", "GroupStateResp"},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < std::size(kRoutes); ++i)
    if (static_cast<std::size_t>(kRoutes[i].endpoint) != i) return false;
  return true;
}
static_assert(std::size(kRoutes) == kEndpointCount && in_order(),
              "the table and Endpoint name the same things in the same order");

}  // namespace

std::span<const Route> routes() {
  return kRoutes;
}

const Route& route(Endpoint endpoint) {
  return kRoutes[static_cast<std::size_t>(endpoint)];
}

}  // namespace mito::protocol
