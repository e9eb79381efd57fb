"""A real Redis for tests, without persistence, on a free port; and a client in fifty lines, for what tests look at."""
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

from s3_server import free_port

MISSING = "redis-server is missing: run script/bootstrap --test"


class RedisError(Exception):
    """An answer that begins with a minus."""


class RedisClient:
    """Commands and messages over one connection."""

    def __init__(self, port: int, user: str | None = None, password: str | None = None):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._file = self._socket.makefile("rb")
        if password is not None:
            self.call("AUTH", *([user] if user else []), password)

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def send(self, *words) -> None:
        encoded = [str(word).encode() for word in words]
        self._socket.sendall(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded))

    def read(self):
        line = self._file.readline()
        if not line:
            raise ConnectionError("the Redis closed the connection")
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b"-":
            raise RedisError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == "-1" else self._file.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        return rest

    def call(self, *words):
        self.send(*words)
        return self.read()

    def announce(self, task: str, state: int, life: int | None = 60) -> None:
        """As a worker of the original does."""
        key = f"task:{task}"
        self.call(*(["SETEX", key, life] if life else ["SET", key]), state)
        self.call("PUBLISH", key, state)


class RedisServer:
    """One server."""

    def __init__(self, *options: str):
        self.program = shutil.which("redis-server")
        assert self.program, MISSING
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="mito-redis-"))
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.options = options
        self._process: subprocess.Popen | None = None
        self.start()

    def start(self) -> None:
        """Begins anew, empty, on the same port."""
        with open(self.directory / "log", "ab") as log:
            self._process = subprocess.Popen([self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                                              "--dir", str(self.directory), *self.options], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._process.poll() is None and time.monotonic() < deadline, f"redis-server did not start:\n{(self.directory / 'log').read_text()}"
            time.sleep(0.02)

    def kill(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def client(self, user: str | None = None, password: str | None = None) -> RedisClient:
        return RedisClient(self.port, user, password)


def need() -> None:
    if shutil.which("redis-server") is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)


@pytest.fixture
def redis_server():
    need()
    server = RedisServer()
    yield server
    server.remove()
