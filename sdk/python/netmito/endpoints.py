"""One function for each endpoint of the API. What they share: `UuidLike` takes a UUID or its text; errors are those of
`netmito.errors`; names are those of pynetmito where it has one."""

from __future__ import annotations

import uuid as uuid_module
from typing import Any, Optional, Sequence, TypeVar, Union

from .call import Call, document, key_path, message, nothing, optional_message, path, text
from .model import encode
from .schemas import (
    AdminChangePasswordReq,
    AdminGroupsQueryReq,
    AdminGroupsQueryResp,
    AdminUsersQueryReq,
    AdminUsersQueryResp,
    AdminWorkersQueryReq,
    AdminWorkersQueryResp,
    ArtifactsDeleteByFilterReq,
    ArtifactsDeleteByFilterResp,
    ArtifactsDeleteByUuidsReq,
    ArtifactsDeleteByUuidsResp,
    ArtifactsDownloadByFilterReq,
    ArtifactsDownloadByUuidsReq,
    ArtifactsDownloadListResp,
    AttachmentMetadata,
    AttachmentsDeleteByFilterReq,
    AttachmentsDeleteByFilterResp,
    AttachmentsDeleteByKeysReq,
    AttachmentsDeleteByKeysResp,
    AttachmentsDownloadByFilterReq,
    AttachmentsDownloadByKeysReq,
    AttachmentsDownloadListResp,
    AttachmentsQueryReq,
    AttachmentsQueryResp,
    ChangeGroupStateReq,
    ChangeGroupStorageQuotaReq,
    ChangeTaskReq,
    ChangeUserGroupQuota,
    ChangeUserStateReq,
    CreateGroupReq,
    CreateUserReq,
    GroupQueryInfo,
    GroupStateResp,
    GroupStorageQuotaResp,
    GroupsQueryResp,
    HealthResp,
    RedisConnectionInfo,
    RegisterWorkerReq,
    RegisterWorkerResp,
    RemoteResourceDownloadResp,
    RemoveGroupWorkerRoleReq,
    RemoveUserGroupRoleReq,
    ReplaceWorkerLabelsReq,
    ReplaceWorkerTagsReq,
    ReportTaskResp,
    ShutdownReq,
    SubmitTaskReq,
    SubmitTaskResp,
    TaskQueryResp,
    TasksCancelByFilterReq,
    TasksCancelByFilterResp,
    TasksCancelByUuidsReq,
    TasksCancelByUuidsResp,
    TasksQueryReq,
    TasksQueryResp,
    TasksSubmitReq,
    TasksSubmitResp,
    UpdateGroupWorkerRoleReq,
    UpdateTaskLabelsReq,
    UpdateUserGroupRoleReq,
    UploadArtifactReq,
    UploadArtifactResp,
    UploadAttachmentReq,
    UploadAttachmentResp,
    UserChangePasswordReq,
    UserChangePasswordResp,
    UserGroupQuotaResp,
    UserLoginReq,
    UserLoginResp,
    UserStateResp,
    WorkerQueryResp,
    WorkerTaskResp,
    WorkersQueryReq,
    WorkersQueryResp,
    WorkersShutdownByFilterReq,
    WorkersShutdownByFilterResp,
    WorkersShutdownByUuidsReq,
    WorkersShutdownByUuidsResp,
)
from .states import ArtifactContentType, TaskExecState, TaskState

T = TypeVar("T")
UuidLike = Union[uuid_module.UUID, str]


