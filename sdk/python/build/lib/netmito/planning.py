"""What the clients for threads and for asyncio share: making requests, pacing repetitions, keeping a study together.
No I/O."""

from __future__ import annotations

import datetime
import os
import secrets
import threading
import time
import uuid as uuid_module
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Callable, Generic, Optional, TypeVar, Union

from .errors import InvalidValue
from .schemas import (
    ErrorMsg,
    RemoteResource,
    RemoteResourceDownload,
    SubmitTaskReq,
    SubmitTaskResp,
    TaskQueryResp,
    TaskSpec,
)
from .states import TaskExecState, TaskState
from .texts import DurationLike, parse_duration

Item = TypeVar("Item")
T = TypeVar("T")
Send = Callable[[], T]
Command = Union[Sequence[str], TaskSpec]
CommandOf = Callable[[Item], Union[Sequence[str], TaskSpec, SubmitTaskReq]]
ResourceLike = Union[str, RemoteResource]

ATTEMPTS = 6
LONGEST_WAIT = 25.0
_PART_TASKS = 500
_PART_BYTES = 1 << 20


@dataclass
class TaskSettings:
    """How tasks run.

    `group`: default the user's own. `timeout`: of the command. `envs`: environment variables. `resources`: local path
    below `$MITO_RESOURCE_DIR` -> key of an attachment, or a `RemoteResource`. `terminal_output`: keep stdout and stderr
    (see `task_output`). `watch`: start only when another task has come to a state."""

    group: Optional[str] = None
    tags: Iterable[str] = ()
    labels: Iterable[str] = ()
    timeout: DurationLike = "10m"
    priority: int = 0
    envs: dict[str, str] = field(default_factory=dict)
    resources: dict[str, ResourceLike] = field(default_factory=dict)
    terminal_output: bool = True
    watch: Optional[tuple[uuid_module.UUID, TaskExecState]] = None


def request(
    command: Union[Command, SubmitTaskReq], settings: TaskSettings, group_of: Callable[[Optional[str]], str]
) -> SubmitTaskReq:
    """The submission of one task."""
    if isinstance(command, SubmitTaskReq):
        return command
    if isinstance(command, str):
        raise InvalidValue(
            f"{command!r} is one text: give program and arguments as a list, or ['sh', '-c', {command!r}] for a shell"
        )
    return SubmitTaskReq(
        group_name=group_of(settings.group),
        tags=_texts(settings.tags, "tags"),
        labels=_texts(settings.labels, "labels"),
        timeout=parse_duration(settings.timeout),
        priority=settings.priority,
        task_spec=command if isinstance(command, TaskSpec) else _spec(command, settings),
    )


def _texts(values: Iterable[str], what: str) -> set[str]:
    if isinstance(values, str):
        raise InvalidValue(f"{what}={values!r} is one text: give a list such as [{values!r}]")
    return set(values)


def _spec(args: Sequence[str], settings: TaskSettings) -> TaskSpec:
    resources = []
    for place, source in settings.resources.items():
        remote = RemoteResource.attachment(source) if isinstance(source, str) else source
        resources.append(RemoteResourceDownload.from_dict({"remote_file": remote, "local_path": place}))
    return TaskSpec(
        args=[os.fspath(arg) if isinstance(arg, os.PathLike) else str(arg) for arg in args],
        envs={name: str(value) for name, value in settings.envs.items()},
        resources=resources,
        terminal_output=settings.terminal_output,
        watch=settings.watch,
    )


_uuid_lock = threading.Lock()
_last_uuid_time = 0


