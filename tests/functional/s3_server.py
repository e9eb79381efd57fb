"""A real S3 server for tests (`rclone serve s3`), on a free port, with everything in a fresh directory."""
from __future__ import annotations

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MISSING = "rclone is missing: run script/bootstrap --test"
ACCESS_KEY, SECRET_KEY, REGION = "mitosis_access", "mitosis_secret", "mitosis"


def find_rclone() -> str | None:
    beside = ROOT / ".venv" / "bin" / "rclone"
    return str(beside) if beside.exists() else shutil.which("rclone")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class S3Server:
    """One server; `objects` is the folder with a folder for each bucket."""

    def __init__(self, *options: str):
        self.program = find_rclone()
        assert self.program, MISSING
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="mito-s3-"))
        self.objects = self.directory / "objects"
        self.objects.mkdir()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.options = options
        self._process: subprocess.Popen | None = None
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "HOME": str(self.directory)}
        with open(self.directory / "log", "ab") as log:
            self._process = subprocess.Popen([self.program, "serve", "s3", "--config", str(self.directory / "rclone.conf"), "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}",
                                              "--addr", f"127.0.0.1:{self.port}", *self.options, str(self.objects)],
                                             env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._process.poll() is None and time.monotonic() < deadline, f"rclone did not start:\n{(self.directory / 'log').read_text()}"
            time.sleep(0.02)

    def kill(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        """It sees afterwards what was done to its files behind its back."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def arguments(self, suffix: str = "") -> list[str]:
        """What a coordinator is told to use it, with buckets of its own where a suffix is given."""
        return ["--s3", self.url, "--s3-access-key", ACCESS_KEY, "--s3-secret-key", SECRET_KEY, "--s3-region", REGION,
                "--artifacts-bucket", f"mitosis-artifacts{suffix}", "--attachments-bucket", f"mitosis-attachments{suffix}"]

    def names(self, bucket: str) -> set[str]:
        """The keys in a bucket."""
        root = self.objects / bucket
        return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def need() -> None:
    if find_rclone() is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)


@pytest.fixture(scope="session")
def s3_server():
    """One server for all tests that do it no harm."""
    need()
    server = S3Server()
    yield server
    server.remove()


@pytest.fixture
def own_s3_server():
    """A server that the test may stop and freeze."""
    need()
    server = S3Server()
    yield server
    server.remove()
