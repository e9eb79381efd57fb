"""The clients for threads."""

from __future__ import annotations

import contextlib
import json
import pathlib
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, Optional, TypeVar, Union

from . import planning
from .call import Call, error_text, path
from .endpoints import UuidLike
from .errors import (
    Busy,
    ConnectionFailed,
    HttpError,
    MitoError,
    NotFound,
    NotLoggedIn,
    ServerError,
    SubmissionFailed,
    WaitTimeout,
    error_of,
)
from .planning import Command, MappedTask, ResourceLike, TaskSettings
from .schemas import (
    ErrorMsg,
    SubmitTaskReq,
    SubmitTaskResp,
    TaskEvent,
    TaskQueryResp,
    TasksQueryReq,
    TasksSubmitReq,
    TasksSubmitResp,
    UserChangePasswordReq,
    password_digest,
)
from .states import TaskState
from .texts import DurationLike, parse_duration
from .transfers import Transfers

T = TypeVar("T")
Item = TypeVar("Item")
C = TypeVar("C", bound="MitoHttpClient")


class MitoHttpClient(Transfers):
    """A client of one coordinator, with pynetmito's functions and more. Any thread; use it as a context manager or
    `close()` it. A token that expires raises `NotLoggedIn`; see `MitoClient`."""

    def __enter__(self: C) -> C:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Submitting

    def submit(self, args: Command, **settings: Any) -> SubmitTaskResp:
        """Adds a task: a program and its arguments, and the settings of `TaskSettings` as keywords (`group`, `tags`,
        `labels`, `timeout`, `priority`, `envs`, `resources`, `terminal_output`, `watch`). When the connection breaks it
        is tried again, without ever adding a second task."""
        return self.user_submit_task(planning.request(args, TaskSettings(**settings), self.group_or_own))

    def user_submit_task(self, req: SubmitTaskReq) -> SubmitTaskResp:
        """Adds a task."""
        named = planning.named(req)
        return self._repeated(lambda: self._submit_task(named))

    def batch_submit_tasks(self, req: TasksSubmitReq) -> TasksSubmitResp:
        """Adds many tasks; each succeeds or fails on its own. Large batches are sent in parts."""
        named = [planning.named(task) for task in req.tasks]
        results: list[Union[SubmitTaskResp, ErrorMsg]] = []
        for part in planning.parts(named):
            results += self._submit_part(part).results
        return TasksSubmitResp(results=results)

    def submit_many(self, requests: Iterable[SubmitTaskReq]) -> list[SubmitTaskResp]:
        """As `batch_submit_tasks`, but `SubmissionFailed` when any was refused."""
        results = self.batch_submit_tasks(TasksSubmitReq(tasks=list(requests))).results
        errors = {index: result.msg for index, result in enumerate(results) if isinstance(result, ErrorMsg)}
        if errors:
            raise SubmissionFailed(errors)
        return [result for result in results if isinstance(result, SubmitTaskResp)]

    # Waiting

    def wait(self, uuid: UuidLike, timeout: Optional[DurationLike] = None) -> TaskQueryResp:
        """The task once it is over: result recorded, artifacts there. `WaitTimeout` after `timeout`; by default it waits
        for ever. A coordinator that is away meanwhile is waited for."""
        deadline = planning.Deadline(timeout)
        pace = planning.Pace()
        seen: Optional[TaskQueryResp] = None
        while True:
            hold = deadline.at_most(planning.LONGEST_WAIT)
            asked_at = time.monotonic()
            try:
                seen = self.get_task_by_uuid(uuid, detail=True, wait=hold, after=planning.state_of(seen))
                if seen.ended:
                    return seen
                pace.answered(time.monotonic() - asked_at, hold)
            except (ConnectionFailed, Busy, ServerError) as error:
                pace.failed()
                self.logger.warning("waiting for task %s: %s", uuid, error)
            if deadline.passed():
                raise WaitTimeout(f"task {uuid} is not over after {deadline.span}; it goes on: wait for it again")
            time.sleep(deadline.at_most(pace.pause))

    def events(self, group: Optional[str] = None) -> Iterator[TaskEvent]:
        """What the tasks of a group (default: of all groups of the user) come to, as it happens (extension; `NotFound`
        with the original's coordinator). Goes on after a broken connection; what happened meanwhile is not repeated."""
        pace = planning.Pace()
        while True:
            try:
                with self._event_stream(group) as stream:
                    for event in stream:
                        pace = planning.Pace()
                        yield event
            except (ConnectionFailed, Busy, ServerError) as error:
                self.logger.warning("events: %s", error)
            pace.failed()
            time.sleep(pace.pause)

    @contextlib.contextmanager
    def _event_stream(self, group: Optional[str]) -> Iterator[Iterator[TaskEvent]]:
        call = Call("events", "GET", path("events"), TaskEvent.from_dict, query=[("group", group)] if group else [])
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {self.credential}"}
        with self._pool.open(self._address, call.method, call.target, headers, None, repeatable=True) as response:
            if response.status != 200:
                raise error_of(response.status, error_text(response.read(2000)), call.operation)
            yield _events_of(response)

    # Many at once

    def map(
        self,
        command: planning.CommandOf[Item],
        items: Iterable[Item],
        *,
        ordered: bool = False,
        window: int = 2000,
        timeout: Optional[DurationLike] = None,
        **settings: Any,
    ) -> Iterator[MappedTask[Item]]:
        """Runs one task for each item and yields each as it ends (`ordered`: in the order of the items).

        `command(item)` gives the program and its arguments, or a whole `SubmitTaskReq`. `settings` as for `submit`. At
        most `window` tasks are in flight; items are taken as there is room. A task that is refused is yielded with its
        `error`. `WaitTimeout` when not all are over after `timeout`; closing the iterator leaves the tasks alone."""
        study = planning.Study(command, items, TaskSettings(**settings), self.group_or_own, window, ordered)
        deadline = planning.Deadline(timeout)
        with _Watcher(self, study.group) as watcher:
            while not study.done():
                for part in study.next_parts():
                    study.submitted(part, self._submit_part(part).results)
                yield from study.ready()
                if study.outstanding():
                    self._collect(study, watcher, deadline)
                    yield from study.ready()
        yield from study.ready()

    def _collect(self, study: planning.Study[Item], watcher: _Watcher, deadline: planning.Deadline) -> None:
        """Takes in some of what has ended, waiting for it if need be."""
        ended = watcher.take(deadline.at_most(study.patience(watcher.works)))
        if not ended:
            ended = self._ended_of(study)
        for uuid in ended:
            if study.waits_for(uuid):
                with contextlib.suppress(ConnectionFailed, Busy, ServerError):
                    task = self.get_task_by_uuid(uuid, detail=True)
                    if task.ended:
                        study.ended(task)
        if deadline.passed() and study.outstanding():
            raise WaitTimeout(f"{study.outstanding()} tasks are not over after {deadline.span}; they go on")

    def _ended_of(self, study: planning.Study[Item]) -> list[str]:
        """The study's tasks that are over, asked for by their common label."""
        final = {TaskState.FINISHED, TaskState.CANCELLED}
        ended: list[str] = []
        try:
            while True:
                query = TasksQueryReq(
                    group_name=study.group, labels={study.label}, states=final, limit=1000, offset=len(ended)
                )
                page = self.query_tasks_by_filter(query).tasks
                ended += [str(task.uuid) for task in page]
                if len(page) < 1000:
                    return ended
        except (ConnectionFailed, Busy, ServerError) as error:
            self.logger.warning("waiting for tasks: %s", error)
            return ended

    def _submit_part(self, part: list[SubmitTaskReq]) -> TasksSubmitResp:
        return self._repeated(lambda: self._submit_tasks(TasksSubmitReq(tasks=part)))

    def _repeated(self, send: planning.Send[T]) -> T:
        """Sends again after a failure that leaves the outcome open, if the coordinator recognises the repetition."""
        pace = planning.Pace()
        for _ in range(planning.ATTEMPTS - 1):
            try:
                return send()
            except Busy as error:
                pause = error.retry_after or pace.failed()
            except (ConnectionFailed, ServerError) as error:
                pause = pace.failed()
                self._require_extensions(error)
            time.sleep(min(pause, 30.0))
        return send()

    def _require_extensions(self, error: MitoError) -> None:
        """Raises `error` when sending again might add a second task."""
        try:
            if self.has_extensions():
                return
        except ConnectionFailed:
            if self._extensions is None:
                return  # Nobody is there to have taken it; the next attempt asks again.
        raise error

    # Accounts

    def change_password(self, old: str, new: str) -> None:
        """Changes the own password; this client goes on with the new token."""
        user = self.group_or_own(None)
        request = UserChangePasswordReq(old_md5_password=password_digest(old), new_md5_password=password_digest(new))
        self.credential = self.user_change_password(user, request).token
        self._store_credential()