def new_uuid() -> uuid_module.UUID:
    """A name for a task: ordered by time, as the coordinator's own."""
    global _last_uuid_time
    with _uuid_lock:
        _last_uuid_time = max(time.time_ns() // 244, _last_uuid_time + 1)
        moment = _last_uuid_time
    milliseconds, fraction = divmod(moment * 244, 1_000_000)
    number = (milliseconds & ((1 << 48) - 1)) << 80 | 4 << 76 | (fraction * 4096 // 1_000_000) << 64 | 2 << 62
    return uuid_module.UUID(int=number | secrets.randbits(62))


def named(task: SubmitTaskReq) -> SubmitTaskReq:
    """The same submission with a name, so that it can be repeated."""
    return task if task.uuid is not None else task.model_copy(update={"uuid": new_uuid()})


def parts(tasks: Sequence[SubmitTaskReq]) -> Iterator[list[SubmitTaskReq]]:
    """Pieces of a batch that fit into a request."""
    part: list[SubmitTaskReq] = []
    size = 0
    for task in tasks:
        length = len(str(task.to_dict()))
        if part and (len(part) == _PART_TASKS or size + length > _PART_BYTES):
            yield part
            part, size = [], 0
        part.append(task)
        size += length
    if part:
        yield part


def state_of(task: Optional[TaskQueryResp]) -> Union[TaskState, TaskExecState, None]:
    """The state to wait beyond."""
    if task is None:
        return None
    return task.exec_state or task.info.state


class Deadline:
    """`timeout` from now; None never passes."""

    def __init__(self, timeout: Optional[DurationLike]):
        self.span: Optional[datetime.timedelta] = None if timeout is None else parse_duration(timeout)
        self._end = None if self.span is None else time.monotonic() + self.span.total_seconds()

    def at_most(self, seconds: float) -> float:
        return seconds if self._end is None else max(0.0, min(seconds, self._end - time.monotonic()))

    def passed(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end


class Pace:
    """How long to pause before the next request."""

    def __init__(self) -> None:
        self.pause = 0.0

    def answered(self, took: float, held: float) -> None:
        """No pause after an answer that was held back; a growing one for a coordinator that does not hold answers."""
        self.pause = 0.0 if took > held / 4 and held > 0 else min(max(self.pause * 1.5, 0.05), 2.0)

    def failed(self) -> float:
        self.pause = min(max(self.pause * 2, 0.2), 5.0)
        return self.pause


@dataclass
class MappedTask(Generic[Item]):
    """An item and what became of its task. `task` is None when the coordinator refused it: `error` says why."""

    item: Item
    index: int
    uuid: uuid_module.UUID
    task: Optional[TaskQueryResp] = None
    error: Optional[str] = None

    @property
    def succeeded(self) -> bool:
        return self.task is not None and self.task.succeeded


class Study(Generic[Item]):
    """The tasks of one `map`: which are to be submitted, which run, which can be yielded. Not thread-safe."""

    def __init__(
        self,
        command: CommandOf[Item],
        items: Iterable[Item],
        settings: TaskSettings,
        group_of: Callable[[Optional[str]], str],
        window: int,
        ordered: bool,
    ):
        if window < 1:
            raise InvalidValue("window must be 1 or more")
        self.group = group_of(settings.group)
        self.label = f"map-{secrets.token_hex(6)}"
        self._command, self._items, self._settings, self._group_of = command, enumerate(items), settings, group_of
        self._window, self._ordered, self._exhausted = window, ordered, False
        self._by_uuid: dict[str, MappedTask[Item]] = {}
        self._asked: dict[str, MappedTask[Item]] = {}
        self._ready: dict[int, MappedTask[Item]] = {}
        self._next_index = 0
        self._idle = 0

    def next_parts(self) -> Iterator[list[SubmitTaskReq]]:
        """Submissions for which there is room."""
        fresh: deque[SubmitTaskReq] = deque()
        while not self._exhausted and len(self._by_uuid) + len(self._asked) < self._window:
            try:
                index, item = next(self._items)
            except StopIteration:
                self._exhausted = True
                break
            task = named(request(self._command(item), self._settings, self._group_of))
            if task.group_name != self.group:
                raise InvalidValue(
                    f"item {index} names group {task.group_name!r}; one map works in one group, {self.group!r}"
                )
            task = task.model_copy(update={"labels": {*task.labels, self.label}})
            assert task.uuid is not None
            self._asked[str(task.uuid)] = MappedTask(item, index, task.uuid)
            fresh.append(task)
        return parts(list(fresh))

    def submitted(self, part: list[SubmitTaskReq], results: Sequence[Union[SubmitTaskResp, ErrorMsg]]) -> None:
        """Takes in the answers to a part."""
        for asked, result in zip(part, results):
            entry = self._asked.pop(str(asked.uuid))
            if isinstance(result, ErrorMsg):
                entry.error = result.msg
                self._ready[entry.index] = entry
            else:
                entry.uuid = result.uuid
                self._by_uuid[str(result.uuid)] = entry

    def waits_for(self, uuid: str) -> bool:
        return uuid in self._by_uuid

    def ended(self, task: TaskQueryResp) -> None:
        entry = self._by_uuid.pop(str(task.info.uuid))
        entry.task = task
        self._ready[entry.index] = entry
        self._idle = 0

    def outstanding(self) -> int:
        return len(self._by_uuid)

    def done(self) -> bool:
        return self._exhausted and not self._by_uuid and not self._asked

    def ready(self) -> Iterator[MappedTask[Item]]:
        """What can be yielded now."""
        if not self._ordered:
            ready, self._ready = self._ready, {}
            yield from ready.values()
            return
        while self._next_index in self._ready:
            entry = self._ready.pop(self._next_index)
            self._next_index += 1
            yield entry

    def patience(self, told: bool) -> float:
        """Seconds to wait for news before asking for the state of all: long where events tell, else growing from 50 ms."""
        self._idle += 1
        return 10.0 if told else min(0.05 * 1.5**self._idle, 2.0)
