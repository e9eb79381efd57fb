"""A load on a coordinator that is killed again and again: users who submit, workers who report, and what each was answered."""
from __future__ import annotations

import http.client
import json
import os
import random
import threading
import time

LONGEST_REPEAT = 60.0


def uuid7() -> str:
    number = (int(time.time() * 1000) << 80) | (7 << 76) | (random.getrandbits(12) << 64) | (2 << 62) | random.getrandbits(62)
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Link:
    """One kept-alive connection. A request is repeated until it is answered with something but a refusal for now."""

    def __init__(self, load: "Load", token: str):
        self.load, self.token = load, token
        self.connection: http.client.HTTPConnection | None = None

    def call(self, method: str, path: str, body=None):
        """(status, JSON, whether an earlier try may have had its effect)"""
        data = None if body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        repeated = False
        deadline = time.monotonic() + LONGEST_REPEAT
        while True:
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.load.port, timeout=30)
                self.connection.request(method, path, data, headers)
                response = self.connection.getresponse()
                text = response.read()
                if response.status != 503:
                    return response.status, json.loads(text) if text[:1] in b"{[n" else text, repeated
            except (OSError, http.client.HTTPException):
                self.connection.close()
                self.connection = None
            self.load.repeats += 1
            repeated = True
            if time.monotonic() > deadline:
                raise AssertionError(f"{method} {path} was not answered for {LONGEST_REPEAT:g} s")
            time.sleep(0.02)


class User:
    """Submits tasks, most of them under names of its own, so that it may repeat a request whose answer was lost."""

    def __init__(self, load: "Load", token: str, random_source: random.Random):
        self.link, self.load, self.random = Link(load, token), load, random_source
        self.acknowledged: dict[str, int] = {}  # uuid -> number in the group

    def task(self, named: bool) -> dict:
        spec = {"args": ["true"], "terminal_output": False}
        task = {"group_name": "mitosis_admin", "tags": [], "labels": [], "timeout": "10m",
                "priority": self.random.randint(-2, 2), "task_spec": spec}
        return task | {"uuid": uuid7()} if named else task

    def run(self) -> None:
        while not self.load.submissions_over:
            if self.load.outstanding() > self.load.most_outstanding:
                time.sleep(0.01)
            elif self.random.random() < 0.6:
                self.submit_one()
            else:
                self.submit_batch()

    def submit_one(self) -> None:
        status, answer, _ = self.link.call("POST", "/tasks", self.task(named=self.random.random() < 0.8))
        assert status == 200, answer
        self.acknowledge(answer)

    def submit_batch(self) -> None:
        tasks = [self.task(named=True) for _ in range(self.random.randint(2, 30))]
        status, answer, _ = self.link.call("POST", "/tasks/submit", {"tasks": tasks})
        assert status == 200 and len(answer["results"]) == len(tasks), answer
        for task, result in zip(tasks, answer["results"]):
            assert result["Ok"]["uuid"] == task["uuid"], result
            self.acknowledge(result["Ok"])

    def acknowledge(self, submitted: dict) -> None:
        known = self.acknowledged.setdefault(submitted["uuid"], submitted["task_id"])
        assert known == submitted["task_id"], f"{submitted} had the number {known}"
        self.load.submitted += 1


class Worker:
    """Fetches and reports, no process. Odd ones speak the original's requests only."""

    def __init__(self, load: "Load", user_token: str, number: int, random_source: random.Random):
        self.load, self.random, self.ours = load, random_source, number % 2 == 0
        body = {"tags": [], "labels": [], "groups": ["mitosis_admin"], "lifetime": None}
        if self.ours:
            body |= {"features": ["wait", "complete", "detail"], "lease": "10m"}
        status, answer, _ = Link(load, user_token).call("POST", "/workers", body)
        assert status == 200, answer
        self.uuid, self.link = answer["worker_id"], Link(load, answer["token"])
        self.told: list[str] = []            # every task it was told to run, in order
        self.reported: dict[str, tuple] = {}  # uuid -> (state, exit status) whose recording it was told

    def run(self) -> None:
        task = None
        while True:
            if task is None:
                status, task, _ = self.link.call("GET", "/workers/tasks?wait=1s" if self.ours else "/workers/tasks")
                assert status == 200, task
            if task is None:
                if self.load.over:
                    return
                time.sleep(0.005)
                continue
            if not self.told or self.told[-1] != task["uuid"]:
                self.told.append(task["uuid"])
            task = self.complete(task) if self.ours else self.commit(task)

    def complete(self, task: dict):
        state, exit_status = self.random.choice(("Finished", "Cancelled")), self.random.getrandbits(30)
        operation = {"exit_status": exit_status, "msg": None, "state": state, "next": self.random.random() < 0.8}
        if self.random.random() < 0.2:
            operation["detail"] = {"notes": ["x" * self.random.randint(1, 2000)]}
        status, answer, _ = self.link.call("POST", "/workers/tasks", {"id": task["id"], "op": {"Complete": operation}})
        assert status == 200, f"{task}: {status} {answer}"
        self.record(task, state, exit_status)
        return answer["next"]

    def commit(self, task: dict) -> None:
        operation, state = self.random.choice((("Finish", "Finished"), ("Cancel", "Cancelled")))
        exit_status = self.random.getrandbits(30)
        status, answer, _ = self.link.call("POST", "/workers/tasks", {"id": task["id"], "op": operation})
        assert status == 200, f"{task}: {status} {answer}"
        status, answer, repeated = self.link.call(
            "POST", "/workers/tasks", {"id": task["id"], "op": {"Commit": {"exit_status": exit_status, "msg": None}}})
        # Of a commit whose answer was lost the original's worker is told that there is no such task any more.
        assert status == 200 or (repeated and status == 404), f"{task}: {status} {answer}"
        self.record(task, state, exit_status)

    def record(self, task: dict, state: str, exit_status: int) -> None:
        assert task["uuid"] not in self.reported, f"{task['uuid']} was run again after its result was recorded"
        self.reported[task["uuid"]] = (state, exit_status)
        self.load.ended += 1


class Load:
    """Users and workers, each on a thread of its own, until end()."""

    def __init__(self, port: int, user_token: str, users: int = 2, workers: int = 4, most_outstanding: int = 2_000, seed: int = 0):
        self.port, self.most_outstanding = port, most_outstanding
        self.submissions_over = self.over = False
        self.submitted = self.ended = self.repeats = 0
        self.failures: list[BaseException] = []
        self.users = [User(self, user_token, random.Random(seed * 100 + number)) for number in range(users)]
        self.workers = [Worker(self, user_token, number, random.Random(seed * 100 + 50 + number)) for number in range(workers)]
        self.user_threads = [self.thread(user) for user in self.users]
        self.worker_threads = [self.thread(worker) for worker in self.workers]

    def thread(self, actor) -> threading.Thread:
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

    def end(self) -> None:
        """No more submissions; returns when the workers found nothing more to do."""
        self.submissions_over = True
        for thread in self.user_threads:
            thread.join(2 * LONGEST_REPEAT)
        self.over = True
        for thread in self.worker_threads:
            thread.join(5 * LONGEST_REPEAT)
        self.check()
        assert not any(thread.is_alive() for thread in self.user_threads + self.worker_threads), "the load hangs"


def number_from_environment(name: str, default: float) -> float:
    return float(os.environ.get(name, default))
