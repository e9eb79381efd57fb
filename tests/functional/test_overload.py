"""Peers that mean no good: memory stays bounded, refusals are counted, and clients and workers are served meanwhile.

The worker here is one of the original's kind: it knows none of our additions, asks again and again, and ends on any answer but 2xx and 404."""
from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import threading
import time

import pytest
from conftest import Api, Tools, wait_until

LOAD_SECONDS = 5.0
MEBIBYTE = 1 << 20


class Healthy:
    """A client and a worker that go on with their work; `check` says whether they could."""

    def __init__(self, coordinator, token: str):
        self.api, self.token = coordinator.api, token
        self.stop = threading.Event()
        self.faults: list[str] = []
        self.committed: set[str] = set()
        self.submitted: list[str] = []
        self.slowest = 0.0
        worker = self.call("POST", "/workers", {"tags": [], "labels": [], "groups": ["mitosis_admin:Write"]}, token)
        self.worker_token = worker["token"]
        self.threads = [threading.Thread(target=self.guard, args=(loop,), daemon=True) for loop in (self.work, self.submit)]
        for thread in self.threads:
            thread.start()

    def call(self, method: str, path: str, body=None, token: str | None = None):
        began = time.monotonic()
        answer = self.api.call(method, path, body, token, timeout=20)
        self.slowest = max(self.slowest, time.monotonic() - began)
        return answer

    def guard(self, loop):
        try:
            while not self.stop.is_set():
                loop()
        except Exception as error:  # pylint: disable=broad-except
            self.faults.append(f"{loop.__name__}: {error!r}")

    def work(self):
        self.call("POST", "/workers/heartbeat", token=self.worker_token)
        task = self.call("GET", "/workers/tasks", token=self.worker_token)
        if not task:
            self.stop.wait(0.02)
            return
        self.call("POST", "/workers/tasks", {"id": task["id"], "op": "Finish"}, self.worker_token)
        self.call("POST", "/workers/tasks", {"id": task["id"], "op": {"Commit": {"exit_status": 0, "msg": None}}}, self.worker_token)
        self.committed.add(task["uuid"])

    def submit(self):
        self.submitted.append(self.api.submit(self.token, ["true"]))
        self.call("POST", "/tasks/query", {"limit": 5, "count": False}, self.token)
        self.stop.wait(0.05)

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(30)


def resident(coordinator) -> int:
    """Bytes."""
    with open(f"/proc/{coordinator.pid}/status", encoding="ascii") as status:
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status.read(), re.M).group(1)) * 1024


def metric(coordinator, name: str) -> float:
    text = coordinator.api.request("GET", "/metrics")[2].decode()
    return float(re.search(rf"^mito_{name} (\S+)$", text, re.M).group(1))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    tools = Tools(tmp_path_factory.mktemp("overload"))
    coordinator = tools.coordinator("--max-connections", "14000", "--max-answer-bytes", "64MiB", "--shutdown-grace", "2s")
    coordinator.token = coordinator.api.login()
    yield coordinator
    tools.end()


@contextlib.contextmanager
def served_meanwhile(server, growth: int):
    """The healthy ones work before, during and after what happens inside; the coordinator grows by at most `growth` bytes."""
    healthy = Healthy(server, server.token)
    before = resident(server)
    highest = [before]
    watching = threading.Event()

    def watch():
        while not watching.wait(0.1):
            highest[0] = max(highest[0], resident(server))
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        wait_until(lambda: healthy.committed, 20, "the first result")
        done = len(healthy.committed)
        yield healthy
        assert not healthy.faults, healthy.faults
        wait_until(lambda: len(healthy.committed) > done + 3 or healthy.faults, 30, "results meanwhile")
        assert not healthy.faults, healthy.faults
    finally:
        healthy.end()
        watching.set()
        watcher.join()
    assert not healthy.faults, healthy.faults
    assert healthy.slowest < 15, f"a request took {healthy.slowest:.1f} s"
    assert highest[0] - before < growth, f"it grew by {(highest[0] - before) / MEBIBYTE:.0f} MiB"


