"""Every message of the API. Names and fields are those of the wire and of pynetmito; what only Mitosis in C++ knows is
marked "extension" and simply stays None with the original's coordinator."""

from __future__ import annotations

import datetime
import hashlib
import pathlib
import uuid as uuid_module
from dataclasses import dataclass, field
from typing import Any, Optional, Union

from .errors import InvalidValue
from .model import BaseAPIModel
from .states import (
    ArtifactContentType,
    AttachmentContentType,
    GroupState,
    GroupWorkerRole,
    TaskExecState,
    TaskResultMessage,
    TaskState,
    UserGroupRole,
    UserState,
    WorkerShutdownOp,
    WorkerState,
)

UUID = uuid_module.UUID


def password_digest(password: str) -> list[int]:
    """What the wire carries in place of a password: its MD5 as 16 numbers."""
    return list(hashlib.md5(password.encode()).digest())


# Logging in, users


@dataclass
class UserLoginReq(BaseAPIModel):
    username: str
    md5_password: list[int]
    retain: bool = False


@dataclass
class UserLoginArgs(BaseAPIModel):
    """`retain` keeps the user's other sessions; without it they end."""

    username: str
    password: str
    retain: bool = False

    def to_req(self) -> UserLoginReq:
        return UserLoginReq(username=self.username, md5_password=password_digest(self.password), retain=self.retain)


@dataclass
class UserLoginResp(BaseAPIModel):
    token: str


@dataclass
class CreateUserReq(BaseAPIModel):
    username: str
    md5_password: list[int]
    admin: bool = False


@dataclass
class UserChangePasswordReq(BaseAPIModel):
    old_md5_password: list[int]
    new_md5_password: list[int]


@dataclass
class UserChangePasswordResp(BaseAPIModel):
    token: str


@dataclass
class AdminChangePasswordReq(BaseAPIModel):
    new_md5_password: list[int]


@dataclass
class ChangeUserStateReq(BaseAPIModel):
    state: UserState


@dataclass
class UserStateResp(BaseAPIModel):
    state: UserState


@dataclass
class ChangeUserGroupQuota(BaseAPIModel):
    """How many groups the user may create: `=3`, `+5`, `-1`."""

    group_quota: str


@dataclass
class UserGroupQuotaResp(BaseAPIModel):
    group_quota: int


@dataclass
class RedisConnectionInfo(BaseAPIModel):
    url: Optional[str] = None


@dataclass
class ShutdownReq(BaseAPIModel):
    secret: str


@dataclass
class HealthResp(BaseAPIModel):
    status: str


# Tasks


@dataclass
class RemoteResourceArtifact(BaseAPIModel):
    uuid: UUID
    content_type: ArtifactContentType


@dataclass
class RemoteResourceAttachment(BaseAPIModel):
    key: str


@dataclass
class RemoteResource(BaseAPIModel):
    """A file a task needs: `RemoteResource.artifact(...)` or `RemoteResource.attachment(...)`."""

    root: Union[RemoteResourceArtifact, RemoteResourceAttachment]

    @classmethod
    def artifact(cls, uuid: UUID, content_type: ArtifactContentType) -> RemoteResource:
        """An archive that another task left."""
        return cls(root=RemoteResourceArtifact(uuid=uuid, content_type=content_type))

    @classmethod
    def attachment(cls, key: str) -> RemoteResource:
        """A file of the task's group."""
        return cls(root=RemoteResourceAttachment(key=key))

    def to_dict(self) -> dict[str, Any]:
        kind = "Artifact" if isinstance(self.root, RemoteResourceArtifact) else "Attachment"
        return {kind: self.root.to_dict()}

    @classmethod
    def from_dict(cls, data: Any) -> RemoteResource:
        if isinstance(data, RemoteResource):
            return data
        if isinstance(data, dict) and "Artifact" in data:
            return cls(root=RemoteResourceArtifact.from_dict(data["Artifact"]))
        if isinstance(data, dict) and "Attachment" in data:
            return cls(root=RemoteResourceAttachment.from_dict(data["Attachment"]))
        raise InvalidValue(f"{data!r:.80} is neither an artifact nor an attachment")


@dataclass
class RemoteResourceDownload(BaseAPIModel):
    """A resource and where the task finds it, below `$MITO_RESOURCE_DIR`."""

    remote_file: RemoteResource
    local_path: pathlib.Path


@dataclass
class RemoteResourceDownloadResp(BaseAPIModel):
    """Where to GET a file, and its size in bytes."""

    url: str
    size: int


