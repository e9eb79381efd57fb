"""The client for asyncio: the functions of `MitoClient`, awaited."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import pathlib
from collections.abc import AsyncIterator, Iterable
from typing import Any, Optional, TypeVar, Union

from . import credentials, planning
from .address import Address
from .async_connection import AsyncAnswer, AsyncConnectionPool
from .async_endpoints import AsyncEndpoints
from .call import Call, error_text, path
from .endpoints import UuidLike
from .errors import (
    Busy,
    ConnectionFailed,
    InvalidValue,
    LoginRequired,
    MitoError,
    NotFound,
    NotLoggedIn,
    ServerError,
    SubmissionFailed,
    TransferFailed,
    WaitTimeout,
    error_of,
)
from .planning import Command, MappedTask, TaskSettings
from .schemas import (
    AttachmentMetadata,
    ErrorMsg,
    RemoteResourceDownloadResp,
    SubmitTaskReq,
    SubmitTaskResp,
    TaskEvent,
    TaskQueryResp,
    TasksQueryReq,
    TasksSubmitReq,
    TasksSubmitResp,
    UploadArtifactReq,
    UploadAttachmentReq,
    UserLoginArgs,
)
from .session import DEFAULT_ADDRESS
from .states import ArtifactContentType, TaskState
from .texts import DurationLike
from .transfers import PathLike, Progress, TaskOutput, file_to_send, output_of, shown, split_url, unpack

T = TypeVar("T")
Item = TypeVar("Item")

_CHUNK = 1 << 18
_ATTEMPTS = 5


class AsyncMitoClient(AsyncEndpoints):
    """A client of one coordinator, for one event loop. Use it as an async context manager or `await close()` it. It
    logs in again, once, when a call finds the token expired."""

    def __init__(self, coordinator_addr: Optional[str] = None, *, timeout: float = 60.0, ca_file: Optional[str] = None):
        """As of `MitoClient`."""
        if timeout <= 0:
            raise InvalidValue("timeout must be more than 0 seconds")
        self._address = Address.parse(coordinator_addr or os.environ.get("MITO_COORDINATOR_ADDR") or DEFAULT_ADDRESS)
        self._pool = AsyncConnectionPool(timeout, ca_file)
        self._extensions: Optional[bool] = None
        self._known: Optional[tuple[str, str, bool]] = None
        self.url = self._address.url
        self.timeout = timeout
        self.credential = ""
        self.credential_path: Optional[pathlib.Path] = None
        self.username: Optional[str] = None
        self.logger = logging.getLogger("netmito")

    async def __aenter__(self) -> AsyncMitoClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Gives up the kept connections."""
        await self._pool.close()

    # Logging in

    async def connect(
        self,
        credential_path: Optional[pathlib.Path] = None,
        user: Optional[str] = None,
        password: Optional[str] = None,
        retain: bool = True,
    ) -> str:
        """As of `MitoClient`; other sessions of the user go on by default."""
        user = user or os.environ.get("MITO_USER") or None
        password = password or os.environ.get("MITO_PASSWORD") or None
        chosen = pathlib.Path(credential_path) if credential_path is not None else credentials.default_path()
        self.credential_path = chosen
        if user is not None and password is not None:
            self._known = (user, password, retain)
        found = credentials.find(chosen, user)
        if found and await self._is_good(*found):
            return found[0]
        if user is None or password is None:
            raise LoginRequired(f"no valid credential in {chosen}: give connect() a user and a password")
        await self.login(user, password, retain=retain)
        return user

    async def login(self, user: str, password: str, *, retain: bool = True) -> None:
        """A new token for this client, stored in the credential file of `connect`, if there was one."""
        request = UserLoginArgs(username=user, password=password, retain=retain).to_req()
        self.credential = (await self._login(request)).token
        self.username = user
        if self.credential_path is not None:
            credentials.store(self.credential_path, user, self.credential)

    async def has_extensions(self) -> bool:
        """Whether the coordinator is Mitosis in C++ (and not the original): asked once."""
        if self._extensions is None:
            call = Call("openapi", "GET", "/openapi.json", lambda body: body, repeatable=True, token="")
            async with self._open(call) as answer:
                await answer.whole()
                self._extensions = answer.status == 200
        return self._extensions

    def group_or_own(self, group: Optional[str]) -> str:
        """`group`, else the user's own."""
        chosen = group or self.username
        if chosen is None:
            raise LoginRequired("name a group, or connect() first: then the user's own group is meant")
        return chosen

    async def _is_good(self, user: str, token: str) -> bool:
        self.credential, self.username = token, user
        try:
            if (await self._once(Call("auth", "GET", path("auth"), lambda body: body.decode()))) == user:
                return True
        except NotLoggedIn:
            pass
        self.credential, self.username = "", None
        return False

    # Tasks

    async def submit(self, args: Command, **settings: Any) -> SubmitTaskResp:
        """Adds a task; see `MitoClient.submit`."""
        return await self.user_submit_task(planning.request(args, TaskSettings(**settings), self.group_or_own))

    async def user_submit_task(self, req: SubmitTaskReq) -> SubmitTaskResp:
        """Adds a task. Tried again after a broken connection, without ever adding a second one."""
        named = planning.named(req)
        pace = planning.Pace()
        for _ in range(planning.ATTEMPTS - 1):
            try:
                return await self._submit_task(named)
            except (ConnectionFailed, Busy, ServerError) as error:
                await self._before_repeating(error, pace)
        return await self._submit_task(named)

    async def batch_submit_tasks(self, req: TasksSubmitReq) -> TasksSubmitResp:
        """Adds many tasks; each succeeds or fails on its own. Large batches are sent in parts."""
        results: list[Union[SubmitTaskResp, ErrorMsg]] = []
        for part in planning.parts([planning.named(task) for task in req.tasks]):
            results += (await self._submit_part(part)).results
        return TasksSubmitResp(results=results)

    async def submit_many(self, requests: Iterable[SubmitTaskReq]) -> list[SubmitTaskResp]:
        """As `batch_submit_tasks`, but `SubmissionFailed` when any was refused."""
        results = (await self.batch_submit_tasks(TasksSubmitReq(tasks=list(requests)))).results
        errors = {index: result.msg for index, result in enumerate(results) if isinstance(result, ErrorMsg)}
        if errors:
            raise SubmissionFailed(errors)
        return [result for result in results if isinstance(result, SubmitTaskResp)]

    async def wait(self, uuid: UuidLike, timeout: Optional[DurationLike] = None) -> TaskQueryResp:
        """The task once it is over; see `MitoClient.wait`."""
        deadline = planning.Deadline(timeout)
        pace = planning.Pace()
        seen: Optional[TaskQueryResp] = None
        clock = asyncio.get_running_loop().time
        while True:
            hold = deadline.at_most(planning.LONGEST_WAIT)
            asked_at = clock()
            try:
                seen = await self.get_task_by_uuid(uuid, detail=True, wait=hold, after=planning.state_of(seen))
                if seen.ended:
                    return seen
                pace.answered(clock() - asked_at, hold)
            except (ConnectionFailed, Busy, ServerError) as error:
                pace.failed()
                self.logger.warning("waiting for task %s: %s", uuid, error)
            if deadline.passed():
                raise WaitTimeout(f"task {uuid} is not over after {deadline.span}; it goes on: wait for it again")
            await asyncio.sleep(deadline.at_most(pace.pause))

    async def events(self, group: Optional[str] = None) -> AsyncIterator[TaskEvent]:
        """What tasks come to, as it happens; see `MitoClient.events`."""
        pace = planning.Pace()
        while True:
            try:
                async with self._event_stream(group) as answer:
                    async for event in _events_of(answer):
                        pace = planning.Pace()
                        yield event
            except (ConnectionFailed, Busy, ServerError) as error:
                self.logger.warning("events: %s", error)
            await asyncio.sleep(pace.failed())

    async def map(
        self,
        command: planning.CommandOf[Item],
        items: Iterable[Item],
        *,
        ordered: bool = False,
        window: int = 2000,
        timeout: Optional[DurationLike] = None,
        **settings: Any,
    ) -> AsyncIterator[MappedTask[Item]]:
        """Runs one task for each item and yields each as it ends; see `MitoClient.map`."""
        study = planning.Study(command, items, TaskSettings(**settings), self.group_or_own, window, ordered)
        deadline = planning.Deadline(timeout)
        news = _News()
        follower = asyncio.ensure_future(self._follow(study.group, news))
        try:
            while not study.done():
                for part in study.next_parts():
                    study.submitted(part, (await self._submit_part(part)).results)
                for entry in study.ready():
                    yield entry
                if study.outstanding():
                    await self._collect(study, news, deadline)
            for entry in study.ready():
                yield entry
        finally:
            follower.cancel()
            with contextlib.suppress(asyncio.CancelledError, MitoError):
                await follower

    async def _collect(self, study: planning.Study[Item], news: _News, deadline: planning.Deadline) -> None:
        ended = await news.take(deadline.at_most(study.patience(news.works))) or await self._ended_of(study)
        for uuid in ended:
            if study.waits_for(uuid):
                with contextlib.suppress(ConnectionFailed, Busy, ServerError):
                    task = await self.get_task_by_uuid(uuid, detail=True)
                    if task.ended:
                        study.ended(task)
        if deadline.passed() and study.outstanding():
            raise WaitTimeout(f"{study.outstanding()} tasks are not over after {deadline.span}; they go on")

    async def _ended_of(self, study: planning.Study[Item]) -> list[str]:
        final = {TaskState.FINISHED, TaskState.CANCELLED}
        ended: list[str] = []
        try:
            while True:
                query = TasksQueryReq(
                    group_name=study.group, labels={study.label}, states=final, limit=1000, offset=len(ended)
                )
                page = (await self.query_tasks_by_filter(query)).tasks
                ended += [str(task.uuid) for task in page]
                if len(page) < 1000:
                    return ended
        except (ConnectionFailed, Busy, ServerError) as error:
            self.logger.warning("waiting for tasks: %s", error)
            return ended

    async def _follow(self, group: str, news: _News) -> None:
        """Puts what ends in the group into `news`, until cancelled or refused."""
        pace = planning.Pace()
        while True:
            try:
                async with self._event_stream(group) as answer:
                    news.works = True
                    async for event in _events_of(answer):
                        if event.result is not None:
                            news.ended.put_nowait(str(event.uuid))
            except (NotFound, NotLoggedIn):
                return
            except MitoError:
                pass
            finally:
                news.works = False
            await asyncio.sleep(pace.failed())

    async def _submit_part(self, part: list[SubmitTaskReq]) -> TasksSubmitResp:
        pace = planning.Pace()
        for _ in range(planning.ATTEMPTS - 1):
            try:
                return await self._submit_tasks(TasksSubmitReq(tasks=part))
            except (ConnectionFailed, Busy, ServerError) as error:
                await self._before_repeating(error, pace)
        return await self._submit_tasks(TasksSubmitReq(tasks=part))

    async def _before_repeating(self, error: MitoError, pace: planning.Pace) -> None:
        """Pauses; raises `error` when sending again might add a second task."""
        pause = pace.failed()
        if isinstance(error, Busy):
            pause = error.retry_after or pause
        else:
            try:
                if not await self.has_extensions():
                    raise error
            except ConnectionFailed:
                if self._extensions is False:
                    raise error from None
        await asyncio.sleep(min(pause, 30.0))

    # Files

    async def upload_attachment(
        self,
        local_path: PathLike,
        group_name: Optional[str] = None,
        key: Optional[str] = None,
        *,
        progress: Optional[Progress] = None,
    ) -> bool:
        """Stores a file in a group; see `MitoClient.upload_attachment`."""
        source = file_to_send(local_path)
        request = UploadAttachmentReq(key=key or source.name, content_length=source.stat().st_size)
        target = await self.get_upload_attachment_resp(self.group_or_own(group_name), request)
        await self.upload_file(target.url, request.content_length, source, progress=progress)
        return target.exist

    async def upload_artifact(
        self,
        local_path: PathLike,
        uuid: UuidLike,
        content_type: ArtifactContentType,
        *,
        progress: Optional[Progress] = None,
    ) -> bool:
        """Stores a file as an artifact; see `MitoClient.upload_artifact`."""
        source = file_to_send(local_path)
        request = UploadArtifactReq(content_type=content_type, content_length=source.stat().st_size)
        target = await self.get_upload_artifact_resp(uuid, request)
        await self.upload_file(target.url, request.content_length, source, progress=progress)
        return target.exist

    async def download_attachment(
        self,
        key: str,
        group_name: Optional[str] = None,
        local_path: Optional[PathLike] = None,
        *,
        progress: Optional[Progress] = None,
    ) -> pathlib.Path:
        """Writes an attachment to a file; see `MitoClient.download_attachment`."""
        source = await self.get_attachment_download_resp(self.group_or_own(group_name), key)
        return await self.download_file(source, key if local_path is None else local_path, progress=progress)

    async def download_artifact(
        self,
        uuid: UuidLike,
        content_type: ArtifactContentType,
        local_path: Optional[PathLike] = None,
        *,
        progress: Optional[Progress] = None,
    ) -> pathlib.Path:
        """Writes an artifact to a file; see `MitoClient.download_artifact`."""
        source = await self.get_artifact_download_resp(uuid, content_type)
        name = f"{ArtifactContentType(content_type).value}.tar.gz" if local_path is None else local_path
        return await self.download_file(source, name, progress=progress)

    async def extract_artifact(
        self, uuid: UuidLike, directory: PathLike, content_type: ArtifactContentType = ArtifactContentType.RESULT
    ) -> list[pathlib.Path]:
        """Unpacks an artifact; see `MitoClient.extract_artifact`."""
        target = pathlib.Path(directory)
        target.mkdir(parents=True, exist_ok=True)
        archive = target / f".{uuid}-{ArtifactContentType(content_type).value}.tar.gz"
        await self.download_artifact(uuid, content_type, archive)
        try:
            return await asyncio.get_running_loop().run_in_executor(None, unpack, archive, target)
        finally:
            archive.unlink()

    async def task_output(self, uuid: UuidLike) -> TaskOutput:
        """What a task wrote; see `MitoClient.task_output`."""
        source = await self.get_artifact_download_resp(uuid, ArtifactContentType.STD_LOG)
        pieces: list[bytes] = []
        async for piece in self._pieces(source, 0):
            pieces.append(piece)
        return output_of(b"".join(pieces))

    async def get_attachment(self, key: str, group_name: Optional[str] = None) -> AttachmentMetadata:
        """Size and times of an attachment of a group (default: the own)."""
        return await self._get_attachment(self.group_or_own(group_name), key)

    async def delete_attachment(self, group_name: str, key: str, admin: bool = False) -> None:
        """Deletes an attachment; `admin`: by an administrator, in any group."""
        if admin:
            await self.admin_delete_attachment(group_name, key)
        else:
            await self._delete_attachment(group_name, key)

    async def delete_artifact(self, uuid: UuidLike, content_type: ArtifactContentType, admin: bool = False) -> None:
        """Deletes an artifact; `admin`: by an administrator, of any task."""
        if admin:
            await self.admin_delete_artifact(uuid, content_type)
        else:
            await self._delete_artifact(uuid, content_type)

    async def upload_file(
        self, url: str, content_length: int, local_path: PathLike, *, progress: Optional[Progress] = None
    ) -> None:
        """PUTs a file to an URL that the coordinator gave."""
        address, target = split_url(url)
        headers = {"Content-Length": str(content_length)}
        last: Optional[Exception] = None
        for attempt in range(_ATTEMPTS):
            body = _file_pieces(local_path, content_length, progress)
            try:
                async with self._pool.open(address, "PUT", target, headers, body, repeatable=False) as answer:
                    text = error_text(await answer.whole())
                    if answer.status in (200, 201, 204):
                        return
                    last = error_of(answer.status, text, "upload")
                    if answer.status < 500:
                        raise TransferFailed(f"upload of {local_path} refused: {last}")
            except ConnectionFailed as error:
                last = error
            await asyncio.sleep(min(0.2 * 2**attempt, 5.0))
        raise TransferFailed(f"upload of {local_path} failed {_ATTEMPTS} times; the last time: {last}")

    async def download_file(
        self, resp: RemoteResourceDownloadResp, local_path: PathLike, *, progress: Optional[Progress] = None
    ) -> pathlib.Path:
        """GETs a file from an URL that the coordinator gave; see `MitoClient.download_file`."""
        target = pathlib.Path(local_path)
        if target.is_dir():
            raise InvalidValue(f"{target} is a directory: name a file")
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        failures = 0
        with open(part, "wb") as file:
            while True:
                before = file.tell()
                reason: object = "nothing more comes"
                try:
                    async for piece in self._pieces(resp, before):
                        file.write(piece)
                        if progress:
                            progress(file.tell(), resp.size)
                except ConnectionFailed as error:
                    reason = error
                if file.tell() > resp.size:
                    raise TransferFailed(f"more than the {resp.size} bytes announced came from {shown(resp.url)}")
                if file.tell() == resp.size:
                    break
                failures = failures + 1 if file.tell() == before else 0
                if failures == _ATTEMPTS:
                    raise TransferFailed(f"download stopped at {before} of {resp.size} bytes: {reason}")
                await asyncio.sleep(min(0.2 * 2**failures, 5.0))
        os.replace(part, target)
        return target

    async def _pieces(self, source: RemoteResourceDownloadResp, start: int) -> AsyncIterator[bytes]:
        """The bytes from `start` on."""
        address, target = split_url(source.url)
        headers = {"Range": f"bytes={start}-"} if start else {}
        async with self._pool.open(address, "GET", target, headers, None, repeatable=True) as answer:
            if answer.status not in (200, 206):
                raise error_of(answer.status, error_text(await answer.whole()), "download")
            skip = start if answer.status == 200 and "content-range" not in answer.headers else 0
            if skip and int(answer.headers.get("content-length", "0")) == source.size - start:
                skip = 0
            async for piece in answer.chunks():
                if skip >= len(piece):
                    skip -= len(piece)
                else:
                    yield piece[skip:]
                    skip = 0

    # Sending

    async def _call(self, call: Call[T]) -> T:
        used = self.credential
        try:
            return await self._once(call)
        except NotLoggedIn:
            if self._known is None or call.token is not None or call.operation in ("login", "change_password"):
                raise
        if self.credential == used:
            await self.login(self._known[0], self._known[1], retain=self._known[2])
        return await self._once(call)

    async def _once(self, call: Call[T]) -> T:
        async with self._open(call) as answer:
            body = await answer.whole()
            return call.result(answer.status, body, answer.headers.get("retry-after"))

    def _open(self, call: Call[T]) -> contextlib.AbstractAsyncContextManager[AsyncAnswer]:
        headers = {"Accept": "application/json"}
        content = call.content()
        if content is not None:
            headers["Content-Type"] = "application/json"
        if content is not None or call.method != "GET":
            headers["Content-Length"] = str(len(content or b""))
        token = self.credential if call.token is None else call.token
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return self._pool.open(
            self._address,
            call.method,
            call.target,
            headers,
            None if content is None else _Once(content),
            repeatable=call.repeatable,
            timeout=self.timeout + call.waits,
        )

    @contextlib.asynccontextmanager
    async def _event_stream(self, group: Optional[str]) -> AsyncIterator[AsyncAnswer]:
        call = Call("events", "GET", path("events"), TaskEvent.from_dict, query=[("group", group)] if group else [])
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {self.credential}"}
        async with self._pool.open(self._address, "GET", call.target, headers, None, repeatable=True) as answer:
            if answer.status != 200:
                raise error_of(answer.status, error_text(await answer.whole()), call.operation)
            yield answer


