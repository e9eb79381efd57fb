"""Workers of the original's kind, simulated: they ask for tasks at once, speak the original's requests only, and end on any answer but 2xx and 404
and on any transport error but a failed connect. And an auditor of what they were told and what is stored."""
from __future__ import annotations

import http.client
import json
import random
import socket
import threading
import time

from crash_load import Link, User


class Died(AssertionError):
    """A worker of the original would have ended here."""


class OriginalWorker:
    """Fetches and reports, no process; on a thread of its own."""

    def __init__(self, load: "OriginalLoad", token: str, number: int):
        self.load, self.random = load, random.Random(number)
        body = {"tags": [], "labels": [], "groups": ["mitosis_admin"], "lifetime": None}
        status, answer, _ = Link(load, token).call("POST", "/workers", body)
        assert status == 200, answer
        self.uuid, self.token = answer["worker_id"], answer["token"]
        self.connection: http.client.HTTPConnection | None = None
        self.told: list[str] = []
        self.reported: dict[str, int] = {}  # uuid -> exit status
        self.unknown: set[str] = set()      # reported, and then told that there is no such task

    def call(self, method: str, path: str, body=None):
        """(status, JSON); status 0: nobody listens."""
        data = None if body is None else json.dumps(body)
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.load.port, timeout=120)
            try:
                self.connection.connect()
            except OSError:
                self.connection = None
                return 0, None
            self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.connection.request(method, path, data, {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
            response = self.connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as failure:
            raise Died(f"{method} {path}: {failure!r}") from failure
        if response.getheader("Connection", "").lower() == "close":
            self.connection.close()
            self.connection = None
        if response.status // 100 != 2 and response.status != 404:
            raise Died(f"{method} {path}: {response.status} {text!r}")
        return response.status, json.loads(text) if text[:1] in (b"{", b"[", b"n") else text

    def until_answered(self, method: str, path: str, body=None):
        while True:
            status, answer = self.call(method, path, body)
            if status:
                return status, answer
            time.sleep(0.05)

    def run(self) -> None:
        next_heartbeat = 0.0
        while True:
            if time.monotonic() > next_heartbeat:
                self.until_answered("POST", "/workers/heartbeat")
                next_heartbeat = time.monotonic() + 1
            _, task = self.until_answered("GET", "/workers/tasks")
            if task is None:
                if self.load.over:
                    return
                time.sleep(0.02)
                continue
            if not self.told or self.told[-1] != task["uuid"]:
                self.told.append(task["uuid"])
            self.until_answered("POST", "/workers/tasks", {"id": task["id"], "op": "Finish"})
            if self.random.random() < 0.2:  # Asks where to put a log, and puts none.
                self.until_answered("POST", "/workers/tasks", {"id": task["id"], "op": {"Upload": {"content_type": "std-log", "content_length": 10}}})
            exit_status = self.random.getrandbits(30)
            status, _ = self.until_answered("POST", "/workers/tasks", {"id": task["id"], "op": {"Commit": {"exit_status": exit_status, "msg": None}}})
            if status == 404:
                self.unknown.add(task["uuid"])
            else:
                assert task["uuid"] not in self.reported, "a task was run again after its result was recorded"
                self.reported[task["uuid"]] = exit_status
            self.load.ended += 1


class OriginalLoad:
    """Users of ours, who repeat what was not answered, and workers of the original's kind, until end()."""

    def __init__(self, port: int, token: str, users: int = 2, workers: int = 6):
        self.port, self.most_outstanding = port, 300
        self.submissions_over = self.over = False
        self.submitted = self.ended = self.repeats = 0
        self.failures: list[BaseException] = []
        self.users = [User(self, token, random.Random(number)) for number in range(users)]
        self.workers = [OriginalWorker(self, token, number) for number in range(workers)]
        self._users = [self._thread(user) for user in self.users]
        self._workers = [self._thread(worker) for worker in self.workers]

    def _thread(self, actor) -> threading.Thread:
        def run():
            try:
                actor.run()
            except BaseException as failure:  # noqa: BLE001 - shown by check()
                self.failures.append(failure)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def outstanding(self) -> int:
        return self.submitted - self.ended

    def check(self) -> None:
        if self.failures:
            raise self.failures[0]

    def run_for(self, seconds: float) -> None:
        """Lets it run, and fails at once when somebody fails."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.check()
            time.sleep(0.05)

    def run_until_ended(self, more: int, timeout: float = 60.0) -> None:
        """Until that many more tasks have ended."""
        goal, deadline = self.ended + more, time.monotonic() + timeout
        while self.ended < goal:
            self.check()
            assert time.monotonic() < deadline, f"only {more - (goal - self.ended)} of {more} tasks ended within {timeout:g} s"
            time.sleep(0.05)

    def end(self) -> None:
        self.submissions_over = True
        for thread in self._users:
            thread.join(120)
        deadline = time.monotonic() + 120
        while self.outstanding() > 0 and time.monotonic() < deadline:
            self.check()
            time.sleep(0.05)
        self.over = True
        for thread in self._workers:
            thread.join(120)
        self.check()
        assert not any(thread.is_alive() for thread in self._users + self._workers), "the load hangs"


def rows_in_postgres(server, database: str) -> dict[str, tuple]:
    """uuid -> (archived, exit status, reporter, number in the group)"""
    text = server.psql("SELECT uuid, false, NULL, NULL, task_id FROM active_tasks UNION ALL"
                       " SELECT uuid, true, result ->> 'exit_status', reporter_uuid, task_id FROM archived_tasks", database)
    rows = {}
    for line in text.splitlines():
        name, archived, status, reporter, number = line.split("|")
        assert name not in rows, f"task {name} is there twice"
        rows[name] = (archived == "t", int(status) if status else None, reporter, int(number))
    return rows


def rows_in_sqlite(path) -> dict[str, tuple]:
    """The same of an SQLite file."""
    import contextlib
    import sqlite3
    import uuid
    with contextlib.closing(sqlite3.connect(path)) as database:
        return {str(uuid.UUID(bytes=row[0])): (row[1] == 1, json.loads(row[2])["exit_status"] if row[2] else None, str(uuid.UUID(bytes=row[3])) if row[3] else "", row[4])
                for row in database.execute("SELECT uuid, archived, result, reporter_uuid, task_id FROM tasks")}


def audit(load: OriginalLoad, rows: dict[str, tuple]) -> int:
    """Nothing that was acknowledged is lost, nothing is there twice, and what was reported is what is stored. The number of tasks."""
    for user in load.users:
        for name, number in user.acknowledged.items():
            assert name in rows, f"the acknowledged task {name} is lost"
            assert rows[name][3] == number, f"task {name} has another number than was answered"
    numbers = sorted(row[3] for row in rows.values())
    assert numbers == list(range(1, len(numbers) + 1)), "numbers have gaps or repeat"
    told: dict[str, str] = {}
    for worker in load.workers:
        for name in worker.told:
            assert told.setdefault(name, worker.uuid) == worker.uuid, f"task {name} was given to two workers"
        for name, exit_status in worker.reported.items():
            archived, stored, reporter, _ = rows[name]
            assert archived and stored == exit_status and reporter == worker.uuid, f"the result of {name} is not what was reported: {rows[name]}"
        for name in worker.unknown:
            assert rows[name][0], f"task {name} was unknown to the coordinator, and is not over"
    assert all(row[0] for row in rows.values()), "tasks never ended"
    assert set(told) == set(rows), "a task ended without having been run"
    return len(rows)
