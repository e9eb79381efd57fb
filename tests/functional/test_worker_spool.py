"""What a worker leaves behind when it ends in whatever way, and what the next one makes of it."""
from __future__ import annotations

import json
import os
import pathlib
import signal
import stat
import time

import pytest

from conftest import wait_until


def start(tools, coordinator, *arguments, **options):
    return tools.worker(coordinator.url, "--grace", "0s", "--heartbeat-interval", "100ms", *arguments, **options)


def work_directory(tools) -> pathlib.Path:
    return tools.directory / "cache" / "mitosis"


def entries(tools) -> list[pathlib.Path]:
    return list((work_directory(tools) / "spool").glob("*"))


def undelivered(tools) -> list[pathlib.Path]:
    return list((work_directory(tools) / "undelivered").glob("*"))


def end_with_an_undelivered_result(tools, coordinator, how: str, command: str = "echo out; echo f > \"$MITO_RESULT_DIR/f\"; exit 3"):
    """A worker that has run a task and could not report it; its number. The coordinator is away afterwards."""
    worker = start(tools, coordinator, "--polling-interval", "50ms", name="first")
    gate = tools.directory / "gate"
    os.mkfifo(gate)
    number = coordinator.submit(["sh", "-c", f"cat {gate}; {command}"], terminal_output=True)
    coordinator.wait(lambda: not coordinator.tasks, what="the task is taken")
    writer = open(gate, "w")
    coordinator.stop()
    writer.close()
    worker.wait_for_output("A report on task .* was not answered")
    if how == "killed":
        worker.kill()
    else:
        assert worker.stop() == 5, "the exit code tells that a result is left"
    return number


@pytest.mark.parametrize("how", ["killed", "stopped"])
@pytest.mark.parametrize("kind", ["fake", "original"])
def test_a_restarted_worker_delivers_what_it_finds(tools, request, kind, how):
    coordinator = request.getfixturevalue(kind)
    number = end_with_an_undelivered_result(tools, coordinator, how)
    assert coordinator.unregistered == 0, "with an undelivered result it does not unregister"
    entry, = entries(tools)
    for file in entry.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(entry.stat().st_mode) == 0o700
    coordinator.start()
    start(tools, coordinator, name="second")
    result = coordinator.result(number)
    assert result["exit_status"] == 768
    assert coordinator.stdout(number) == "out\n" and coordinator.members(number, "result")["result/f"][1] == b"f\n"
    if kind == "fake":
        assert result["detail"]["usage"]["wall_seconds"] > 0
    coordinator.wait(lambda: coordinator.unregistered == 1 and len(coordinator.registrations) == 2, what="the new registration")
    calls = [(method, path.split("?")[0]) for method, path, _ in coordinator.log]
    assert calls.index(("DELETE", "/workers")) < len(calls) - 1 - calls[::-1].index(("POST", "/workers")), "it registers anew only then"
    assert entry not in entries(tools) and not undelivered(tools)
    assert not (work_directory(tools) / entry.name).exists(), "the directory of the dead worker is gone"


def test_heartbeats_are_sent_for_registrations_that_are_taken_up(tools, fake):
    number = end_with_an_undelivered_result(tools, fake, "killed")
    fault = fake.fault("POST", "/workers/tasks", 503, count=1_000)
    before = fake.heartbeats
    fake.start()
    start(tools, fake, name="second", wait=False)
    fake.wait(lambda: fake.heartbeats >= before + 3, what="heartbeats")
    assert len(fake.registrations) == 1, "not before the old one is done with"
    fault.count = 0
    assert fake.result(number)["exit_status"] == 768


def test_the_task_of_a_killed_worker_is_given_back_at_once(tools, fake):
    worker = start(tools, fake, name="first")
    flag = tools.directory / "flag"
    fake.submit(["sh", "-c", f"echo part; touch {flag}; sleep 60"], terminal_output=True)
    wait_until(flag.exists, what="the command")
    worker.kill()
    start(tools, fake, name="second")
    fake.wait(lambda: fake.unregistered == 1, what="the end of the old registration")
    assert not fake.results


