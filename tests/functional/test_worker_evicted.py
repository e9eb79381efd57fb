"""A worker that the coordinator has given up while it was held still: both real."""
from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal

import pytest

from conftest import wait_until
from test_worker import artifact


@contextlib.contextmanager
def held(worker):
    """The worker stands still, its tasks go on."""
    worker.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        worker.signal(signal.SIGCONT)


def identities(worker) -> list[str]:
    return [line.split("registered with ID: ")[1].split()[0] for line in worker.output().splitlines() if "registered with ID: " in line]


def start(tools, coordinator, *arguments):
    return tools.worker(coordinator.url, "--grace", "0s", "--kill-grace", "100ms", "--lease", "1s", *arguments)


def is_known(coordinator, token: str, identity: str) -> bool:
    return coordinator.api.request("GET", f"/workers/{identity}", token=token)[0] == 200


@pytest.mark.parametrize("reconnect", ["lost", "never"])
def test_an_idle_worker_that_was_given_up(tools, coordinator, admin, reconnect):
    worker = start(tools, coordinator, "--reconnect", reconnect)
    first, = identities(worker)
    with held(worker):
        wait_until(lambda: not is_known(coordinator, admin, first), what="the end of the registration")
    if reconnect == "never":
        assert worker.process.wait(10) == 4
        return
    wait_until(lambda: len(identities(worker)) == 2, what="a new registration")
    uuid = coordinator.api.submit(admin, ["true"])
    assert coordinator.api.wait_for_result(admin, uuid)["result"] == {"exit_status": 0, "msg": None}
    assert is_known(coordinator, admin, identities(worker)[1]) and not is_known(coordinator, admin, first)


@pytest.mark.parametrize("on_removed", ["kill", "finish"])
def test_the_task_of_a_worker_that_was_given_up(tools, coordinator, admin, on_removed):
    worker = start(tools, coordinator, "--on-removed", on_removed)
    gate, runs = tools.directory / "gate", tools.directory / "runs"
    os.mkfifo(gate)
    uuid = coordinator.api.submit(admin, ["sh", "-c", f"echo $$ | tee -a {runs}; cat {gate}"], terminal_output=True)

    def pids() -> list[int]:
        return [int(line) for line in runs.read_text().splitlines()] if runs.exists() else []

    def state() -> str:
        return coordinator.api.call("GET", f"/tasks/{uuid}", token=admin)["info"]["state"]

    wait_until(pids, what="the first run")
    with held(worker):
        wait_until(lambda: state() == "Ready", what="the task's return")
    undelivered = tools.directory / "cache" / "mitosis" / "undelivered"
    if on_removed == "finish":
        worker.wait_for_output("Heartbeat failed with coordinator force exit")
        assert len(pids()) == 1 and pathlib.Path(f"/proc/{pids()[0]}").exists()
        gate.write_text("first")
    wait_until(lambda: len(pids()) == 2, what="the second run")
    assert not pathlib.Path(f"/proc/{pids()[0]}").exists(), "never two at once"
    assert len(identities(worker)) == 2
    gate.write_text("second")
    assert coordinator.api.wait_for_result(admin, uuid)["result"] == {"exit_status": 0, "msg": None}
    assert artifact(coordinator, admin, uuid, "std-log")["std-log/stdout.log"] == f"{pids()[1]}\nsecond", "one result counts"
    assert len(pids()) == 2
    kept, = undelivered.iterdir()
    record = json.loads((kept / "result.json").read_text())
    if on_removed == "finish":
        assert record["report"]["op"]["Complete"]["state"] == "Finished" and record["report"]["op"]["Complete"]["exit_status"] == 0
    else:
        assert "removed" in record["why"]
