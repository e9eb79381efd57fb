"""Short tasks that a worker fetches ahead: each runs once and ends once, whatever happens to the worker and its coordinator meanwhile."""
from __future__ import annotations

import collections
import json
import os
import pathlib
import signal

import pytest

import worker_coordinator
from conftest import wait_until
from tcp_gate import Gate
from test_worker import artifact

# Every wait is for a condition. A machine that is ten times slower needs more of this time, not another test.
PATIENCE = 60.0
LIST = "/workers/tasks/report/list"
MOST_SEATS = 8  # the default of --prefetch


class Numbers:
    """Numbered short tasks. Each appends its number to one file when it runs, in one write."""

    def __init__(self, directory: pathlib.Path):
        self.file = directory / "ran"
        self.file.touch()
        self.count = 0

    def command(self, before: str = "", after: str = "") -> list[str]:
        """Of the next task. It is as short as one with a shell can be, but for what is done `before` and `after`."""
        self.count += 1
        return ["sh", "-c", f"{before}echo {self.count} >> {self.file}{after}"]

    def ran(self) -> list[int]:
        return [int(word) for word in self.file.read_text().split()]

    def repeated(self) -> list[int]:
        """Those that ran once more, as often as they did."""
        return [number for number, times in collections.Counter(self.ran()).items() for _ in range(times - 1)]

    def check_each_once(self) -> None:
        assert sorted(self.ran()) == list(range(1, self.count + 1))


class Board:
    """Numbered tasks on a real coordinator, and what it says of them and of its workers."""

    def __init__(self, tools, coordinator, token: str):
        self.tools, self.coordinator, self.token = tools, coordinator, token
        self.numbers = Numbers(tools.directory)

    def submit(self, commands: list[list[str]], **spec) -> list[str]:
        """All at once, in this order; their UUIDs."""
        tasks = [{"group_name": "mitosis_admin", "tags": [], "labels": [], "timeout": "10m", "priority": 0,
                  "task_spec": {"args": command, "terminal_output": False, **spec}} for command in commands]
        answer = self.coordinator.api.call("POST", "/tasks/submit", {"tasks": tasks}, self.token)
        return [result["Ok"]["uuid"] for result in answer["results"]]

    def add(self, count: int, before: str = "", after: str = "") -> list[str]:
        return self.submit([self.numbers.command(before, after) for _ in range(count)])

    def tasks(self, *states: str) -> int:
        query = {"group_name": "mitosis_admin", "states": list(states), "count": True}
        return self.coordinator.api.call("POST", "/tasks/query", query, self.token)["count"]

    def workers(self) -> list[dict]:
        return self.coordinator.api.call("POST", "/workers/query", {"group_name": "mitosis_admin", "count": False}, self.token)["workers"]

    def start_worker(self, *arguments, slots: int = 1, **options):
        return self.tools.worker(self.coordinator.url, "--slots", str(slots), *arguments, **options)

    def wait_for_burst(self, more_than: int, before: str = "", after: str = "") -> None:
        """Until there are more registrations than that; there are always tasks enough for it to be worth while."""
        def seen() -> bool:
            if self.tasks("Ready") < 100:
                self.add(200, before, after)
            return len(self.workers()) > more_than
        wait_until(seen, PATIENCE, f"more registrations than {more_than}")

    def wait_for_runs(self, more: int) -> None:
        least = len(self.numbers.ran()) + more
        wait_until(lambda: len(self.numbers.ran()) >= least, PATIENCE, f"{more} further runs")

    def wait_for_all(self) -> None:
        """Each submitted task is Finished, none is anything else."""
        wait_until(lambda: self.tasks("Finished") == self.numbers.count, PATIENCE, "the end of all tasks")
        assert self.tasks("Pending", "Ready", "Running", "Cancelled", "Finished") == self.numbers.count


@pytest.fixture
def board(tools, coordinator, admin):
    return Board(tools, coordinator, admin)


def entries(tools) -> list[pathlib.Path]:
    """What the worker has left in its spool, and for people. What has no registration yet was killed while it was made."""
    place = tools.directory / "cache" / "mitosis"
    return [*(place / "spool").glob("*/registration.json"), *(place / "undelivered").glob("*")]