class PersistentMitoHttpClient(MitoHttpClient):
    """Logs in again, once, when a call finds the token expired, with what `connect` was given."""

    _known: Optional[tuple[str, str, bool]] = None

    def connect(
        self,
        credential_path: Optional[pathlib.Path] = None,
        user: Optional[str] = None,
        password: Optional[str] = None,
        retain: bool = False,
    ) -> str:
        """As of `MitoHttpClient`."""
        name = super().connect(credential_path, user, password, retain)
        if password is not None:
            self._known = (name, password, retain)
        return name

    def _call(self, call: Call[T]) -> T:
        used = self.credential
        try:
            return super()._call(call)
        except NotLoggedIn:
            if self._known is None or call.token is not None or call.operation in ("login", "change_password"):
                raise
        with self._login_lock:
            if self.credential == used:
                self.login(self._known[0], self._known[1], retain=self._known[2])
        return super()._call(call)


class MitoClient(PersistentMitoHttpClient):
    """The client to use in new programs: as its base, and `MitoClient.login_as(...)` makes one that is logged in."""

    @classmethod
    def login_as(
        cls, user: Optional[str] = None, password: Optional[str] = None, coordinator_addr: Optional[str] = None
    ) -> MitoClient:
        """A client that is logged in; what is left out comes from the environment and the credential file. The user's
        other sessions go on."""
        client = cls(coordinator_addr)
        client.connect(user=user, password=password, retain=True)
        return client


