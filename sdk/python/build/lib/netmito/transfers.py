"""Files to and from the object store."""

from __future__ import annotations

import concurrent.futures
import io
import os
import pathlib
import tarfile
import time
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, Callable, Optional, Union

from .address import Address
from .endpoints import UuidLike
from .errors import ConnectionFailed, InvalidValue, NotFound, TransferFailed, error_of
from .call import error_text
from .schemas import AttachmentMetadata, RemoteResourceDownloadResp, UploadArtifactReq, UploadAttachmentReq
from .session import Session
from .states import ArtifactContentType

PathLike = Union[str, "os.PathLike[str]"]
Progress = Callable[[int, int], None]
"""Called with the bytes moved and the bytes there are."""

_CHUNK = 1 << 20
_ATTEMPTS = 5


@dataclass(frozen=True)
class TaskOutput:
    """What a task wrote (with `terminal_output`). `stdout_text` and `stderr_text` replace what is no UTF-8."""

    stdout: bytes
    stderr: bytes

    @property
    def stdout_text(self) -> str:
        return self.stdout.decode("utf-8", "replace")

    @property
    def stderr_text(self) -> str:
        return self.stderr.decode("utf-8", "replace")


class Transfers(Session):
    """Uploads and downloads. Files are streamed; a download goes on where it broke off, appears under its name only
    when it is complete, and must have the size that was announced."""

    def upload_attachment(
        self,
        local_path: PathLike,
        group_name: Optional[str] = None,
        key: Optional[str] = None,
        *,
        progress: Optional[Progress] = None,
    ) -> bool:
        """Stores a file in a group (default: the own) under `key` (default: its name). Whether it replaced one."""
        source = file_to_send(local_path)
        request = UploadAttachmentReq(key=key or source.name, content_length=source.stat().st_size)
        target = self.get_upload_attachment_resp(self.group_or_own(group_name), request)
        self.upload_file(target.url, request.content_length, source, progress=progress)
        return target.exist

    def upload_artifact(
        self,
        local_path: PathLike,
        uuid: UuidLike,
        content_type: ArtifactContentType,
        *,
        progress: Optional[Progress] = None,
    ) -> bool:
        """Stores a file as an artifact of a task. Whether it replaced one."""
        source = file_to_send(local_path)
        request = UploadArtifactReq(content_type=content_type, content_length=source.stat().st_size)
        target = self.get_upload_artifact_resp(uuid, request)
        self.upload_file(target.url, request.content_length, source, progress=progress)
        return target.exist

    def download_attachment(
        self,
        key: str,
        group_name: Optional[str] = None,
        local_path: Optional[PathLike] = None,
        *,
        progress: Optional[Progress] = None,
    ) -> pathlib.Path:
        """Writes an attachment to `local_path` (default: its key, below the current directory)."""
        source = self.get_attachment_download_resp(self.group_or_own(group_name), key)
        return self.download_file(source, key if local_path is None else local_path, progress=progress)

    def download_artifact(
        self,
        uuid: UuidLike,
        content_type: ArtifactContentType,
        local_path: Optional[PathLike] = None,
        *,
        progress: Optional[Progress] = None,
    ) -> pathlib.Path:
        """Writes an artifact (a tar.gz) to `local_path` (default: `<kind>.tar.gz` here)."""
        source = self.get_artifact_download_resp(uuid, content_type)
        name = f"{ArtifactContentType(content_type).value}.tar.gz" if local_path is None else local_path
        return self.download_file(source, name, progress=progress)

    def extract_artifact(
        self, uuid: UuidLike, directory: PathLike, content_type: ArtifactContentType = ArtifactContentType.RESULT
    ) -> list[pathlib.Path]:
        """Unpacks an artifact into `directory`, which is made if needed, and answers the files. Members that would
        leave the directory are refused."""
        target = pathlib.Path(directory)
        target.mkdir(parents=True, exist_ok=True)
        archive = target / f".{uuid}-{ArtifactContentType(content_type).value}.tar.gz"
        self.download_artifact(uuid, content_type, archive)
        try:
            return unpack(archive, target)
        finally:
            archive.unlink()

    def task_output(self, uuid: UuidLike) -> TaskOutput:
        """What a task wrote to stdout and stderr. `NotFound` when it kept none."""
        source = self.get_artifact_download_resp(uuid, ArtifactContentType.STD_LOG)
        content = io.BytesIO()
        self._fetch(source, content, None)
        return output_of(content.getvalue())

    def get_attachment(self, key: str, group_name: Optional[str] = None) -> AttachmentMetadata:
        """Size and times of an attachment of a group (default: the own)."""
        return self._get_attachment(self.group_or_own(group_name), key)

    def delete_attachment(self, group_name: str, key: str, admin: bool = False) -> None:
        """Deletes an attachment; `admin`: by an administrator, in any group."""
        if admin:
            self.admin_delete_attachment(group_name, key)
        else:
            self._delete_attachment(group_name, key)

    def delete_artifact(self, uuid: UuidLike, content_type: ArtifactContentType, admin: bool = False) -> None:
        """Deletes an artifact; `admin`: by an administrator, of any task."""
        if admin:
            self.admin_delete_artifact(uuid, content_type)
        else:
            self._delete_artifact(uuid, content_type)

    def concurrent_download_files(
        self, downloads: Iterable[tuple[RemoteResourceDownloadResp, PathLike]], concurrent: int = 1
    ) -> None:
        """Downloads many files, `concurrent` at a time. All are tried; then the first failure is raised."""
        if concurrent < 1:
            raise InvalidValue("concurrent must be 1 or more")
        with _threads(concurrent) as executor:
            running = [executor.submit(self.download_file, source, path) for source, path in downloads]
        for download in running:
            download.result()

    def upload_file(
        self, url: str, content_length: int, local_path: PathLike, *, progress: Optional[Progress] = None
    ) -> None:
        """PUTs a file to an URL that the coordinator gave."""
        address, target = split_url(url)
        last: Optional[Exception] = None
        for attempt in range(_ATTEMPTS):
            with open(local_path, "rb") as file:
                reader = _Counted(file, content_length, progress)
                try:
                    with self._pool.open(
                        address, "PUT", target, {"Content-Length": str(content_length)}, reader, repeatable=False
                    ) as response:
                        body = response.read()
                        if response.status in (200, 201, 204):
                            return
                        if response.status < 500:
                            raise TransferFailed(
                                f"upload of {local_path} refused: {error_of(response.status, error_text(body), '')}"
                            )
                        last = error_of(response.status, error_text(body), "upload")
                except ConnectionFailed as error:
                    last = error
            _pause(attempt)
        raise TransferFailed(f"upload of {local_path} failed {_ATTEMPTS} times; the last time: {last}")

    def download_file(
        self, resp: RemoteResourceDownloadResp, local_path: PathLike, *, progress: Optional[Progress] = None
    ) -> pathlib.Path:
        """GETs a file from an URL that the coordinator gave."""
        path = pathlib.Path(local_path)
        if path.is_dir():
            raise InvalidValue(f"{path} is a directory: name a file")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        with open(part, "wb") as file:
            self._fetch(resp, file, progress)
        os.replace(part, path)
        return path

    def _fetch(self, source: RemoteResourceDownloadResp, file: BinaryIO, progress: Optional[Progress]) -> None:
        """Appends the rest until all is there; each piece that came in earns further attempts."""
        failures = 0
        last: Optional[Exception] = None
        while file.tell() < source.size or (source.size == 0 and failures == 0):
            before = file.tell()
            try:
                self._fetch_rest(source, file, progress)
                if source.size == 0:
                    return
            except (ConnectionFailed, TransferFailed) as error:
                last = error
            if file.tell() > source.size:
                raise TransferFailed(
                    f"more than the {source.size} bytes that were announced came from {shown(source.url)}"
                )
            if file.tell() == before:
                failures += 1
                if failures == _ATTEMPTS:
                    raise TransferFailed(
                        f"download stopped at {before} of {source.size} bytes: {last or 'nothing more comes'}"
                    )
                _pause(failures - 1)

    def _fetch_rest(self, source: RemoteResourceDownloadResp, file: BinaryIO, progress: Optional[Progress]) -> None:
        address, target = split_url(source.url)
        start = file.tell()
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self._pool.open(address, "GET", target, headers, None, repeatable=True) as response:
            if response.status == 404:
                raise NotFound(404, error_text(response.read()), "download")
            if response.status not in (200, 206):
                body = response.read(2000)
                if response.status < 500:
                    raise error_of(response.status, error_text(body), "download")
                raise TransferFailed(f"{response.status} {error_text(body)}")
            if response.status == 200 and start and not response.headers.get("Content-Range"):
                file.seek(0)
                file.truncate()
            try:
                while True:
                    chunk = response.read(_CHUNK)
                    if not chunk:
                        return
                    file.write(chunk)
                    if progress:
                        progress(file.tell(), source.size)
            except OSError as error:
                raise ConnectionFailed(str(error)) from error