def has_left_nothing(tools, worker) -> bool:
    """After SIGTERM, with nothing to be killed for it."""
    code = worker.stop(PATIENCE)
    assert code == 0, f"the exit code {code}"
    left = entries(tools)
    assert not left
    return True


def started(worker) -> list[str]:
    """The first registrations of its slots."""
    return [line.split("registered with ID: ")[1].split()[0] for line in worker.output().splitlines() if "registered with ID: " in line]


# ------------------------------------------------------------------------------------------------- with a real coordinator

def test_a_thousand_tasks_run_once_each_and_two_at_a_time(tools, board):
    # Who finds both places taken is a third. A place is free again before its command has ended.
    place = tools.directory / "place"
    before = f'if mkdir {place}.1 2>&-; then p={place}.1; elif mkdir {place}.2 2>&-; then p={place}.2; else exit 1; fi; '
    after = "; rmdir $p"
    board.add(1_000, before, after)
    worker = board.start_worker(slots=2)
    board.wait_for_burst(2, before, after)
    board.wait_for_all()
    board.numbers.check_each_once()
    query = {"group_name": "mitosis_admin", "exit_status": "=0", "count": True}
    assert board.coordinator.api.call("POST", "/tasks/query", query, board.token)["count"] == board.numbers.count, "never three at once"
    workers = board.workers()
    assert 2 <= len(workers) <= 2 * (1 + MOST_SEATS)
    assert {entry["worker_id"] for entry in workers} >= set(started(worker)) and len(started(worker)) == 2
    wait_until(lambda: all(entry["assigned_task_id"] is None for entry in board.workers()), PATIENCE, "idle registrations")
    assert has_left_nothing(tools, worker)
    assert board.workers() == []
    assert not list((tools.directory / "cache" / "mitosis").glob("????????-*")), "the directories of the slots are gone"


def test_output_of_tasks_among_short_ones(tools, board):
    """Their results come with files, so they are brought by themselves."""
    board.start_worker()
    board.wait_for_burst(1)
    uuids = {}
    for _ in range(20):
        board.add(4)
        number = board.numbers.count + 1
        uuids[number], = board.submit([board.numbers.command(after=f"; echo out {number}; echo err {number} >&2")], terminal_output=True)
    board.add(4)
    board.wait_for_all()
    board.numbers.check_each_once()
    for number, uuid in uuids.items():
        assert artifact(board.coordinator, board.token, uuid, "std-log") == {"std-log/stdout.log": f"out {number}\n", "std-log/stderr.log": f"err {number}\n"}


def test_tasks_behind_a_long_one_go_to_others(tools, board):
    gate = tools.directory / "gate"
    os.mkfifo(gate)
    board.start_worker("--grace", "0s")
    board.wait_for_burst(1)
    short = [board.numbers.command() for _ in range(50)]
    long = board.numbers.command(before=f"read word < {gate}; ")
    held = board.numbers.count
    behind = [board.numbers.command() for _ in range(50)]
    board.submit([*short, long, *behind])
    wait_until(lambda: len(board.numbers.ran()) >= held - 1, PATIENCE, "what comes before the long one")
    board.start_worker("--grace", "0s")
    wait_until(lambda: board.tasks("Finished") == board.numbers.count - 1, PATIENCE, "all but the long one")
    assert set(board.numbers.ran()) == set(range(1, board.numbers.count + 1)) - {held}
    gate.write_text("go\n")
    board.wait_for_all()
    board.numbers.check_each_once()