@pytest.mark.parametrize("status", [401, 404])
def test_a_refused_result_is_kept_for_people(tools, fake, status):
    number = end_with_an_undelivered_result(tools, fake, "killed")
    if status == 401:
        fake.workers.clear()
    else:
        fake.fault("POST", "/workers/tasks", 404, count=100)
    fake.start()
    second = start(tools, fake, name="second")
    place, = undelivered(tools)
    assert str(place) in second.output()
    assert {file.name for file in place.iterdir()} == {"result.json", "result.tar.gz", "std-log.tar.gz"}
    record = json.loads((place / "result.json").read_text())
    assert record["report"]["op"]["Complete"]["exit_status"] == 768 and record["report"]["id"] == number
    assert str(status) in record["why"] and "token" not in record
    # After seven days it is removed.
    old = time.time() - 8 * 86_400
    os.utime(place, (old, old))
    assert second.stop() == 0
    start(tools, fake, name="third")
    assert not undelivered(tools)


def test_a_living_workers_registration_is_left_alone(tools, fake):
    start(tools, fake, name="first")
    start(tools, fake, name="second")
    assert fake.unregistered == 0 and len(fake.workers) == 2 and len(entries(tools)) == 2
    assert fake.result(fake.submit(["true"]))["exit_status"] == 0


def test_what_belongs_to_other_hosts_or_coordinators_is_left_alone(tools, fake):
    end_with_an_undelivered_result(tools, fake, "killed")
    entry, = entries(tools)
    registration = entry / "registration.json"
    text = json.loads(registration.read_text())
    fake.start()
    for change in ({"host": "elsewhere"}, {"coordinator": "http://other:1"}):
        registration.write_text(json.dumps({**text, **change}))
        worker = start(tools, fake)
        assert fake.result(fake.submit(["true"]))["exit_status"] == 0
        fake.idle()
        assert worker.stop() == 0
    assert entries(tools) == [entry]
    assert (work_directory(tools) / entry.name).is_dir()
    for broken in ("", "{", "[]", '{"host":1}'):
        registration.write_text(broken)
        assert start(tools, fake).stop() == 0
    assert entries(tools) == [entry]


def test_every_kill_between_report_and_answer_counts_one_result(tools, fake):
    """The coordinator has the result, the worker does not know it."""
    fake.fault("POST", "/workers/tasks", "hang", count=1, contains="Complete", after=True)
    worker = start(tools, fake, name="first")
    number = fake.submit(["true"])
    fake.wait(lambda: number in fake.results, what="the report")
    worker.kill()
    start(tools, fake, name="second")
    fake.wait(lambda: fake.unregistered == 1, what="the end of the old registration")
    assert sum(1 for task, _ in fake.reports if task == number) == 2
    assert not undelivered(tools)


@pytest.mark.parametrize("how", ["stopped", "removed"])
def test_output_of_an_interrupted_task_is_kept(tools, fake, how):
    worker = start(tools, fake, "--kill-grace", "100ms")
    flag = tools.directory / "flag"
    fake.submit(["sh", "-c", f"echo so far; touch {flag}; sleep 60"], terminal_output=True)
    wait_until(flag.exists, what="the command")
    if how == "removed":
        fake.workers.clear()
        assert worker.process.wait(10) == 4
    else:
        worker.signal(signal.SIGTERM)
        assert worker.process.wait(10) == 3
    place, = undelivered(tools)
    assert (place / "std-log.tar.gz").exists()
    assert how in json.loads((place / "result.json").read_text())["why"]
    assert not fake.results and not entries(tools)


def test_a_removed_worker_may_finish(tools, fake):
    worker = start(tools, fake, "--on-removed", "finish")
    gate = tools.directory / "gate"
    os.mkfifo(gate)
    fake.submit(["sh", "-c", f"cat {gate}; echo whole"], terminal_output=True)
    fake.wait(lambda: not fake.tasks, what="the task is taken")
    writer = open(gate, "w")
    fake.workers.clear()
    worker.wait_for_output("Heartbeat failed with coordinator force exit")
    writer.close()
    assert worker.process.wait(10) == 4
    record = json.loads((undelivered(tools)[0] / "result.json").read_text())
    assert record["report"]["op"]["Complete"]["state"] == "Finished"


def test_a_full_work_directory_keeps_tasks_away(tools, fake):
    worker = start(tools, fake, "--min-free", "7EiB")
    worker.wait_for_output("no task is fetched until")
    fake.submit(["true"])
    assert not any(entry[0] == "GET" for entry in fake.log)
    assert worker.stop() == 0