class _Watcher:
    """Follows the events of a group on a thread of its own and keeps which tasks ended."""

    def __init__(self, client: MitoHttpClient, group: str):
        self._client, self._group = client, group
        self._ended: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._response: Any = None
        self.works = False

    def __enter__(self) -> _Watcher:
        threading.Thread(target=self._follow, name="netmito-events", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def take(self, patience: float) -> list[str]:
        """What ended since the last time; waits at most `patience` seconds for the first."""
        ended: list[str] = []
        with contextlib.suppress(queue.Empty):
            ended.append(self._ended.get(timeout=max(patience, 0.001)))
            while True:
                ended.append(self._ended.get_nowait())
        return ended

    def _follow(self) -> None:
        pace = planning.Pace()
        while not self._stop.is_set():
            try:
                with self._client._event_stream(self._group) as stream:
                    self.works = True
                    for event in stream:
                        if event.result is not None:
                            self._ended.put(str(event.uuid))
                        if self._stop.is_set():
                            return
            except (NotFound, NotLoggedIn):
                return
            except MitoError:
                pass
            finally:
                self.works = False
            pace.failed()
            self._stop.wait(pace.pause)


def _events_of(response: Any) -> Iterator[TaskEvent]:
    """Reads server-sent events; ends when the stream does."""
    data: list[str] = []
    try:
        while True:
            line = response.readline(1 << 20)
            if not line:
                return
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if text.startswith("data:"):
                data.append(text[5:].lstrip(" "))
            elif not text and data:
                yield TaskEvent.from_dict(json.loads("\n".join(data)))
                data = []
    except OSError as error:
        raise ConnectionFailed(f"the stream of events broke off: {error}") from error
