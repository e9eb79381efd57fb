"""Execution states and watches of a worker through a Redis, as the original's workers use one, and without."""
from __future__ import annotations

import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time
import uuid

import pytest

from conftest import wait_until
from worker_coordinator import Coordinator

pytestmark = pytest.mark.skipif(shutil.which("redis-server") is None and not os.environ.get("CI"), reason="there is no redis-server here")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis:
    """A redis-server of our own, and as much of its protocol as is needed."""

    def __init__(self, directory: pathlib.Path):
        self.directory, self.port, self.process = directory, free_port(), None
        self.messages: list[tuple[str, str]] = []
        self.start()

    def start(self):
        self.process = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.directory)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, what="redis-server")

    def stop(self):
        self.process.kill()
        self.process.wait()

    def answers(self) -> bool:
        try:
            return self.call("PING") == "PONG"
        except OSError:
            return False

    def add_user(self):
        assert self.call("ACL", "SETUSER", "mitosis_worker", "on", ">pw", "~task:*", "&task:*", "+@read", "+@write", "+@connection", "+@pubsub", "-@dangerous") == "OK"

    @property
    def url(self) -> str:
        return f"redis://mitosis_worker:pw@127.0.0.1:{self.port}/?protocol=resp3"

    def call(self, *words):
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            send(connection, words)
            return read(connection.makefile("rb"))

    def listen(self):
        """Collects what is published from now on in `messages`."""
        connection = socket.create_connection(("127.0.0.1", self.port), 5)
        connection.settimeout(None)
        stream = connection.makefile("rb")
        send(connection, ("PSUBSCRIBE", "task:*"))
        read(stream)

        def run():
            try:
                while True:
                    message = read(stream)
                    if message and message[0] == "pmessage":
                        self.messages.append((message[2], message[3]))
            except (OSError, ValueError, IndexError):
                pass
        threading.Thread(target=run, daemon=True).start()

    def told(self, task: str) -> list[int]:
        return [int(payload) for channel, payload in self.messages if channel == f"task:{task}"]


def send(connection, words):
    connection.sendall(f"*{len(words)}\r\n".encode() + b"".join(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words))


def read(stream):
    line = stream.readline().strip()
    if not line:
        raise OSError("closed")
    kind, rest = chr(line[0]), line[1:].decode()
    if kind == "$":
        return None if rest == "-1" else stream.read(int(rest) + 2)[:-2].decode()
    if kind == "*":
        return [read(stream) for _ in range(int(rest))]
    return int(rest) if kind == ":" else rest


@pytest.fixture
def redis(tmp_path):
    server = Redis(tmp_path)
    server.add_user()
    yield server
    server.stop()


@pytest.fixture
def original(redis):
    """A coordinator without our features, with that Redis."""
    coordinator = Coordinator(features=())
    coordinator.redis_url = redis.url
    yield coordinator
    coordinator.close()


def start(tools, coordinator, *arguments):
    return tools.worker(coordinator.url, "--grace", "0s", "--polling-interval", "50ms", *arguments)



def watching(coordinator, state: str, **fields) -> tuple[int, str]:
    """A task that watches another, of which the coordinator says that it runs."""
    target = str(uuid.uuid4())
    coordinator.watched[target] = coordinator.task_info("Running")
    return coordinator.submit(["echo", "ran"], watch=[target, state], **fields), target


def test_states_are_announced_as_the_originals_workers_do(tools, redis, original):
    redis.listen()
    start(tools, original)
    number = original.submit(["sh", "-c", "echo out"], terminal_output=True)
    original.result(number)
    task = original.given[number]
    wait_until(lambda: redis.told(task)[-1:] == [19], what="the last state")
    assert redis.told(task) == [1, 10, 11, 12, 14, 15, 17, 19]
    assert redis.call("GET", f"task:{task}") == "19" and 0 < redis.call("TTL", f"task:{task}") <= 60
    late = original.submit(["sleep", "60"], timeout="1s")
    original.result(late)
    wait_until(lambda: redis.told(original.given[late])[-1:] == [19], what="the last state")
    assert redis.told(original.given[late]) == [1, 10, 11, 13, 14, 16, 17, 19]
    missing = original.submit(["true"], resources=[{"remote_file": {"Attachment": {"key": "ghost"}}, "local_path": "x"}])
    original.result(missing)
    wait_until(lambda: redis.told(original.given[missing])[-1:] == [19], what="the last state")
    assert redis.told(original.given[missing]) == [1, 5, 19]