@dataclass
class TaskSpec(BaseAPIModel):
    """What to run: a program and its arguments (no shell), its environment, the files it needs; `terminal_output`
    keeps stdout and stderr; `watch` starts it only when another task has come to a state."""

    args: list[str]
    envs: dict[str, str] = field(default_factory=dict)
    resources: list[RemoteResourceDownload] = field(default_factory=list)
    terminal_output: bool = False
    watch: Optional[tuple[UUID, TaskExecState]] = None


@dataclass
class TaskResultSpec(BaseAPIModel):
    """`exit_status` is the raw wait status; `exit_code` and `signal` read it."""

    exit_status: int
    msg: Optional[TaskResultMessage] = None

    @property
    def exit_code(self) -> Optional[int]:
        """0 to 255, or None when a signal ended the command."""
        return self.exit_status >> 8 & 0xFF if self.exit_status & 0x7F == 0 else None

    @property
    def signal(self) -> Optional[int]:
        return self.exit_status & 0x7F or None


@dataclass
class SubmitTaskReq(BaseAPIModel):
    """`uuid` (extension) names the task, so that the same request sent twice adds one task."""

    group_name: str
    task_spec: TaskSpec
    tags: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    timeout: datetime.timedelta = datetime.timedelta(minutes=10)
    priority: int = 0
    uuid: Optional[UUID] = None


@dataclass
class SubmitTaskResp(BaseAPIModel):
    """`task_id` counts within the group."""

    task_id: int
    uuid: UUID


@dataclass
class ErrorMsg(BaseAPIModel):
    msg: str


@dataclass
class TasksSubmitReq(BaseAPIModel):
    tasks: list[SubmitTaskReq]


@dataclass
class TasksSubmitResp(BaseAPIModel):
    """One element for each task of the request, in its order."""

    results: list[Union[SubmitTaskResp, ErrorMsg]]

    @classmethod
    def from_dict(cls, data: Any) -> TasksSubmitResp:
        if not isinstance(data, dict) or not isinstance(data.get("results"), list):
            raise InvalidValue(f"TasksSubmitResp: results missing in {data!r:.200}")
        results: list[Union[SubmitTaskResp, ErrorMsg]] = []
        for item in data["results"]:
            results.append(SubmitTaskResp.from_dict(item["Ok"]) if "Ok" in item else ErrorMsg.from_dict(item["Err"]))
        return cls(results=results)


@dataclass
class ChangeTaskReq(BaseAPIModel):
    """What is None stays as it is."""

    tags: Optional[set[str]] = None
    timeout: Optional[datetime.timedelta] = None
    priority: Optional[int] = None
    task_spec: Optional[TaskSpec] = None

    def to_dict(self) -> dict[str, Any]:
        return {"timeout": None, **super().to_dict()}


@dataclass
class UpdateTaskLabelsReq(BaseAPIModel):
    labels: set[str]


@dataclass
class TaskWorker(BaseAPIModel):
    """Which worker ran the task (extension)."""

    worker_id: UUID
    host: Optional[str] = None
    name: Optional[str] = None


@dataclass
class TaskUsage(BaseAPIModel):
    """What the command and its descendants used (extension)."""

    cpu_seconds: Optional[float] = None
    peak_memory_bytes: Optional[int] = None
    wall_seconds: Optional[float] = None


@dataclass
class TaskDetail(BaseAPIModel):
    """What the worker says beside the result (extension)."""

    reason: Optional[str] = None
    notes: list[str] = field(default_factory=list)
    usage: Optional[TaskUsage] = None
    started_at: Optional[datetime.datetime] = None
    finished_at: Optional[datetime.datetime] = None


@dataclass
class _TaskInfo(BaseAPIModel):
    uuid: UUID
    creator_username: str
    group_name: str
    task_id: int
    tags: list[str]
    labels: list[str]
    created_at: datetime.datetime
    updated_at: datetime.datetime
    state: TaskState
    timeout: int
    priority: int


@dataclass
class ParsedTaskQueryInfo(_TaskInfo):
    """A task. `timeout` in seconds; `result` is there once the task is over and everything it left is stored."""

    spec: TaskSpec
    result: Optional[TaskResultSpec] = None
    upstream_task_uuid: Optional[UUID] = None
    downstream_task_uuid: Optional[UUID] = None
    reporter_uuid: Optional[UUID] = None