class _Counted:
    """A file that tells how much of it was read."""

    def __init__(self, file: BinaryIO, size: int, progress: Optional[Progress]):
        self._file, self._size, self._progress = file, size, progress

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(_CHUNK if size < 0 else max(size, _CHUNK))
        if self._progress and data:
            self._progress(self._file.tell(), self._size)
        return data


def output_of(archive: bytes) -> TaskOutput:
    """Reads a std-log artifact."""
    streams = {"stdout.log": b"", "stderr.log": b""}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as members:
        for member in members:
            name = pathlib.PurePosixPath(member.name).name
            file = members.extractfile(member)
            if name in streams and file is not None:
                streams[name] = file.read()
    return TaskOutput(streams["stdout.log"], streams["stderr.log"])


def _threads(workers: int) -> concurrent.futures.ThreadPoolExecutor:
    return concurrent.futures.ThreadPoolExecutor(max_workers=workers, thread_name_prefix="netmito")


def file_to_send(path: PathLike) -> pathlib.Path:
    """The file, or `InvalidValue` with what is wrong with it."""
    source = pathlib.Path(path)
    if source.is_dir():
        raise InvalidValue(f"{source} is a directory: name a file, or pack it first")
    if not source.exists():
        raise InvalidValue(f"{source} does not exist")
    return source


