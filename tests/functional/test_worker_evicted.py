"""Workers that the coordinator gives up, held still or with a task that outlasts its timeout: both real."""
from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import time

import pytest

from conftest import wait_until
from tcp_gate import Gate
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


def test_after_a_long_cut_off_the_task_runs_elsewhere_and_one_result_counts(tools, coordinator, admin):
    gate = Gate(coordinator.port)
    try:
        first = tools.worker(f"http://127.0.0.1:{gate.port}", "--lease", "1s", "--grace", "0s", "--work-dir", tools.directory / "first")
        fifo, runs = tools.directory / "fifo", tools.directory / "runs"
        os.mkfifo(fifo)
        uuid = coordinator.api.submit(admin, ["sh", "-c", f"echo $$ >> {runs}; test $(wc -l < {runs}) = 2 || cat {fifo}; echo $$"], terminal_output=True)
        writer = open(fifo, "w")
        gate.shut()
        wait_until(lambda: coordinator.api.call("GET", f"/tasks/{uuid}", token=admin)["info"]["state"] == "Ready", what="the task's return")
        tools.worker(coordinator.url, "--grace", "0s", "--work-dir", tools.directory / "second")
        info = coordinator.api.wait_for_result(admin, uuid)
        writer.close()
        first.wait_for_output("A report on task .* was not answered")
        gate.open()
        undelivered = tools.directory / "first" / "undelivered"
        wait_until(lambda: list(undelivered.glob("*/result.json")), 20, "the late result, set aside")
        wait_until(lambda: len(identities(first)) == 2, what="a new registration")
        assert coordinator.api.call("GET", f"/tasks/{uuid}", token=admin)["info"] == info
        assert artifact(coordinator, admin, uuid, "std-log")["std-log/stdout.log"] == runs.read_text().split()[1] + "\n"
        assert first.stop() == 0
    finally:
        gate.end()


@pytest.mark.parametrize("reconnect", ["lost", "never"])
def test_a_command_that_outlasts_its_timeout_is_taken_from_its_worker(tools, reconnect):
    """The worker lets it go on (--kill-grace): it is evicted, the task goes to another, and only that one's result counts."""
    coordinator = tools.coordinator("--overrun-grace", "500ms")
    admin = coordinator.api.login()
    first = start(tools, coordinator, "--kill-grace", "1h", "--reconnect", reconnect)
    runs = tools.directory / "runs"
    uuid = coordinator.api.submit(admin, ["sh", "-c", f"echo $$ >> {runs}; test $(wc -l < {runs}) = 2 || {{ trap '' TERM; sleep 600; :; }}"], timeout="1s")
    wait_until(lambda: runs.exists() and runs.read_text().endswith("\n"), what="the first run")
    stuck = int(runs.read_text().split()[0])
    second = start(tools, coordinator)
    assert coordinator.api.wait_for_result(admin, uuid)["result"] == {"exit_status": 0, "msg": None}
    assert len(runs.read_text().split()) == 2
    wait_until(lambda: not pathlib.Path(f"/proc/{stuck}").exists(), what="the end of the first run")
    if reconnect == "never":
        assert first.process.wait(10) == 4
    else:
        wait_until(lambda: len(identities(first)) == 2, what="a new registration: nobody had asked for the removal")
    assert len(identities(second)) == 1
    assert not is_known(coordinator, admin, identities(first)[0])


def test_a_result_that_takes_longer_than_the_timeout_to_bring_costs_nobody_the_task(tools):
    """What comes after the command is not bound by its timeout."""
    coordinator = tools.coordinator("--overrun-grace", "200ms")
    admin = coordinator.api.login()
    gate = Gate(coordinator.port)
    try:
        worker = tools.worker(f"http://127.0.0.1:{gate.port}", "--lease", "1s", "--stall-timeout", "1h", "--grace", "10s")
        uuid = coordinator.api.submit(admin, ["sh", "-c", 'head -c 4194304 /dev/urandom > "$MITO_RESULT_DIR/f"'], timeout="1s")
        gate.hold_within(1 << 20)
        wait_until(lambda: gate.held, what="an upload that stands still")
        begin = time.monotonic()
        wait_until(lambda: time.monotonic() - begin > 3, what="more than the timeout, the grace and some heartbeats")
        assert coordinator.api.call("GET", f"/tasks/{uuid}", token=admin)["info"]["state"] == "Running"
        gate.release()
        assert coordinator.api.wait_for_result(admin, uuid)["result"] == {"exit_status": 0, "msg": None}
        assert len(identities(worker)) == 1 and worker.stop() == 0
    finally:
        gate.end()
