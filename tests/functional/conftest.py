"""Fixtures that start the real programs. Every coordinator and worker gets a fresh directory and a free port, and is ended with the test."""
from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

import worker_coordinator

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MITO_BIN", str(ROOT / "build" / "release" / "bin" / "mito"))


def wait_until(condition, timeout: float = 10.0, what: str = "the condition"):
    """The first true value of `condition()`; fails the test after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout:g} s")
        time.sleep(0.02)


def clean_environment(home: pathlib.Path, extra: dict | None = None) -> dict:
    """An environment without anything of the user's own configuration."""
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith(("MITO_", "PG", "XDG_", "RUST_LOG", "PYTEST_")) and key.lower() not in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")}
    environment.update(HOME=str(home), XDG_CONFIG_HOME=str(home / "config"), XDG_CACHE_HOME=str(home / "cache"),
                       XDG_DATA_HOME=str(home / "data"), NO_COLOR="1")
    environment.update(extra or {})
    return environment


class Process:
    """A program in the background; its output is collected in files."""

    def __init__(self, arguments: list, directory: pathlib.Path, environment: dict, name: str, launcher: list = ()):
        """`launcher`: words before those of the program, which end by executing it in the same process."""
        self.arguments = [BINARY, *map(str, arguments)]
        self.stdout_path = directory / f"{name}.out"
        self.stderr_path = directory / f"{name}.err"
        with open(self.stdout_path, "ab") as out, open(self.stderr_path, "ab") as err:
            self.process = subprocess.Popen([*launcher, *self.arguments], cwd=directory, env=environment, stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=err, start_new_session=True)

    @property
    def pid(self) -> int:
        return self.process.pid

    def output(self) -> str:
        return self.stdout_path.read_text(errors="replace") + self.stderr_path.read_text(errors="replace")

    def wait_for_output(self, pattern: str, timeout: float = 10.0) -> re.Match:
        def found():
            match = re.search(pattern, self.output())
            if not match and self.process.poll() is not None:
                raise AssertionError(f"{self.arguments} ended with {self.process.returncode}:\n{self.output()}")
            return match
        return wait_until(found, timeout, f"{pattern!r} in the output of {self.arguments}")

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, timeout: float = 20.0) -> int:
        """SIGTERM and the exit code; SIGKILL and a failure when it does not end in time."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.arguments} did not end within {timeout:g} s of SIGTERM:\n{self.output()}") from None
        return self.process.returncode


class Api:
    """Plain HTTP requests to a coordinator; one connection for each."""

    def __init__(self, port: int, host: str = "127.0.0.1"):
        self.host, self.port = host, port

    def request(self, method: str, path: str, body=None, token: str | None = None, headers: dict | None = None, timeout: float = 60.0):
        """(status, headers, bytes)"""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            sent = dict(headers or {})
            if token:
                sent["Authorization"] = f"Bearer {token}"
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
                sent.setdefault("Content-Type", "application/json")
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def call(self, method: str, path: str, body=None, token: str | None = None, expect: int = 200, timeout: float = 60.0):
        """The JSON (or text) of an answer that must have status `expect`."""
        status, _, data = self.request(method, path, body, token, timeout=timeout)
        assert status == expect, f"{method} {path}: {status} {data!r}"
        try:
            return json.loads(data)
        except ValueError:
            return data.decode()

    def login(self, user: str = "mitosis_admin", password: str = "mitosis_admin") -> str:
        return self.call("POST", "/login", {"username": user, "md5_password": list(hashlib.md5(password.encode()).digest()), "retain": True})["token"]

    def submit(self, token: str, args: list, group: str = "mitosis_admin", **fields) -> str:
        """UUID of a new task."""
        spec = {"args": args, "terminal_output": fields.pop("terminal_output", False)}
        spec.update(fields.pop("spec", {}))
        body = {"group_name": group, "tags": [], "labels": [], "timeout": "10m", "priority": 0, "task_spec": spec}
        body.update(fields)
        return self.call("POST", "/tasks", body, token)["uuid"]

    def wait_for_result(self, token: str, uuid: str, timeout: float = 30.0) -> dict:
        """`info` of the task once its result is recorded."""
        def done():
            info = self.call("GET", f"/tasks/{uuid}", token=token)["info"]
            return info if info["result"] else None
        return wait_until(done, timeout, f"the result of task {uuid}")


class Coordinator(Process):
    """A coordinator on a free port of loopback, ready to answer."""

    def __init__(self, directory: pathlib.Path, arguments: list = (), extra: dict | None = None, port: int = 0, name: str = "coordinator"):
        self.directory = directory
        self.data = directory / "coordinator-data"
        super().__init__(["coordinator", "--bind", f"127.0.0.1:{port}", "--data-dir", self.data, *arguments], directory,
                         clean_environment(directory, extra), name)
        already = self.output().count("listening on")
        wait_until(lambda: self.process.poll() is not None or self.output().count("listening on") > already or
                   (already == 0 and "listening on" in self.output()), 20, "the coordinator's start")
        matches = re.findall(r"listening on[^\n]*?:(\d+)", self.output())
        if self.process.poll() is not None or not matches:
            raise AssertionError(f"the coordinator ended with {self.process.returncode}:\n{self.output()}")
        self.port = int(matches[-1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = Api(self.port)


class Tools:
    """What a test starts; everything is ended in reverse order."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self._processes: list[Process] = []

    def coordinator(self, *arguments, extra: dict | None = None, port: int = 0, directory: pathlib.Path | None = None, name: str | None = None) -> Coordinator:
        count = sum(isinstance(process, Coordinator) for process in self._processes)
        process = Coordinator(directory or self.directory, list(arguments), extra, port, name or f"coordinator-{count}")
        self._processes.append(process)
        return process

    def worker(self, url: str, *arguments, user: str = "mitosis_admin", password: str = "mitosis_admin", extra: dict | None = None,
               wait: bool = True, name: str | None = None, launcher: list = ()) -> Process:
        count = sum(process.arguments[1] == "worker" for process in self._processes)
        process = Process(["worker", "--coordinator", url, "--user", user, "--password", password, *arguments], self.directory,
                          clean_environment(self.directory, extra), name or f"worker-{count}", launcher)
        self._processes.append(process)
        if wait:
            process.wait_for_output("Worker registered with ID|registered")
        return process

    def processes(self) -> list[Process]:
        """Those it has started, in the order of their starts."""
        return list(self._processes)

    def start(self, *arguments, extra: dict | None = None, name: str = "process") -> Process:
        process = Process(list(arguments), self.directory, clean_environment(self.directory, extra), name)
        self._processes.append(process)
        return process

    def run(self, *arguments, extra: dict | None = None, timeout: float = 60.0, stdin: str | None = None, cwd: pathlib.Path | None = None) -> subprocess.CompletedProcess:
        """Runs `mito` to its end; text output."""
        return subprocess.run([BINARY, *map(str, arguments)], cwd=cwd or self.directory, env=clean_environment(self.directory, extra), text=True,
                              input=stdin, stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, timeout=timeout)

    def client(self, url: str, *arguments, user: str = "mitosis_admin", password: str = "mitosis_admin", **options) -> subprocess.CompletedProcess:
        """`mito client` as that user."""
        return self.run("client", "--coordinator", url, "--user", user, "--password", password, *arguments, **options)

    def end(self) -> None:
        failure = None
        for process in reversed(self._processes):
            try:
                process.stop()
            except AssertionError as error:
                failure = failure or error
        if failure:
            raise failure


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that failed shows the end of what its programs said."""
    report = (yield).get_result()
    tools = getattr(item, "funcargs", {}).get("tools")
    if report.when == "call" and report.failed and isinstance(tools, Tools):
        for process in tools.processes():
            report.sections.append((f"the end of the output of {process.stdout_path.stem} (mito {' '.join(process.arguments[1:])})", process.output()[-6000:]))


@pytest.fixture
def tools(tmp_path):
    """Starts programs in a fresh directory."""
    tools = Tools(tmp_path)
    yield tools
    tools.end()


@pytest.fixture
def coordinator(tools):
    """A coordinator on the embedded default."""
    return tools.coordinator()


@pytest.fixture
def admin(coordinator):
    """The admin's token on `coordinator`."""
    return coordinator.api.login()


@pytest.fixture
def fake():
    """A coordinator that the test plays, with our features."""
    coordinator = worker_coordinator.Coordinator()
    yield coordinator
    coordinator.close()


@pytest.fixture
def original():
    """Likewise, without any of our features."""
    coordinator = worker_coordinator.Coordinator(features=())
    yield coordinator
    coordinator.close()


@pytest.fixture
def unprivileged():
    """A user without rights, who may start programs."""
    from unprivileged import Unprivileged  # It needs this module, too.
    user = Unprivileged()
    yield user
    user.end()
