"""`tasks submit-many`: repeats that add nothing, coordinators that go away, large inputs, and lines that are no tasks."""
from __future__ import annotations

import json
import uuid

import pytest

from conftest import wait_until
from tcp_gate import Gate

ADMIN = "mitosis_admin"
SUBMIT = ("tasks", "submit-many", "-f", "-")


def task(name: str | None = None, **fields) -> dict:
    return {"group_name": ADMIN, "tags": ["nobody"], "labels": [], "timeout": "10m", "priority": 0, "task_spec": {"args": ["true"]},
            **({"uuid": name} if name else {}), **fields}


def lines(tasks) -> str:
    return "\n".join(map(json.dumps, tasks)) + "\n"


@pytest.fixture
def gate(coordinator):
    gate = Gate(coordinator.port)
    yield gate
    gate.end()


@pytest.fixture
def submit(tools, coordinator):
    """Runs `tasks submit-many` on the text; the result, when the exit code is the expected one."""
    def run(text, *options, expect=0, port=None):
        result = tools.client(f"http://127.0.0.1:{port or coordinator.port}", *options, *SUBMIT, stdin=text)
        assert result.returncode == expect, (result.returncode, result.stdout[-2000:], result.stderr[-2000:])
        return result
    return run


def stored(coordinator) -> list[str]:
    """The UUIDs of all tasks."""
    answer = coordinator.api.call("POST", "/tasks/query", {"count": False, "group_name": ADMIN}, coordinator.api.login())
    return [entry["uuid"] for entry in answer["tasks"]]


@pytest.mark.parametrize("form", [json.dumps, lines])
def test_a_repeat_adds_nothing(coordinator, submit, form):
    names = [str(uuid.uuid4()) for _ in range(5)]
    first = json.loads(submit(form([task(name) for name in names]), "--format", "json").stdout)
    assert [entry["uuid"] for entry in first] == names
    again = json.loads(submit(form([task(name) for name in [*names, str(uuid.uuid4())]]), "--format", "json").stdout)
    assert again[:5] == first and len(again) == 6
    assert sorted(stored(coordinator)) == sorted(entry["uuid"] for entry in again)


class LossyGate(Gate):
    """Loses the answers to the first two requests with the text: the first loss on a connection in use is made good by the HTTP library itself."""

    def __init__(self, target: int, text: bytes):
        self._text = text
        super().__init__(target)
        self.break_after(text)

    def _close(self, *pair):
        if self.broken == 1:
            self.break_after(self._text)
        super()._close(*pair)


def test_an_answer_that_is_lost_is_asked_for_again(coordinator, submit):
    """One part, with UUIDs that the client made: nothing but the repeat can tell what became of it."""
    gate = LossyGate(coordinator.port, b'"nobody"')
    try:
        result = submit(lines([task() for _ in range(3)]), port=gate.port)
    finally:
        gate.end()
    assert gate.broken == 2 and "trying again" in result.stderr
    assert len(stored(coordinator)) == 3
    assert result.stdout.endswith("Batch submission completed: 3 succeeded, 0 failed\n")


def test_a_coordinator_that_dies_between_the_parts(tools, coordinator, gate):
    """2500 tasks go in three parts; the answer to the second is lost, and the coordinator with it."""
    names = [str(uuid.uuid4()) for _ in range(2500)]
    (tools.directory / "tasks.jsonl").write_text(lines([task(name, labels=["later"] if at >= 1000 else []) for at, name in enumerate(names)]))
    gate.break_after(b'"later"', then_shut=True)
    sent = tools.start("client", "-c", f"http://127.0.0.1:{gate.port}", "-u", ADMIN, "-p", ADMIN, "-q", "tasks", "submit-many", "-f", "tasks.jsonl",
                       name="submit-many")
    wait_until(lambda: gate.broken == 1, 20, "the lost answer")
    coordinator.kill()
    gate.open()
    sent.wait_for_output("trying again")
    again = tools.coordinator(port=coordinator.port)
    assert sent.process.wait(30) == 0, sent.output()
    assert sent.stdout_path.read_text().split() == names
    assert sorted(stored(again)) == sorted(names)


def test_a_large_list_goes_in_parts(submit, coordinator):
    """A JSON array of 2.5 MB, more than a coordinator takes in one request."""
    big = [task(task_spec={"args": ["x" * 500_000]}, labels=[str(number)]) for number in range(5)]
    result = submit(json.dumps(big))
    assert result.stdout.endswith("Batch submission completed: 5 succeeded, 0 failed\n")
    refused, _, _ = coordinator.api.request("POST", "/tasks/submit", {"tasks": big}, coordinator.api.login())
    assert refused == 413 and len(stored(coordinator)) == 5


@pytest.mark.parametrize("text, named", [
    (lines([task(), task()]) + "\n\n{\n", "standard input:5 is not a task"),
    (lines([task()]) + '{"group_name":"g"}\n', "standard input:2 is not a task: missing field `tags`"),
    (lines([task()]) + json.dumps(task("no-uuid")) + "\n", "standard input:2 is not a task"),
    (json.dumps([task(), {"group_name": "g"}]), "standard input is not a list of tasks: tasks[1]: missing field `tags`"),
    ("\n  \n", "standard input holds no tasks"),
    ("[]", "standard input holds no tasks"),
])
def test_what_is_no_task_is_named_and_nothing_is_sent(coordinator, submit, text, named):
    result = submit(text, expect=2)
    assert named in result.stderr and result.stdout == ""
    assert stored(coordinator) == []


def test_refusals_are_shown(coordinator, submit):
    mixed = [task(), task(group_name="nope"), task()]
    result = submit(json.dumps(mixed), "--format", "json", expect=1)
    assert sorted(entry["uuid"] for entry in json.loads(result.stdout)) == sorted(stored(coordinator)) and len(stored(coordinator)) == 2
    assert "Task submission failed: " in result.stderr and "(task 2 of the list)" in result.stderr
    result = submit(lines([task(group_name="nope")]), expect=1)
    assert result.stdout == "Batch submission completed: 0 succeeded, 1 failed\n" and "(task 1 of the list)" in result.stderr