def connect(server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def test_two_thousand_halves_of_requests(server):
    with contextlib.ExitStack() as stack, served_meanwhile(server, 100 * MEBIBYTE) as healthy:
        for number in range(2_000):
            peer = stack.enter_context(connect(server))
            peer.sendall(b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + (b"Content-Length: 100\r\n\r\n{" if number % 2 else b"X-Half: "))
        assert metric(server, "connections") >= 2_000
        done = len(healthy.committed)
        time.sleep(LOAD_SECONDS)
        assert len(healthy.committed) > done
    wait_until(lambda: metric(server, "connections") < 50, 30, "the connections to be gone")


def test_ten_thousand_that_only_connect(server):
    with contextlib.ExitStack() as stack, served_meanwhile(server, 250 * MEBIBYTE) as healthy:
        for _ in range(10_000):
            stack.enter_context(connect(server))
        wait_until(lambda: metric(server, "connections") >= 10_000, 20, "all connections")
        done = len(healthy.committed)
        time.sleep(LOAD_SECONDS)
        assert len(healthy.committed) > done
    wait_until(lambda: metric(server, "connections") < 50, 30, "the connections to be gone")


def test_at_the_limit_those_who_ask_nothing_make_room(tmp_path):
    tools = Tools(tmp_path)
    try:
        coordinator = tools.coordinator("--max-connections", "100", "--shutdown-grace", "2s")
        coordinator.token = coordinator.api.login()
        with contextlib.ExitStack() as stack, served_meanwhile(coordinator, 50 * MEBIBYTE):
            for _ in range(300):
                stack.enter_context(connect(coordinator))
            time.sleep(2)
        assert metric(coordinator, "connections_displaced_total") >= 100
    finally:
        tools.end()


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_flood_of_bodies_of_a_gibibyte(server, framing):
    refused = metric(server, "requests_refused_total")
    piece = b"x" * 65_536

    def send():
        until = time.monotonic() + LOAD_SECONDS
        head = f"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{'Content-Length: 1073741824' if framing == 'length' else 'Transfer-Encoding: chunked'}\r\n\r\n"
        chunk = piece if framing == "length" else b"10000\r\n" + piece + b"\r\n"
        while time.monotonic() < until:
            with contextlib.suppress(OSError), connect(server) as peer:
                peer.sendall(head.encode())
                for _ in range((1 << 30) // len(piece)):
                    peer.sendall(chunk)
                    if time.monotonic() > until:
                        break
    with served_meanwhile(server, 150 * MEBIBYTE):
        threads = [threading.Thread(target=send, daemon=True) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert metric(server, "requests_refused_total") >= refused + 12


def test_readers_that_never_read(server):
    task = {"group_name": "mitosis_admin", "tags": [], "labels": [], "timeout": "1m", "priority": 0, "task_spec": {"args": ["x" * 2_000], "terminal_output": False}}
    paused = {**task, "tags": ["nobody-has-this"]}
    server.api.call("POST", "/groups", {"group_name": "bulk"}, server.token)
    for _ in range(4):
        server.api.call("POST", "/tasks/submit", {"tasks": [{**paused, "group_name": "bulk"}] * 500}, server.token)
    body = b'{"group_name":"bulk","count":false}'
    head = (f"POST /tasks/query HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode()
    refused = metric(server, "answers_refused_total")
    with contextlib.ExitStack() as stack, served_meanwhile(server, 350 * MEBIBYTE):
        for _ in range(30):  # Each answer has 5 MB.
            peer = stack.enter_context(socket.socket())
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.connect(("127.0.0.1", server.port))
            peer.sendall((head + body) * 2)
        wait_until(lambda: metric(server, "answers_refused_total") > refused, 30, "a refusal")
    wait_until(lambda: metric(server, "answer_bytes") == 0, 30, "the answers to be gone")


def test_a_burst_of_wrong_logins(server):
    body = {"username": "mitosis_admin", "md5_password": list(range(16)), "retain": True}
    answers: list[int] = []

    def attack():
        api = Api(server.port)
        until = time.monotonic() + LOAD_SECONDS
        while time.monotonic() < until:
            answers.append(api.request("POST", "/login", body, timeout=30)[0])
    other = {"username": "rita", "md5_password": list(hashlib.md5(b"pw").digest()), "admin": False}
    server.api.call("POST", "/admin/users", other, server.token)
    with served_meanwhile(server, 150 * MEBIBYTE):
        threads = [threading.Thread(target=attack, daemon=True) for _ in range(32)]
        for thread in threads:
            thread.start()
        good = server.api.call("POST", "/login", {"username": "rita", "md5_password": other["md5_password"], "retain": True})
        for thread in threads:
            thread.join()
    assert good["token"] and set(answers) == {401, 429}
    assert metric(server, "logins_refused_total") > 0