def test_a_worker_that_is_killed_loses_no_task(tools, board):
    """The next one on this host takes up what it held and had not delivered."""
    slots = 2
    worker = board.start_worker(slots=slots)
    board.wait_for_burst(slots)
    board.add(1_000)
    board.wait_for_runs(50)
    worker.kill()
    assert entries(tools), "its registrations"
    again = board.start_worker(slots=slots)
    board.wait_for_all()
    repeated = board.numbers.repeated()
    assert len(repeated) <= slots, "only what ran in that moment may run again"
    assert set(board.numbers.ran()) == set(range(1, board.numbers.count + 1))
    assert not set(started(worker)) & {entry["worker_id"] for entry in board.workers()}
    assert has_left_nothing(tools, again)
    # One that was being made in that moment is known to nobody until its lease ends.
    left = board.workers()
    assert len(left) <= slots and all(entry["assigned_task_id"] is None for entry in left)


def test_a_worker_that_is_stopped_gives_back_what_waits(tools, board):
    worker = board.start_worker(slots=2)
    board.wait_for_burst(2)
    board.add(1_000)
    board.wait_for_runs(50)
    assert has_left_nothing(tools, worker)
    assert board.workers() == []
    assert board.tasks("Running", "Pending") == 0
    assert board.tasks("Finished") == len(board.numbers.ran()), "what has run is reported"
    assert board.tasks("Finished", "Ready") == board.numbers.count
    board.start_worker()
    board.wait_for_all()
    board.numbers.check_each_once()


def test_a_coordinator_that_is_killed_knows_what_is_held(tools, board):
    worker = board.start_worker(slots=2)
    board.wait_for_burst(2)
    board.add(1_000)
    for _ in range(2):
        board.wait_for_runs(50)
        board.coordinator.kill()
        board.coordinator = tools.coordinator(port=board.coordinator.port)
    board.wait_for_all()
    board.numbers.check_each_once()
    assert worker.stop(PATIENCE) == 0
    assert not [place for place in entries(tools) if place.parent.name == "undelivered"]
    assert all(entry["assigned_task_id"] is None for entry in board.workers())


def test_a_seat_that_is_removed_takes_no_task_with_it(tools, board):
    """Whether its task waits, runs, or has run and is not reported: another takes it, and the slot goes on."""
    worker = board.start_worker()
    board.wait_for_burst(1)
    own = set(started(worker))
    removed = set()

    def remove_those_with_tasks() -> bool:
        if board.tasks("Ready") < 100:
            board.add(200)
        for entry in board.workers():
            if entry["assigned_task_id"] is None or entry["worker_id"] in own:
                continue
            status, _, _ = board.coordinator.api.request("DELETE", f"/workers/{entry['worker_id']}?op=Force", token=board.token)
            if status == 200:
                removed.add(entry["worker_id"])
        return bool(removed)

    wait_until(remove_those_with_tasks, PATIENCE, "a removed seat that had a task")
    board.add(100)
    board.wait_for_all()
    assert set(board.numbers.ran()) == set(range(1, board.numbers.count + 1))
    assert len(board.numbers.repeated()) <= len(removed), "only tasks of those that were removed may run again"
    assert set(started(worker)) == own, "the slot is the same"
    assert not removed & {entry["worker_id"] for entry in board.workers()}
    assert worker.stop(PATIENCE) == 0
    assert board.workers() == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_that_breaks_under_a_request_with_several_results(tools, board, when):
    """Whether the coordinator has them, and has given further tasks for them, or not: each counts once, and none is left lying."""
    gate = Gate(board.coordinator.port)
    try:
        worker = tools.worker(f"http://127.0.0.1:{gate.port}")
        board.add(200)
        board.wait_for_burst(1)
        (gate.break_before if when == "before" else gate.break_after)(LIST.encode())

        def met() -> bool:
            if board.tasks("Ready") < 100:
                board.add(200)
            return gate.broken > 0
        wait_until(met, PATIENCE, "a request with several results")
        board.wait_for_all()
        board.numbers.check_each_once()
        assert has_left_nothing(tools, worker)
        assert board.workers() == []
    finally:
        gate.end()


# ---------------------------------------------------------------------------------------------------- with one of the test