class _News:
    """Which tasks ended, as the events tell."""

    def __init__(self) -> None:
        self.ended: asyncio.Queue[str] = asyncio.Queue()
        self.works = False

    async def take(self, patience: float) -> list[str]:
        """What ended since the last time; waits at most `patience` seconds for the first."""
        try:
            ended = [await asyncio.wait_for(self.ended.get(), max(patience, 0.001))]
        except asyncio.TimeoutError:
            return []
        while not self.ended.empty():
            ended.append(self.ended.get_nowait())
        return ended


class _Once:
    """A body in one piece, as often as it is asked for."""

    def __init__(self, content: bytes):
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


async def _file_pieces(path: PathLike, size: int, progress: Optional[Progress]) -> AsyncIterator[bytes]:
    with open(path, "rb") as file:
        while True:
            piece = file.read(_CHUNK)
            if not piece:
                return
            yield piece
            if progress:
                progress(file.tell(), size)


async def _events_of(answer: AsyncAnswer) -> AsyncIterator[TaskEvent]:
    """Reads server-sent events; ends when the stream does."""
    rest = b""
    data: list[str] = []
    async for piece in answer.chunks():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip("\r")
            if text.startswith("data:"):
                data.append(text[5:].lstrip(" "))
            elif not text and data:
                yield TaskEvent.from_dict(json.loads("\n".join(data)))
                data = []
