"""States, roles and kinds. Each is a `str`, so it compares with and prints as the word on the wire."""

from __future__ import annotations

import enum
from typing import Optional


class _Word(str, enum.Enum):
    """An enum whose values are read in any letter case."""

    @classmethod
    def _missing_(cls, value: object) -> Optional[_Word]:
        text = str(value).lower()
        for member in cls:
            if member.value.lower() == text:
                return member
        return None


class TaskState(_Word):
    """Where a task stands. FINISHED and CANCELLED are final once there is a result."""

    PENDING = "Pending"
    READY = "Ready"
    RUNNING = "Running"
    FINISHED = "Finished"
    CANCELLED = "Cancelled"
    UNKNOWN = "Unknown"


class TaskExecState(_Word):
    """What the worker does with a task."""

    WORKER_EXITED = "WorkerExited"
    FETCH_RESOURCE = "FetchResource"
    FETCH_RESOURCE_FINISHED = "FetchResourceFinished"
    FETCH_RESOURCE_ERROR = "FetchResourceError"
    FETCH_RESOURCE_TIMEOUT = "FetchResourceTimeout"
    FETCH_RESOURCE_NOT_FOUND = "FetchResourceNotFound"
    FETCH_RESOURCE_FORBIDDEN = "FetchResourceForbidden"
    WATCH = "Watch"
    WATCH_FINISHED = "WatchFinished"
    WATCH_TIMEOUT = "WatchTimeout"
    EXEC_PENDING = "ExecPending"
    EXEC_SPAWNED = "ExecSpawned"
    EXEC_FINISHED = "ExecFinished"
    EXEC_TIMEOUT = "ExecTimeout"
    UPLOAD_RESULT = "UploadResult"
    UPLOAD_FINISHED_RESULT = "UploadFinishedResult"
    UPLOAD_CANCELLED_RESULT = "UploadCancelledResult"
    UPLOAD_RESULT_FINISHED = "UploadResultFinished"
    UPLOAD_RESULT_TIMEOUT = "UploadResultTimeout"
    TASK_COMMITTED = "TaskCommitted"
    UNKNOWN = "Unknown"


class TaskResultMessage(_Word):
    """Why a task was cancelled."""

    FETCH_RESOURCE_TIMEOUT = "FetchResourceTimeout"
    EXEC_TIMEOUT = "ExecTimeout"
    UPLOAD_RESULT_TIMEOUT = "UploadResultTimeout"
    RESOURCE_NOT_FOUND = "ResourceNotFound"
    RESOURCE_FORBIDDEN = "ResourceForbidden"
    WATCH_TIMEOUT = "WatchTimeout"
    USER_CANCELLATION = "UserCancellation"
    SUBMIT_NEW_TASK_FAILED = "SubmitNewTaskFailed"


class ArtifactContentType(_Word):
    """The three archives a task may leave: its result directory, the record of its execution, its output."""

    RESULT = "result"
    EXEC_LOG = "exec-log"
    STD_LOG = "std-log"


class AttachmentContentType(_Word):
    """Attachments carry no type. Coordinators write `NoSet`; pynetmito's word is `NotSet`: both are read."""

    NOT_SET = "NoSet"

    @classmethod
    def _missing_(cls, value: object) -> Optional[AttachmentContentType]:
        return cls.NOT_SET if str(value).lower() == "notset" else None


class UserState(_Word):
    ACTIVE = "Active"
    LOCKED = "Locked"
    DELETED = "Deleted"


class GroupState(_Word):
    ACTIVE = "Active"
    LOCKED = "Locked"
    DELETED = "Deleted"


class WorkerState(_Word):
    NORMAL = "Normal"
    GRACEFUL_SHUTDOWN = "GracefulShutdown"


class WorkerShutdownOp(_Word):
    """GRACEFUL: after its running task. FORCE: at once; the task runs again elsewhere."""

    GRACEFUL = "Graceful"
    FORCE = "Force"


class UserGroupRole(_Word):
    READ = "Read"
    WRITE = "Write"
    ADMIN = "Admin"


class GroupWorkerRole(_Word):
    READ = "Read"
    WRITE = "Write"
    ADMIN = "Admin"