class Keeper(worker_coordinator.Coordinator):
    """Knows which task is with whom: a worker that asks again gets it again, and one that leaves gives it back."""

    def __init__(self, features):
        self.held: dict[str, dict] = {}
        super().__init__(features=features)

    def next_task(self, wait: float, token: str):
        with self.changed:
            task = self.held.get(token) or super().next_task(wait, token)
            if task:
                self.held[token] = task
            return task

    def report(self, request: dict, token: str):
        with self.changed:
            was_over = request["id"] in self.results
            status, body = super().report(request, token)
            if not was_over and request["id"] in self.results:
                del self.held[token]
                if following := json.loads(body).get("next"):
                    self.held[token] = following
            return status, body

    def answer(self, handler, path: str, body: bytes):
        if handler.command == "GET" and path.startswith("/workers/") and "/tasks" not in path:
            return 200, json.dumps({"info": self.worker_info(path.split("/")[2]), "groups": {"lab": "Write"}}).encode()
        answer = super().answer(handler, path, body)
        if handler.command == "DELETE" and path == "/workers":
            with self.changed:
                task = self.held.pop(handler.headers["Authorization"].removeprefix("Bearer "), None)
                if task:
                    self.tasks.appendleft(task)
                    self.changed.notify_all()
        return answer


WITH_REPORTS = (*worker_coordinator.OURS, "reports")


@pytest.fixture
def play(request):
    """A coordinator that the test plays, with these features."""
    coordinator = Keeper(getattr(request, "param", WITH_REPORTS))
    yield coordinator
    coordinator.close()


def submit(fake, numbers: Numbers, count: int) -> None:
    for _ in range(count):
        fake.submit(numbers.command())


def submit_until(fake, numbers: Numbers, condition, what: str) -> None:
    """There are always tasks enough for a burst."""
    def come_true() -> bool:
        with fake.changed:
            if len(fake.tasks) < 100:
                submit(fake, numbers, 100)
        return condition()
    wait_until(come_true, PATIENCE, what)


def wait_for_results(fake, numbers: Numbers) -> None:
    fake.wait(lambda: len(fake.results) == numbers.count, PATIENCE, "all results")
    numbers.check_each_once()
    assert all(result["exit_status"] == 0 for result in fake.results.values())


def has_ended_cleanly(tools, worker, fake) -> bool:
    assert has_left_nothing(tools, worker)
    return not fake.workers and not fake.held and fake.unregistered == len(fake.registrations)


@pytest.mark.parametrize("play, arguments", [
    (WITH_REPORTS, ["--prefetch", "1"]),
    (WITH_REPORTS, ["--overlap"]),
    (worker_coordinator.OURS, []),
    ((), ["--polling-interval", "50ms"]),
], ids=["asked-not-to", "overlap", "without-reports", "original"], indirect=["play"])
def test_nothing_is_fetched_ahead(tools, play, arguments):
    numbers = Numbers(tools.directory)
    submit(play, numbers, 200)
    worker = tools.worker(play.url, "--slots", "2", *arguments)
    wait_for_results(play, numbers)
    assert len(play.registrations) == (4 if "--overlap" in arguments else 2), "one for each slot, and with --overlap two"
    assert has_ended_cleanly(tools, worker, play)


def test_no_more_than_asked_for(tools, play):
    numbers = Numbers(tools.directory)
    worker = tools.worker(play.url, "--prefetch", "2")
    submit_until(play, numbers, lambda: len(play.registrations) == 3, "two seats")
    submit(play, numbers, 100)
    wait_for_results(play, numbers)
    assert len(play.registrations) == 3
    assert has_ended_cleanly(tools, worker, play)


@pytest.mark.parametrize("after", [False, True], ids=["unread", "unanswered"])
@pytest.mark.parametrize("kind", ["reset", "cut", "garbage", 500, "hang"])
def test_a_request_with_several_results_that_goes_wrong(tools, play, kind, after):
    """Whether the coordinator has them or not: each is delivered, and no task runs twice."""
    numbers = Numbers(tools.directory)
    fault = play.fault("POST", LIST, kind, count=1, after=after)
    worker = tools.worker(play.url)
    submit_until(play, numbers, lambda: fault.count == 0, "a request with several results")
    wait_for_results(play, numbers)
    assert {number for number, _ in play.reports} == set(play.given)
    assert has_ended_cleanly(tools, worker, play)