def test_a_watch_ends_with_a_message(tools, redis, original):
    redis.listen()
    start(tools, original)
    number, target = watching(original, "ExecSpawned")
    wait_until(lambda: 7 in redis.told(original.given[number]), what="the watch")
    wait_until(lambda: redis.call("PUBSUB", "NUMSUB", f"task:{target}")[1] >= 1, what="a subscription")
    assert number not in original.results
    redis.call("PUBLISH", f"task:{target}", "11")
    begin = time.monotonic()
    assert original.result(number)["exit_status"] == 0
    assert time.monotonic() - begin < 3


def test_a_watch_is_met_by_what_was_announced_before(tools, redis, original):
    number, target = watching(original, "ExecFinished")
    redis.call("SET", f"task:{target}", "12")
    start(tools, original)
    assert original.result(number)["msg"] is None


@pytest.mark.parametrize("how", ["dies", "forgets its users"])
def test_a_redis_that_goes_during_a_watch_does_no_harm(tools, redis, original, how):
    worker = start(tools, original)
    number, target = watching(original, "ExecFinished")
    wait_until(lambda: redis.call("PUBSUB", "NUMSUB", f"task:{target}")[1] >= 1, what="a subscription")
    redis.stop()
    if how == "forgets its users":
        redis.start()
    before, begin = cpu(worker.pid), time.monotonic()
    wait_until(lambda: time.monotonic() - begin > 1.5, what="a while")
    assert cpu(worker.pid) - before < 0.5, "it does not spin"
    assert number not in original.results
    original.watched[target] = original.task_info("Finished", {"exit_status": 0, "msg": None})
    assert original.result(number, timeout=15)["exit_status"] == 0
    assert original.result(original.submit(["true"]))["exit_status"] == 0, "and the worker goes on"


def cpu(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_without_redis_the_coordinator_is_asked(tools, redis, original):
    redis.listen()
    start(tools, original, "--skip-redis")
    number, target = watching(original, "ExecFinished")
    original.wait(lambda: any(path.endswith(target) for _, path, _ in original.log), what="a question")
    original.watched[target] = original.task_info("Finished", {"exit_status": 0, "msg": None})
    assert original.result(number, timeout=15)["exit_status"] == 0
    assert not redis.messages


def test_a_url_that_is_none_is_told_and_left(tools, redis, original):
    original.redis_url = "http://nonsense"
    worker = start(tools, original)
    worker.wait_for_output("Worker cannot setup redis conn")
    assert original.result(original.submit(["true"]))["exit_status"] == 0


def test_a_watching_task_with_a_short_timeout(tools, redis, original):
    """Time spent waiting does not count against the task's timeout."""
    start(tools, original)
    number, target = watching(original, "ExecFinished", timeout="1s")
    begin = time.monotonic()
    wait_until(lambda: time.monotonic() - begin > 1.5, what="more than the timeout")
    redis.call("SET", f"task:{target}", "12")
    redis.call("PUBLISH", f"task:{target}", "12")
    assert original.result(number)["msg"] is None


def test_a_stopped_worker_announces_that_it_left(tools, redis, original):
    redis.listen()
    worker = start(tools, original)
    number = original.submit(["sleep", "60"])
    original.wait(lambda: number in original.given, what="the task is given")
    wait_until(lambda: 11 in redis.told(original.given[number]), what="the command")
    assert worker.stop() == 3
    wait_until(lambda: redis.told(original.given[number])[-1:] == [-1], what="the last state")