@dataclass
class TaskQueryInfo(_TaskInfo):
    """A task in a list: spec and result as plain dictionaries."""

    spec: dict[str, Any]
    result: Optional[dict[str, Any]] = None
    upstream_task_uuid: Optional[UUID] = None
    downstream_task_uuid: Optional[UUID] = None
    reporter_uuid: Optional[UUID] = None
    exec_state: Optional[TaskExecState] = None
    worker: Optional[TaskWorker] = None
    detail: Optional[TaskDetail] = None


@dataclass
class ArtifactQueryResp(BaseAPIModel):
    content_type: ArtifactContentType
    size: int
    created_at: datetime.datetime
    updated_at: datetime.datetime


@dataclass
class TaskQueryResp(BaseAPIModel):
    """A task with what it left. The last three fields are extensions, there when `detail` was asked for."""

    info: ParsedTaskQueryInfo
    artifacts: list[ArtifactQueryResp]
    exec_state: Optional[TaskExecState] = None
    worker: Optional[TaskWorker] = None
    detail: Optional[TaskDetail] = None

    @property
    def ended(self) -> bool:
        """The result is recorded and the artifacts can be downloaded."""
        return self.info.result is not None

    @property
    def succeeded(self) -> bool:
        """It ended by itself with exit code 0."""
        return (
            self.info.state is TaskState.FINISHED and self.info.result is not None and self.info.result.exit_status == 0
        )


@dataclass
class _TaskFilter(BaseAPIModel):
    creator_usernames: Optional[set[str]] = None
    group_name: Optional[str] = None
    tags: Optional[set[str]] = None
    labels: Optional[set[str]] = None
    states: Optional[set[TaskState]] = None
    exit_status: Optional[str] = None
    priority: Optional[str] = None


@dataclass
class TasksQueryReq(_TaskFilter):
    """Everything given must hold; None as group means the user's own. `exit_status` and `priority` are a number or
    `<3`, `>=1`, `!=0`. `count` asks for the number alone; `detail` (extension) for exec state, worker and detail."""

    reporter_uuid: Optional[UUID] = None
    limit: Optional[int] = None
    offset: Optional[int] = None
    count: bool = False
    detail: Optional[bool] = None


@dataclass
class TasksQueryResp(BaseAPIModel):
    count: int
    tasks: list[TaskQueryInfo]
    group_name: str


@dataclass
class TasksCancelByFilterReq(_TaskFilter):
    """Tasks that wait. Nothing else is touched, whatever `states` says."""


@dataclass
class TasksCancelByFilterResp(BaseAPIModel):
    cancelled_count: int
    group_name: str


@dataclass
class TasksCancelByUuidsReq(BaseAPIModel):
    uuids: list[UUID]


@dataclass
class TasksCancelByUuidsResp(BaseAPIModel):
    cancelled_count: int
    failed_uuids: list[UUID]


@dataclass
class TaskEvent(BaseAPIModel):
    """A task has come to a state (extension)."""

    uuid: UUID
    group_name: str
    task_id: int
    state: TaskState
    at: datetime.datetime
    exec_state: Optional[TaskExecState] = None
    result: Optional[TaskResultSpec] = None


# Artifacts


@dataclass
class UploadArtifactReq(BaseAPIModel):
    content_type: ArtifactContentType
    content_length: int


@dataclass
class UploadArtifactResp(BaseAPIModel):
    """Where to PUT the file; `exist`: there was one already."""

    url: str
    exist: bool = False


@dataclass
class ArtifactsDownloadByFilterReq(_TaskFilter):
    reporter_uuid: Optional[UUID] = None
    content_type: ArtifactContentType = ArtifactContentType.RESULT


@dataclass
class ArtifactsDownloadByUuidsReq(BaseAPIModel):
    uuids: list[UUID]
    content_type: ArtifactContentType


@dataclass
class ArtifactDownloadItem(BaseAPIModel):
    uuid: UUID
    url: str
    size: int


@dataclass
class ArtifactsDownloadListResp(BaseAPIModel):
    downloads: list[ArtifactDownloadItem]


@dataclass
class ArtifactsDeleteByFilterReq(_TaskFilter):
    reporter_uuid: Optional[UUID] = None
    content_type: ArtifactContentType = ArtifactContentType.RESULT


@dataclass
class ArtifactsDeleteByFilterResp(BaseAPIModel):
    deleted_count: int


@dataclass
class ArtifactsDeleteByUuidsReq(BaseAPIModel):
    uuids: list[UUID]
    content_type: ArtifactContentType


