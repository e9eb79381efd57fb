"""Downloads over connections that break, files that change meanwhile, and names that are taken."""
from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import json
import os
import re
import signal
import subprocess
import tarfile
import threading

import pytest

from conftest import BINARY, clean_environment, wait_until

UUID = "00000000-0000-4000-8000-00000000000"
CONTENT = os.urandom(300_000)


def tag_of(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'


class Store(http.server.ThreadingHTTPServer):
    """A coordinator and object store that knows one user and one artifact, and breaks off as often as it is told to."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.tag = CONTENT, tag_of(CONTENT)
        self.breaks: list[int] = []  # bytes of a body that are sent before the connection is closed
        self.asked: list[tuple[str | None, str | None]] = []
        self.after_break = lambda: None
        self.held = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status: int, body: bytes, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200, b'{"token":"x"}')

    def do_GET(self):
        server: Store = self.server
        if self.path == "/auth":
            return self.answer(200, b"alice")
        if "/download/artifacts/" in self.path:
            return self.answer(200, json.dumps({"url": f"{server.url}/object?signature=1", "size": len(server.content)}).encode())
        wanted, only_if = self.headers["Range"], self.headers["If-Range"]
        server.asked.append((wanted, only_if))
        body, first = server.content, 0
        if wanted and only_if in (None, server.tag):
            first = int(re.match(r"bytes=(\d+)-", wanted)[1])
        self.send_response(206 if first else 200)
        if server.tag:
            self.send_header("ETag", server.tag)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - first))
        self.end_headers()
        if server.breaks:
            self.wfile.write(body[first:first + server.breaks.pop(0)])
            self.wfile.flush()
            server.after_break()
            self.connection.close()
            self.close_connection = True
            return None
        self.wfile.write(body[first:])
        return None

    def finish(self):
        with contextlib.suppress(OSError, ValueError):
            super().finish()


@pytest.fixture
def store():
    server = Store()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def download(tools, store):
    def run(*arguments):
        return tools.client(store.url, "tasks", "artifacts", "download", f"{UUID}1", "result", *arguments, user="alice", password="x")
    return run


def test_a_broken_connection_is_taken_up_again(tools, store, download):
    store.breaks = [100_000, 50_000]
    result = download()
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"Artifact of size {len(CONTENT)}B downloaded to result.tar.gz\n"
    assert (tools.directory / "result.tar.gz").read_bytes() == CONTENT
    assert [wanted for wanted, _ in store.asked] == [None, "bytes=100000-", "bytes=150000-"]
    assert {only_if for wanted, only_if in store.asked if wanted} == {store.tag}
    assert not list(tools.directory.glob(".result*"))


def test_a_later_call_goes_on(tools, store, download):
    store.breaks = [120_000, 0, 0, 0, 0, 0]
    result = download()
    assert result.returncode != 0 and not (tools.directory / "result.tar.gz").exists()
    store.breaks, store.asked = [], []
    assert download().returncode == 0
    assert [wanted for wanted, _ in store.asked] == ["bytes=120000-"]
    assert (tools.directory / "result.tar.gz").read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(tools, store, download):
    other = os.urandom(200_000)

    def change():
        store.content, store.tag = other, tag_of(other)
    store.breaks, store.after_break = [100_000], change
    assert download().returncode == 0
    assert (tools.directory / "result.tar.gz").read_bytes() == other


def test_without_a_tag_nothing_is_mixed(tools, store, download):
    store.tag, store.breaks = "", [100_000]
    assert download().returncode == 0
    assert [wanted for wanted, _ in store.asked] == [None, None]
    assert (tools.directory / "result.tar.gz").read_bytes() == CONTENT


def test_ctrl_c_keeps_what_came(tools, store, download):
    """The next call goes on behind it."""
    store.held.clear()
    store.breaks = [130_000]
    store.after_break = lambda: store.held.wait(30)
    first = tools.start("client", "-c", store.url, "-u", "alice", "-p", "x", "tasks", "artifacts", "download", f"{UUID}1", "result", name="first")
    part = tools.directory / ".result.tar.gz.part"
    try:
        wait_until(lambda: part.exists() and part.stat().st_size == 130_000, 10, "the first bytes")
        first.signal(signal.SIGINT)
        assert first.process.wait(10) == 130 and "interrupted" in first.output()
    finally:
        store.held.set()
    assert not (tools.directory / "result.tar.gz").exists()
    store.asked, store.breaks = [], []
    assert download().returncode == 0
    assert [wanted for wanted, _ in store.asked] == ["bytes=130000-"]
    assert (tools.directory / "result.tar.gz").read_bytes() == CONTENT and not part.exists()


def test_only_files_are_written_to(tools, store, download):
    """A device, pipe or socket is not replaced by what is downloaded."""
    os.mkfifo(tools.directory / "pipe")
    (tools.directory / "link").symlink_to("/dev/null")
    for name in ("pipe", "link"):
        result = download("-o", name)
        assert result.returncode == 1 and f"{name} is not a regular file" in result.stderr
    assert (tools.directory / "pipe").is_fifo() and (tools.directory / "link").is_char_device() and store.asked == []


def test_a_full_disk_leaves_nothing(tools, store, download):
    """A limit of the size of files stands for the end of the volume."""
    command = [BINARY, "client", "-c", store.url, "-u", "alice", "-p", "x", "tasks", "artifacts", "download", f"{UUID}1", "result"]
    result = subprocess.run(["bash", "-c", 'trap "" XFSZ; ulimit -f 100; exec "$@"', "bash", *command], env=clean_environment(tools.directory),
                            cwd=tools.directory, text=True, capture_output=True, timeout=60)
    assert result.returncode == 1 and "Cannot write .result.tar.gz.part" in result.stderr, result.stderr
    assert not list(tools.directory.glob("*result*")) and not list(tools.directory.glob(".result*"))


def test_a_wrong_checksum_is_noticed(tools, store, download):
    store.tag = tag_of(b"something else")
    result = download()
    assert result.returncode == 1 and "checksum" in result.stderr, result.stderr
    assert not (tools.directory / "result.tar.gz").exists()


def test_the_own_object_store_tells_versions(tools, coordinator, admin):
    """Range requests with If-Range, as the client sends them."""
    def put(body):
        url = coordinator.api.call("POST", "/groups/mitosis_admin/attachments", {"key": "k", "content_length": len(body)}, admin)["url"]
        assert coordinator.api.request("PUT", url.split(str(coordinator.port), 1)[1], body)[0] == 200
    put(b"0123456789")
    path = coordinator.api.call("GET", "/groups/mitosis_admin/download/attachments/k", token=admin)["url"].split(str(coordinator.port), 1)[1]
    status, headers, body = coordinator.api.request("GET", path)
    tag = {name.lower(): value for name, value in headers.items()}["etag"]
    assert (status, body) == (200, b"0123456789") and re.fullmatch(r'"[0-9a-f.-]+"', tag)
    assert coordinator.api.request("GET", path, headers={"Range": "bytes=4-", "If-Range": tag})[::2] == (206, b"456789")
    put(b"abcdefghij")
    assert coordinator.api.request("GET", path, headers={"Range": "bytes=4-", "If-Range": tag})[::2] == (200, b"abcdefghij")


@pytest.fixture
def artifacts(coordinator, admin):
    """UUIDs of two tasks with `result` and `exec-log`, each an archive with one file."""
    def archive(name, text):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
        return packed.getvalue()
    uuids = []
    for number in (1, 2):
        uuid = coordinator.api.submit(admin, ["true"], tags=["nobody"])
        for kind in ("result", "exec-log"):
            body = archive(f"{kind}.txt", f"{kind} {number}".encode())
            url = coordinator.api.call("POST", f"/tasks/{uuid}/artifacts", {"content_type": kind, "content_length": len(body)}, admin)["url"]
            assert coordinator.api.request("PUT", url.split(str(coordinator.port), 1)[1], body)[0] == 200
        uuids.append(uuid)
    return uuids


def test_batches_never_replace_a_file(tools, coordinator, artifacts):
    def fetch(kind):
        result = tools.client(coordinator.url, "tasks", "artifacts", "download-many", kind, "-o", "all", "--concurrent", "4")
        assert result.returncode == 0, result.stderr
        return sorted(file.name for file in (tools.directory / "all").iterdir())
    first = fetch("result")
    assert first == sorted(f"{uuid}.tar.gz" for uuid in artifacts)
    kept = {name: (tools.directory / "all" / name).read_bytes() for name in first}
    both = fetch("exec-log")
    assert both == sorted([*first, *(f"{uuid}.exec-log.tar.gz" for uuid in artifacts)])
    assert all((tools.directory / "all" / name).read_bytes() == content for name, content in kept.items())
    assert fetch("exec-log") == both  # the same bytes again are the same files


def test_extract(tools, coordinator, artifacts):
    result = tools.client(coordinator.url, "tasks", "artifacts", "download", artifacts[0], "result", "--extract", "here")
    assert result.returncode == 0 and "1 files in here" in result.stdout, result.stderr
    assert [(file.name, file.read_text()) for file in (tools.directory / "here").iterdir()] == [("result.txt", "result 1")]
    result = tools.client(coordinator.url, "tasks", "artifacts", "download-list", "exec-log", *artifacts, "--extract", "each")
    assert result.returncode == 0, result.stderr
    assert {file.relative_to(tools.directory / "each").as_posix() for file in (tools.directory / "each").rglob("*.txt")} == {
        f"{uuid}/exec-log.txt" for uuid in artifacts}


@pytest.mark.parametrize("name", ["../escaped.txt", "/tmp/absolute.txt"])
def test_extract_stays_inside(tools, store, download, name):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = 4
        tar.addfile(info, io.BytesIO(b"evil"))
    store.content = packed.getvalue()
    store.tag = tag_of(store.content)
    result = download("--extract", "inside")
    assert result.returncode == 1 and "leads out of" in result.stderr
    assert not (tools.directory / "escaped.txt").exists() and not list((tools.directory / "inside").iterdir())


def test_a_directory_is_packed_for_upload(tools, coordinator):
    (tools.directory / "data" / "deep").mkdir(parents=True)
    (tools.directory / "data" / "deep" / "file").write_text("x")
    result = tools.client(coordinator.url, "groups", "attachments", "upload", "data", "inputs/")
    assert result.returncode == 0 and "inputs/data.tar.gz" in result.stderr, result.stderr
    result = tools.client(coordinator.url, "groups", "attachments", "download", "inputs/data.tar.gz", "-o", "back.tgz")
    assert result.returncode == 0
    with tarfile.open(tools.directory / "back.tgz") as tar:
        assert "data/deep/file" in tar.getnames()