class Endpoints:
    """The API, call by call. Subclasses send the calls."""

    def _call(self, call: Call[T]) -> T:
        raise NotImplementedError

    # Root

    def health(self) -> HealthResp:
        """Whether the coordinator serves."""
        return self._call(Call("health", "GET", path("health"), message(HealthResp), repeatable=True))

    def user_auth(self) -> str:
        """The name of the logged-in user."""
        return self._call(Call("auth", "GET", path("auth"), text, repeatable=True))

    def get_redis_connection_info(self) -> RedisConnectionInfo:
        """Where task states are published in Redis; `url` is None without Redis."""
        return self._call(Call("redis", "GET", path("redis"), message(RedisConnectionInfo), repeatable=True))

    def openapi(self) -> dict[str, Any]:
        """The coordinator's OpenAPI document (extension)."""
        return self._call(Call("openapi", "GET", path("openapi.json"), document, repeatable=True))

    def docs(self) -> str:
        """The page that shows the API, as HTML (extension)."""
        return self._call(Call("docs", "GET", path("docs"), text, repeatable=True))

    def metrics(self, token: Optional[str] = None) -> str:
        """Counters in Prometheus' text format (extension). `token` is the `metrics_token` of a coordinator that
        has one."""
        return self._call(Call("metrics", "GET", path("metrics"), text, repeatable=True, token=token))

    # Users

    def _login(self, req: UserLoginReq) -> UserLoginResp:
        """A new token for the user."""
        return self._call(
            Call("login", "POST", path("login"), message(UserLoginResp), body=req, repeatable=True, token="")
        )

    def user_change_password(self, username: str, req: UserChangePasswordReq) -> UserChangePasswordResp:
        """Changes the own password; the answer carries a new token, see `change_password`."""
        return self._call(
            Call(
                "change_password",
                "POST",
                path("users", username, "password"),
                message(UserChangePasswordResp),
                body=req,
            )
        )

    def get_user_groups_roles(self) -> GroupsQueryResp:
        """The groups of the user and his role in each."""
        return self._call(
            Call("user_groups", "GET", path("users", "groups"), message(GroupsQueryResp), repeatable=True)
        )

    # Administration

    def admin_create_user(self, req: CreateUserReq) -> None:
        """A new user, with a group of the same name. `Conflict` when the name is taken."""
        self._call(Call("admin_create_user", "POST", path("admin", "users"), nothing, body=req))

    def admin_delete_user(self, username: str) -> None:
        """Deletes a user. The name cannot be used again."""
        self._call(Call("admin_delete_user", "DELETE", path("admin", "users", username), nothing, repeatable=True))

    def admin_change_user_state(self, username: str, req: ChangeUserStateReq) -> UserStateResp:
        """Locks, unlocks or deletes a user."""
        return self._call(
            Call(
                "admin_change_user_state",
                "POST",
                path("admin", "users", username, "state"),
                message(UserStateResp),
                body=req,
                repeatable=True,
            )
        )

    def admin_change_password(self, username: str, req: AdminChangePasswordReq) -> None:
        """Sets the password of any user."""
        self._call(
            Call(
                "admin_change_password",
                "POST",
                path("admin", "users", username, "password"),
                nothing,
                body=req,
                repeatable=True,
            )
        )

    def admin_update_user_group_quota(self, username: str, req: ChangeUserGroupQuota) -> UserGroupQuotaResp:
        """How many groups a user may create."""
        return self._call(
            Call(
                "admin_change_group_quota",
                "POST",
                path("admin", "users", username, "group-quota"),
                message(UserGroupQuotaResp),
                body=req,
            )
        )

    def admin_update_group_storage_quota(
        self, group_name: str, req: ChangeGroupStorageQuotaReq
    ) -> GroupStorageQuotaResp:
        """How many bytes a group may store."""
        return self._call(
            Call(
                "admin_change_storage_quota",
                "POST",
                path("admin", "groups", group_name, "storage-quota"),
                message(GroupStorageQuotaResp),
                body=req,
            )
        )

    def admin_change_group_state(self, group_name: str, req: ChangeGroupStateReq) -> GroupStateResp:
        """Locks, unlocks or deletes a group (extension)."""
        return self._call(
            Call(
                "admin_change_group_state",
                "POST",
                path("admin", "groups", group_name, "state"),
                message(GroupStateResp),
                body=req,
                repeatable=True,
            )
        )

    def admin_cancel_worker_by_uuid(self, uuid: UuidLike, force: bool = False) -> None:
        """Ends any worker, after its task or by `force` at once."""
        self._call(
            Call(
                "admin_shutdown_worker",
                "DELETE",
                path("admin", "workers", uuid),
                nothing,
                query=_force(force),
                repeatable=True,
            )
        )

    def admin_delete_attachment(self, group_name: str, key: str) -> None:
        """Deletes an attachment of any group."""
        self._call(
            Call(
                "admin_delete_attachment",
                "DELETE",
                path("admin", "groups", group_name, "attachments") + key_path(key),
                nothing,
                repeatable=True,
            )
        )

    def admin_delete_artifact(self, uuid: UuidLike, content_type: ArtifactContentType) -> None:
        """Deletes an artifact of any task."""
        self._call(
            Call(
                "admin_delete_artifact",
                "DELETE",
                path("admin", "tasks", uuid, "artifacts", _word(content_type)),
                nothing,
                repeatable=True,
            )
        )

    def admin_query_users(self, req: AdminUsersQueryReq) -> AdminUsersQueryResp:
        """All users that fit (extension)."""
        return self._call(
            Call(
                "admin_query_users",
                "POST",
                path("admin", "query", "users"),
                message(AdminUsersQueryResp),
                body=req,
                repeatable=True,
            )
        )

    def admin_query_groups(self, req: AdminGroupsQueryReq) -> AdminGroupsQueryResp:
        """All groups that fit (extension)."""
        return self._call(
            Call(
                "admin_query_groups",
                "POST",
                path("admin", "query", "groups"),
                message(AdminGroupsQueryResp),
                body=req,
                repeatable=True,
            )
        )

    def admin_query_workers(self, req: AdminWorkersQueryReq) -> AdminWorkersQueryResp:
        """All workers that fit, of all groups (extension)."""
        return self._call(
            Call(
                "admin_query_workers",
                "POST",
                path("admin", "query", "workers"),
                message(AdminWorkersQueryResp),
                body=req,
                repeatable=True,
            )
        )

    def admin_shutdown_coordinator(self, req: ShutdownReq) -> None:
        """Ends the coordinator. The secret is a setting of it, or in the file `shutdown-secret` of its data
        directory."""
        self._call(Call("admin_shutdown", "POST", path("admin", "shutdown"), nothing, body=req))

    # Groups

    def user_create_group(self, req: CreateGroupReq) -> None:
        """A new group; the caller becomes its admin."""
        self._call(Call("create_group", "POST", path("groups"), nothing, body=req))

    def get_group_by_name(self, group_name: str) -> GroupQueryInfo:
        """A group of the user."""
        return self._call(
            Call("get_group", "GET", path("groups", group_name), message(GroupQueryInfo), repeatable=True)
        )

    def update_user_group_roles(self, group_name: str, req: UpdateUserGroupRoleReq) -> None:
        """Adds members or changes their roles."""
        self._call(
            Call("update_group_users", "PUT", path("groups", group_name, "users"), nothing, body=req, repeatable=True)
        )

    def remove_user_group_roles(self, group_name: str, req: RemoveUserGroupRoleReq) -> None:
        """Takes members out of a group."""
        self._call(
            Call(
                "remove_group_users",
                "DELETE",
                path("groups", group_name, "users"),
                nothing,
                query=[("users", user) for user in sorted(req.users)],
                repeatable=True,
            )
        )

    def remove_user_group_roles_by_body(self, group_name: str, req: RemoveUserGroupRoleReq) -> None:
        """The same with the names in the body: for very many of them."""
        self._call(
            Call(
                "remove_group_users_by_body",
                "POST",
                path("groups", group_name, "users", "remove"),
                nothing,
                body=req,
                repeatable=True,
            )
        )

    # Attachments

    def get_upload_attachment_resp(self, group_name: str, req: UploadAttachmentReq) -> UploadAttachmentResp:
        """Where to PUT a file of the group; `upload_attachment` does both."""
        return self._call(
            Call(
                "upload_attachment",
                "POST",
                path("groups", group_name, "attachments"),
                message(UploadAttachmentResp),
                body=req,
                repeatable=True,
            )
        )

    def _get_attachment(self, group_name: str, key: str) -> AttachmentMetadata:
        """Size and times of an attachment."""
        return self._call(
            Call(
                "get_attachment",
                "GET",
                path("groups", group_name, "attachments") + key_path(key),
                message(AttachmentMetadata),
                repeatable=True,
            )
        )

    def _delete_attachment(self, group_name: str, key: str) -> None:
        """Deletes an attachment."""
        self._call(
            Call(
                "delete_attachment",
                "DELETE",
                path("groups", group_name, "attachments") + key_path(key),
                nothing,
                repeatable=True,
            )
        )

    def get_attachment_download_resp(self, group_name: str, key: str) -> RemoteResourceDownloadResp:
        """Where to GET an attachment; `download_attachment` does both."""
        return self._call(
            Call(
                "download_attachment",
                "GET",
                path("groups", group_name, "download", "attachments") + key_path(key),
                message(RemoteResourceDownloadResp),
                repeatable=True,
            )
        )

    def query_attachments_by_filter(self, group_name: str, req: AttachmentsQueryReq) -> AttachmentsQueryResp:
        """The attachments of a group."""
        return self._call(
            Call(
                "query_attachments",
                "POST",
                path("groups", group_name, "attachments", "query"),
                message(AttachmentsQueryResp),
                body=req,
                repeatable=True,
            )
        )

    def batch_download_attachments_by_filter(
        self, group_name: str, req: AttachmentsDownloadByFilterReq
    ) -> AttachmentsDownloadListResp:
        """Where to GET each attachment that fits."""
        return self._call(
            Call(
                "download_attachments_by_filter",
                "POST",
                path("groups", group_name, "download", "attachments"),
                message(AttachmentsDownloadListResp),
                body=req,
                repeatable=True,
            )
        )

    def batch_download_attachments_by_list(
        self, group_name: str, req: AttachmentsDownloadByKeysReq
    ) -> AttachmentsDownloadListResp:
        """Where to GET each of these attachments."""
        return self._call(
            Call(
                "download_attachments_by_keys",
                "POST",
                path("groups", group_name, "download", "attachments", "list"),
                message(AttachmentsDownloadListResp),
                body=req,
                repeatable=True,
            )
        )

    def batch_delete_attachments_by_filter(
        self, group_name: str, req: AttachmentsDeleteByFilterReq
    ) -> AttachmentsDeleteByFilterResp:
        """Deletes every attachment that fits."""
        return self._call(
            Call(
                "delete_attachments_by_filter",
                "POST",
                path("groups", group_name, "delete", "attachments"),
                message(AttachmentsDeleteByFilterResp),
                body=req,
                repeatable=True,
            )
        )

    def batch_delete_attachments_by_list(
        self, group_name: str, req: AttachmentsDeleteByKeysReq
    ) -> AttachmentsDeleteByKeysResp:
        """Deletes these attachments."""
        return self._call(
            Call(
                "delete_attachments_by_keys",
                "POST",
                path("groups", group_name, "delete", "attachments", "list"),
                message(AttachmentsDeleteByKeysResp),
                body=req,
                repeatable=True,
            )
        )

    # Tasks

    def _submit_task(self, req: SubmitTaskReq) -> SubmitTaskResp:
        """Adds a task."""
        return self._call(
            Call(
                "submit_task", "POST", path("tasks"), message(SubmitTaskResp), body=req, repeatable=req.uuid is not None
            )
        )

    def _submit_tasks(self, req: TasksSubmitReq) -> TasksSubmitResp:
        """Adds many tasks."""
        return self._call(
            Call(
                "submit_tasks",
                "POST",
                path("tasks", "submit"),
                message(TasksSubmitResp),
                body=req,
                repeatable=all(task.uuid is not None for task in req.tasks),
            )
        )

    def get_task_by_uuid(
        self,
        uuid: UuidLike,
        *,
        detail: bool = False,
        wait: float = 0,
        after: Union[TaskState, TaskExecState, None] = None,
    ) -> TaskQueryResp:
        """A task and what it left. With `wait` (seconds; extension) the answer comes when its state is no
        longer `after` (default: the state at the time of the request), at the latest after that time; `detail`
        adds exec state, worker and what the worker said."""
        return self._call(
            Call(
                "get_task",
                "GET",
                path("tasks", uuid),
                message(TaskQueryResp),
                query=_task_query(detail, wait, after),
                repeatable=True,
                waits=wait,
            )
        )

    def query_tasks_by_filter(self, req: TasksQueryReq) -> TasksQueryResp:
        """The tasks of a group that fit: those that are not over first, then the others, each oldest first."""
        return self._call(
            Call("query_tasks", "POST", path("tasks", "query"), message(TasksQueryResp), body=req, repeatable=True)
        )

    def change_task(self, uuid: UuidLike, req: ChangeTaskReq) -> None:
        """Changes a task that waits."""
        self._call(Call("change_task", "PUT", path("tasks", uuid), nothing, body=req, repeatable=True))

    def update_task_labels(self, uuid: UuidLike, req: UpdateTaskLabelsReq) -> None:
        """Replaces the labels of a task."""
        self._call(Call("update_task_labels", "PUT", path("tasks", uuid, "labels"), nothing, body=req, repeatable=True))

    def cancel_task_by_uuid(self, uuid: UuidLike) -> None:
        """Cancels a task that waits."""
        self._call(Call("cancel_task", "DELETE", path("tasks", uuid), nothing))

    def cancel_tasks_by_filter(self, req: TasksCancelByFilterReq) -> TasksCancelByFilterResp:
        """Cancels the waiting tasks of a group that fit."""
        return self._call(
            Call("cancel_tasks_by_filter", "POST", path("tasks", "cancel"), message(TasksCancelByFilterResp), body=req)
        )

    def cancel_tasks_by_uuids(self, req: TasksCancelByUuidsReq) -> TasksCancelByUuidsResp:
        """Cancels those of these tasks that wait."""
        return self._call(
            Call(
                "cancel_tasks_by_uuids",
                "POST",
                path("tasks", "cancel", "list"),
                message(TasksCancelByUuidsResp),
                body=req,
            )
        )

    # Artifacts

    def get_upload_artifact_resp(self, uuid: UuidLike, req: UploadArtifactReq) -> UploadArtifactResp:
        """Where to PUT an artifact; `upload_artifact` does both."""
        return self._call(
            Call(
                "upload_artifact",
                "POST",
                path("tasks", uuid, "artifacts"),
                message(UploadArtifactResp),
                body=req,
                repeatable=True,
            )
        )

    def get_artifact_download_resp(
        self, uuid: UuidLike, content_type: ArtifactContentType
    ) -> RemoteResourceDownloadResp:
        """Where to GET an artifact; `download_artifact` does both."""
        return self._call(
            Call(
                "download_artifact",
                "GET",
                path("tasks", uuid, "download", "artifacts", _word(content_type)),
                message(RemoteResourceDownloadResp),
                repeatable=True,
            )
        )

    def _delete_artifact(self, uuid: UuidLike, content_type: ArtifactContentType) -> None:
        """Deletes an artifact."""
        self._call(
            Call(
                "delete_artifact",
                "DELETE",
                path("tasks", uuid, "artifacts", _word(content_type)),
                nothing,
                repeatable=True,
            )
        )

    def batch_download_artifacts_by_filter(self, req: ArtifactsDownloadByFilterReq) -> ArtifactsDownloadListResp:
        """Where to GET that artifact of every task that fits."""
        return self._call(
            Call(
                "download_artifacts_by_filter",
                "POST",
                path("tasks", "download", "artifacts"),
                message(ArtifactsDownloadListResp),
                body=req,
                repeatable=True,
            )
        )

    def batch_download_artifacts_by_list(self, req: ArtifactsDownloadByUuidsReq) -> ArtifactsDownloadListResp:
        """Where to GET that artifact of each of these tasks."""
        return self._call(
            Call(
                "download_artifacts_by_uuids",
                "POST",
                path("tasks", "download", "artifacts", "list"),
                message(ArtifactsDownloadListResp),
                body=req,
                repeatable=True,
            )
        )

    def batch_delete_artifacts_by_filter(self, req: ArtifactsDeleteByFilterReq) -> ArtifactsDeleteByFilterResp:
        """Deletes that artifact of every task that fits."""
        return self._call(
            Call(
                "delete_artifacts_by_filter",
                "POST",
                path("tasks", "delete", "artifacts"),
                message(ArtifactsDeleteByFilterResp),
                body=req,
                repeatable=True,
            )
        )

    def batch_delete_artifacts_by_list(self, req: ArtifactsDeleteByUuidsReq) -> ArtifactsDeleteByUuidsResp:
        """Deletes that artifact of each of these tasks."""
        return self._call(
            Call(
                "delete_artifacts_by_uuids",
                "POST",
                path("tasks", "delete", "artifacts", "list"),
                message(ArtifactsDeleteByUuidsResp),
                body=req,
                repeatable=True,
            )
        )

    # Workers

    def get_worker_by_uuid(self, uuid: UuidLike, *, detail: bool = False) -> WorkerQueryResp:
        """A worker and the groups it works for; `detail` (extension) adds what it said about itself."""
        return self._call(
            Call(
                "get_worker",
                "GET",
                path("workers", uuid),
                message(WorkerQueryResp),
                query=[("detail", "true")] if detail else [],
                repeatable=True,
            )
        )

    def query_workers_by_filter(self, req: WorkersQueryReq) -> WorkersQueryResp:
        """The workers of a group that fit."""
        return self._call(
            Call(
                "query_workers", "POST", path("workers", "query"), message(WorkersQueryResp), body=req, repeatable=True
            )
        )

    def cancel_worker_by_uuid(self, uuid: UuidLike, force: bool = False) -> None:
        """Ends a worker, after its task or by `force` at once."""
        self._call(
            Call("shutdown_worker", "DELETE", path("workers", uuid), nothing, query=_force(force), repeatable=True)
        )

    def shutdown_workers_by_filter(self, req: WorkersShutdownByFilterReq) -> WorkersShutdownByFilterResp:
        """Ends the workers of a group that fit."""
        return self._call(
            Call(
                "shutdown_workers_by_filter",
                "POST",
                path("workers", "shutdown"),
                message(WorkersShutdownByFilterResp),
                body=req,
                repeatable=True,
            )
        )

    def shutdown_workers_by_uuids(self, req: WorkersShutdownByUuidsReq) -> WorkersShutdownByUuidsResp:
        """Ends these workers."""
        return self._call(
            Call(
                "shutdown_workers_by_uuids",
                "POST",
                path("workers", "shutdown", "list"),
                message(WorkersShutdownByUuidsResp),
                body=req,
                repeatable=True,
            )
        )

    def replace_worker_tags(self, uuid: UuidLike, req: ReplaceWorkerTagsReq) -> None:
        """Replaces the tags of a worker; counts at once for tasks that wait."""
        self._call(
            Call("replace_worker_tags", "PUT", path("workers", uuid, "tags"), nothing, body=req, repeatable=True)
        )

    def replace_worker_labels(self, uuid: UuidLike, req: ReplaceWorkerLabelsReq) -> None:
        """Replaces the labels of a worker."""
        self._call(
            Call("replace_worker_labels", "PUT", path("workers", uuid, "labels"), nothing, body=req, repeatable=True)
        )

    def update_group_worker_roles(self, uuid: UuidLike, req: UpdateGroupWorkerRoleReq) -> None:
        """Adds groups that a worker works for, or changes its roles."""
        self._call(
            Call("update_worker_groups", "PUT", path("workers", uuid, "groups"), nothing, body=req, repeatable=True)
        )

    def remove_group_worker_roles(self, uuid: UuidLike, req: RemoveGroupWorkerRoleReq) -> None:
        """Takes groups away from a worker."""
        self._call(
            Call(
                "remove_worker_groups",
                "DELETE",
                path("workers", uuid, "groups"),
                nothing,
                query=[("groups", group) for group in sorted(req.groups)],
                repeatable=True,
            )
        )

    def remove_group_worker_roles_by_body(self, uuid: UuidLike, req: RemoveGroupWorkerRoleReq) -> None:
        """The same with the names in the body: for very many of them."""
        self._call(
            Call(
                "remove_worker_groups_by_body",
                "DELETE",
                path("workers", uuid, "groups", "remove"),
                nothing,
                body=req,
                repeatable=True,
            )
        )

    # For those who write a worker of their own; `token` is that of the registration

    def register_worker(self, req: RegisterWorkerReq) -> RegisterWorkerResp:
        """A new worker of the user."""
        return self._call(Call("register_worker", "POST", path("workers"), message(RegisterWorkerResp), body=req))

    def unregister_worker(self, token: str) -> None:
        """The worker leaves; its task, if it has one, goes back."""
        self._call(Call("unregister_worker", "DELETE", path("workers"), nothing, token=token, repeatable=True))

    def worker_heartbeat(self, token: str) -> None:
        """A sign of life."""
        self._call(Call("heartbeat", "POST", path("workers", "heartbeat"), nothing, token=token, repeatable=True))

    def fetch_task(self, token: str, wait: float = 0) -> Optional[WorkerTaskResp]:
        """The next task, if there is one within `wait` seconds (extension)."""
        return self._call(
            Call(
                "fetch_task",
                "GET",
                path("workers", "tasks"),
                optional_message(WorkerTaskResp),
                token=token,
                query=_wait(wait),
                repeatable=True,
                waits=wait,
            )
        )

    def report_task(self, token: str, task_id: int, op: Any) -> ReportTaskResp:
        """What became of a task: `"Finish"`, `"Cancel"`, `{"Upload": …}`, `{"Commit": …}`, `{"Submit": …}`,
        `{"Complete": …}`."""
        return self._call(
            Call(
                "report_task",
                "POST",
                path("workers", "tasks"),
                message(ReportTaskResp),
                token=token,
                raw_body={"id": task_id, "op": encode(op)},
            )
        )

    def report_tasks(self, reports: Sequence[tuple[str, int, Any]]) -> list[dict[str, Any]]:
        """What became of several tasks, of several workers, in one request (extension). Each report is the worker's token, the number of
        the task and what `report_task` takes, but for Upload and Submit; each is answered by itself, in the same order: `{"status": …, "body": …}`."""
        answer = self._call(
            Call(
                "report_tasks",
                "POST",
                path("workers", "tasks", "report", "list"),
                document,
                raw_body={"reports": [{"token": token, "report": {"id": task_id, "op": encode(op)}} for token, task_id, op in reports]},
            )
        )
        return list(answer["answers"])

    def report_task_state(self, token: str, uuid: UuidLike, state: TaskExecState) -> None:
        """What the worker does with the task just now (extension)."""
        self._call(
            Call(
                "report_state",
                "POST",
                path("workers", "tasks", uuid, "state"),
                nothing,
                token=token,
                raw_body={"state": encode(state)},
                repeatable=True,
            )
        )

    def worker_get_task(self, token: str, uuid: UuidLike) -> TaskQueryResp:
        """A task, as a worker may see it."""
        return self._call(
            Call(
                "worker_get_task",
                "GET",
                path("workers", "tasks", uuid),
                message(TaskQueryResp),
                token=token,
                repeatable=True,
            )
        )

    def worker_get_artifact_download_resp(
        self, token: str, uuid: UuidLike, content_type: ArtifactContentType
    ) -> RemoteResourceDownloadResp:
        """Where a worker GETs an artifact that its task needs."""
        return self._call(
            Call(
                "worker_download_artifact",
                "GET",
                path("workers", "tasks", uuid, "artifacts", _word(content_type)),
                message(RemoteResourceDownloadResp),
                token=token,
                repeatable=True,
            )
        )

    def worker_get_attachment_download_resp(self, token: str, uuid: UuidLike, key: str) -> RemoteResourceDownloadResp:
        """Where a worker GETs an attachment that its task needs."""
        return self._call(
            Call(
                "worker_download_attachment",
                "GET",
                path("workers", "tasks", uuid, "attachments") + key_path(key),
                message(RemoteResourceDownloadResp),
                token=token,
                repeatable=True,
            )
        )


def _word(kind: Union[ArtifactContentType, str]) -> str:
    return ArtifactContentType(kind).value


def _force(force: bool) -> list[tuple[str, str]]:
    return [("op", "force")] if force else []


def _wait(seconds: float) -> list[tuple[str, str]]:
    return [("wait", f"{round(seconds * 1000)}ms")] if seconds > 0 else []


def _task_query(detail: bool, wait: float, after: Union[TaskState, TaskExecState, None]) -> list[tuple[str, str]]:
    query = _wait(wait)
    if after is not None:
        query.append(("after", after.value))
    if detail:
        query.append(("detail", "true"))
    return query