@dataclass
class ArtifactsDeleteByUuidsResp(BaseAPIModel):
    deleted_count: int
    failed_uuids: list[UUID]


# Groups and attachments


@dataclass
class CreateGroupReq(BaseAPIModel):
    group_name: str


@dataclass
class GroupQueryInfo(BaseAPIModel):
    """Sizes in bytes. `users_in_group` is shown to admins of the group only."""

    group_name: str
    creator_username: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    state: GroupState
    task_count: int
    storage_quota: int
    storage_used: int
    worker_count: int
    users_in_group: Optional[dict[str, UserGroupRole]] = None


@dataclass
class GroupsQueryResp(BaseAPIModel):
    groups: dict[str, UserGroupRole]


@dataclass
class UpdateUserGroupRoleReq(BaseAPIModel):
    relations: dict[str, UserGroupRole]


@dataclass
class RemoveUserGroupRoleReq(BaseAPIModel):
    users: set[str]


@dataclass
class ChangeGroupStorageQuotaReq(BaseAPIModel):
    """`5GiB`, `+1GB`, `-500MB`, `=20GB`."""

    storage_quota: str


@dataclass
class GroupStorageQuotaResp(BaseAPIModel):
    storage_quota: int


@dataclass
class ChangeGroupStateReq(BaseAPIModel):
    state: GroupState


@dataclass
class GroupStateResp(BaseAPIModel):
    state: GroupState


@dataclass
class UploadAttachmentReq(BaseAPIModel):
    key: str
    content_length: int


@dataclass
class UploadAttachmentResp(BaseAPIModel):
    """Where to PUT the file; `exist`: there was one already."""

    url: str
    exist: bool = False


@dataclass
class AttachmentMetadata(BaseAPIModel):
    content_type: AttachmentContentType
    size: int
    created_at: datetime.datetime
    updated_at: datetime.datetime


@dataclass
class AttachmentQueryInfo(BaseAPIModel):
    key: str
    content_type: AttachmentContentType
    size: int
    created_at: datetime.datetime
    updated_at: datetime.datetime


@dataclass
class AttachmentsQueryReq(BaseAPIModel):
    """`key`: a part of the keys that are meant; `%` stands for anything, `_` for one character."""

    key: Optional[str] = None
    limit: Optional[int] = None
    offset: Optional[int] = None
    count: bool = False


@dataclass
class AttachmentsQueryResp(BaseAPIModel):
    count: int
    attachments: list[AttachmentQueryInfo]
    group_name: str


@dataclass
class AttachmentsDownloadByFilterReq(BaseAPIModel):
    key: Optional[str] = None
    limit: Optional[int] = None
    offset: Optional[int] = None


@dataclass
class AttachmentsDownloadByKeysReq(BaseAPIModel):
    keys: list[str]


@dataclass
class AttachmentDownloadItem(BaseAPIModel):
    key: str
    url: str
    size: int


@dataclass
class AttachmentsDownloadListResp(BaseAPIModel):
    downloads: list[AttachmentDownloadItem]
    group_name: str


@dataclass
class AttachmentsDeleteByFilterReq(BaseAPIModel):
    key: Optional[str] = None
    limit: Optional[int] = None
    offset: Optional[int] = None


@dataclass
class AttachmentsDeleteByFilterResp(BaseAPIModel):
    deleted_count: int
    group_name: str


@dataclass
class AttachmentsDeleteByKeysReq(BaseAPIModel):
    keys: list[str]


@dataclass
class AttachmentsDeleteByKeysResp(BaseAPIModel):
    deleted_count: int
    failed_keys: list[str]
    group_name: str


# Workers


@dataclass
class WorkerHostInfo(BaseAPIModel):
    """What a worker says about itself (extension)."""

    host: Optional[str] = None
    name: Optional[str] = None
    kernel: Optional[str] = None
    cores: Optional[int] = None
    memory_bytes: Optional[int] = None
    version: Optional[str] = None


@dataclass
class WorkerQueryInfo(BaseAPIModel):
    worker_id: UUID
    creator_username: str
    tags: list[str]
    labels: list[str]
    created_at: datetime.datetime
    updated_at: datetime.datetime
    state: WorkerState
    last_heartbeat: datetime.datetime
    assigned_task_id: Optional[UUID] = None
    features: Optional[list[str]] = None
    lease: Optional[datetime.timedelta] = None
    info: Optional[WorkerHostInfo] = None


@dataclass
class WorkerQueryResp(BaseAPIModel):
    info: WorkerQueryInfo
    groups: dict[str, GroupWorkerRole]