def split_url(url: str) -> tuple[Address, str]:
    """Where to connect and what to ask for."""
    parts = urllib.parse.urlsplit(url)
    return Address.parse(url), (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def shown(url: str) -> str:
    """Without the signature."""
    return url.split("?", 1)[0]


def _pause(attempt: int) -> None:
    time.sleep(min(0.2 * 2**attempt, 5.0))


def unpack(archive: pathlib.Path, target: pathlib.Path) -> list[pathlib.Path]:
    """Unpacks an artifact and answers its files; `TransferFailed` for a member that would leave the directory."""
    root = target.resolve()
    files = []
    with tarfile.open(archive, "r:gz") as members:
        for member in members:
            place = (root / member.name).resolve()
            if root != place and root not in place.parents:
                raise TransferFailed(f"the archive has a member outside of it: {member.name!r}")
            if member.issym() or member.islnk():
                aim = (place.parent if member.issym() else root) / member.linkname
                if root not in aim.resolve().parents and aim.resolve() != root:
                    raise TransferFailed(
                        f"the archive has a link that leaves it: {member.name!r} -> {member.linkname!r}"
                    )
            elif not (member.isfile() or member.isdir()):
                continue
            members.extract(member, root, set_attrs=not member.issym())
            if member.isfile():
                files.append(target / member.name)
    return files