@dataclass
class _WorkerFilter(BaseAPIModel):
    group_name: Optional[str] = None
    role: Optional[set[GroupWorkerRole]] = None
    tags: Optional[set[str]] = None
    labels: Optional[set[str]] = None
    creator_username: Optional[str] = None


@dataclass
class WorkersQueryReq(_WorkerFilter):
    count: bool = False
    detail: Optional[bool] = None


@dataclass
class WorkersQueryResp(BaseAPIModel):
    count: int
    workers: list[WorkerQueryInfo]
    group_name: str


@dataclass
class WorkersShutdownByFilterReq(_WorkerFilter):
    op: WorkerShutdownOp = WorkerShutdownOp.GRACEFUL


@dataclass
class WorkersShutdownByFilterResp(BaseAPIModel):
    shutdown_count: int
    group_name: str


@dataclass
class WorkersShutdownByUuidsReq(BaseAPIModel):
    uuids: list[UUID]
    op: WorkerShutdownOp = WorkerShutdownOp.GRACEFUL


@dataclass
class WorkersShutdownByUuidsResp(BaseAPIModel):
    shutdown_count: int
    failed_uuids: list[UUID]


@dataclass
class ReplaceWorkerTagsReq(BaseAPIModel):
    tags: set[str]


@dataclass
class ReplaceWorkerLabelsReq(BaseAPIModel):
    labels: set[str]


@dataclass
class UpdateGroupWorkerRoleReq(BaseAPIModel):
    relations: dict[str, GroupWorkerRole]


@dataclass
class RemoveGroupWorkerRoleReq(BaseAPIModel):
    groups: set[str]


# What workers themselves say; for those who write a worker of their own


@dataclass
class RegisterWorkerReq(BaseAPIModel):
    """`groups` are names, each with `:read`, `:write` or `:admin` if not Write."""

    tags: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    lifetime: Optional[datetime.timedelta] = None
    features: Optional[list[str]] = None
    lease: Optional[datetime.timedelta] = None
    info: Optional[WorkerHostInfo] = None


@dataclass
class RegisterWorkerResp(BaseAPIModel):
    """`token` is the worker's own, for the calls of workers."""

    worker_id: UUID
    token: str
    redis_url: Optional[str] = None
    features: Optional[list[str]] = None


@dataclass
class WorkerTaskResp(BaseAPIModel):
    """A task to run. `id` names it in reports."""

    id: int
    uuid: UUID
    timeout: datetime.timedelta
    spec: TaskSpec
    upstream_task_uuid: Optional[UUID] = None


@dataclass
class ReportTaskResp(BaseAPIModel):
    url: Optional[str] = None
    next: Optional[WorkerTaskResp] = None


# Administration (extensions)


@dataclass
class AdminUsersQueryReq(BaseAPIModel):
    """`username`: a part of the names that are meant."""

    username: Optional[str] = None
    states: Optional[set[UserState]] = None
    admin: Optional[bool] = None
    limit: Optional[int] = None
    offset: Optional[int] = None
    count: bool = False


@dataclass
class UserQueryInfo(BaseAPIModel):
    username: str
    admin: bool
    state: UserState
    group_quota: int
    group_count: int
    created_at: datetime.datetime
    updated_at: datetime.datetime
    current_sign_in_at: Optional[datetime.datetime] = None
    current_sign_in_ip: Optional[str] = None
    last_sign_in_at: Optional[datetime.datetime] = None
    last_sign_in_ip: Optional[str] = None


@dataclass
class AdminUsersQueryResp(BaseAPIModel):
    count: int
    users: list[UserQueryInfo]


@dataclass
class AdminGroupsQueryReq(BaseAPIModel):
    group_name: Optional[str] = None
    creator_username: Optional[str] = None
    states: Optional[set[GroupState]] = None
    limit: Optional[int] = None
    offset: Optional[int] = None
    count: bool = False


@dataclass
class AdminGroupsQueryResp(BaseAPIModel):
    count: int
    groups: list[GroupQueryInfo]


@dataclass
class AdminWorkersQueryReq(BaseAPIModel):
    group_name: Optional[str] = None
    tags: Optional[set[str]] = None
    labels: Optional[set[str]] = None
    creator_username: Optional[str] = None
    limit: Optional[int] = None
    offset: Optional[int] = None
    count: bool = False


@dataclass
class AdminWorkersQueryResp(BaseAPIModel):
    count: int
    workers: list[WorkerQueryInfo]
