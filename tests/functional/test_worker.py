"""Workers and a coordinator, both real."""
from __future__ import annotations

import io
import json
import os
import shutil
import signal
import tarfile
import time
import urllib.request

import pytest

from conftest import wait_until


def artifact(coordinator, token: str, uuid: str, kind: str) -> dict:
    """Name -> content of the files of an artifact."""
    place = coordinator.api.call("GET", f"/tasks/{uuid}/download/artifacts/{kind}", token=token)
    with urllib.request.urlopen(place["url"], timeout=30) as answer:
        data = answer.read()
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name: tar.extractfile(member).read().decode() for member in tar if member.isreg()}


def test_two_hundred_tasks_through_one_worker(tools, coordinator, admin):
    uuids = [coordinator.api.submit(admin, ["true"]) for _ in range(200)]
    tools.worker(coordinator.url)
    for uuid in uuids:
        assert coordinator.api.wait_for_result(admin, uuid)["result"] == {"exit_status": 0, "msg": None}


def test_an_idle_worker_starts_a_task_in_milliseconds(tools, coordinator, admin):
    tools.worker(coordinator.url)
    delays = []
    for _ in range(10):
        begin = time.time()
        uuid = coordinator.api.submit(admin, ["date", "+%s.%N"], terminal_output=True)
        coordinator.api.wait_for_result(admin, uuid)
        delays.append(float(artifact(coordinator, admin, uuid, "std-log")["std-log/stdout.log"]) - begin)
    assert min(delays) < 0.1, delays


def test_what_a_task_produces_can_be_downloaded(tools, coordinator, admin):
    tools.worker(coordinator.url)
    uuid = coordinator.api.submit(admin, ["sh", "-c", 'echo r > "$MITO_RESULT_DIR/r"; echo e > "$MITO_EXEC_DIR/e"; echo out; echo err >&2; exit 3'],
                                  terminal_output=True)
    info = coordinator.api.wait_for_result(admin, uuid)
    assert info["state"] == "Finished" and info["result"] == {"exit_status": 768, "msg": None}
    assert artifact(coordinator, admin, uuid, "result") == {"result/r": "r\n"}
    assert artifact(coordinator, admin, uuid, "exec-log") == {"exec-log/e": "e\n"}
    assert artifact(coordinator, admin, uuid, "std-log") == {"std-log/stdout.log": "out\n", "std-log/stderr.log": "err\n"}
    again = coordinator.api.submit(admin, ["sh", "-c", 'tar xzf "$MITO_RESOURCE_DIR/in/a.tar.gz" -O'], terminal_output=True, spec={"resources": [
        {"remote_file": {"Artifact": {"uuid": uuid, "content_type": "result"}}, "local_path": "in/a.tar.gz"}]})
    coordinator.api.wait_for_result(admin, again)
    assert artifact(coordinator, admin, again, "std-log")["std-log/stdout.log"] == "r\n"


def test_messages_of_tasks_that_do_not_end_well(tools, coordinator, admin):
    tools.worker(coordinator.url, "--slots", "2")
    late = coordinator.api.submit(admin, ["sleep", "60"], timeout="1s")
    missing = coordinator.api.submit(admin, ["true"], spec={"resources": [{"remote_file": {"Attachment": {"key": "ghost"}}, "local_path": "x"}]})
    unknown = coordinator.api.submit(admin, ["no-such-program"])
    long = coordinator.api.submit(admin, ["true", "x" * 1_500_000])
    info = coordinator.api.wait_for_result(admin, late)
    assert info["state"] == "Cancelled" and info["result"] == {"exit_status": 15, "msg": "ExecTimeout"}
    info = coordinator.api.wait_for_result(admin, missing)
    assert info["state"] == "Cancelled" and info["result"] == {"exit_status": 0, "msg": "ResourceNotFound"}
    assert coordinator.api.wait_for_result(admin, unknown)["result"] == {"exit_status": 32512, "msg": None}
    assert coordinator.api.wait_for_result(admin, long)["result"] == {"exit_status": 32256, "msg": None}


def test_a_task_submits_another(tools, coordinator, admin):
    tools.worker(coordinator.url)
    child = {"group_name": "mitosis_admin", "tags": [], "labels": ["child"], "timeout": "1m", "priority": 0,
             "task_spec": {"args": ["sh", "-c", "echo $MITO_UPSTREAM_TASK_UUID"], "terminal_output": True}}
    uuid = coordinator.api.submit(admin, ["sh", "-c", 'printf %s "$CHILD" > "$MITO_NEW_TASK"'], spec={"envs": {"CHILD": json.dumps(child)}})
    info = coordinator.api.wait_for_result(admin, uuid)
    coordinator.api.wait_for_result(admin, info["downstream_task_uuid"])
    assert artifact(coordinator, admin, info["downstream_task_uuid"], "std-log")["std-log/stdout.log"] == uuid + "\n"


def test_a_restart_of_the_coordinator_loses_no_result(tools, coordinator, admin):
    worker = tools.worker(coordinator.url)
    gate = tools.directory / "gate"
    os.mkfifo(gate)
    uuid = coordinator.api.submit(admin, ["sh", "-c", f"cat {gate}; echo kept"], terminal_output=True)
    writer = open(gate, "w")
    coordinator.kill()
    writer.close()
    worker.wait_for_output("is repeated until it is|Heartbeat failed|Fetching a task failed")
    again = tools.coordinator(port=coordinator.port, name="again")
    assert again.api.wait_for_result(admin, uuid)["result"] == {"exit_status": 0, "msg": None}
    assert artifact(again, admin, uuid, "std-log")["std-log/stdout.log"] == "kept\n"
    after = again.api.submit(admin, ["true"])
    again.api.wait_for_result(admin, after)
    assert worker.output().count("Worker registered with ID") == 1


def test_a_worker_that_is_stopped_gives_its_task_back(tools, coordinator, admin):
    worker = tools.worker(coordinator.url, "--grace", "0s", "--kill-grace", "100ms")
    flag = tools.directory / "flag"
    uuid = coordinator.api.submit(admin, ["sh", "-c", f"test -e {flag} || {{ touch {flag}; sleep 60; }}"])
    wait_until(flag.exists, what="the first run")
    worker.signal(signal.SIGTERM)
    assert worker.process.wait(10) == 3
    second = tools.worker(coordinator.url)
    info = coordinator.api.wait_for_result(admin, uuid, timeout=10)
    assert info["result"] == {"exit_status": 0, "msg": None}
    assert second.process.poll() is None


def test_the_task_of_a_killed_worker_runs_on_another(tools, coordinator, admin):
    worker = tools.worker(coordinator.url)
    flag = tools.directory / "flag"
    uuid = coordinator.api.submit(admin, ["sh", "-c", f"test -e {flag} || {{ touch {flag}; sleep 60; }}"])
    wait_until(flag.exists, what="the first run")
    worker.kill()
    tools.worker(coordinator.url)
    begin = time.monotonic()
    assert coordinator.api.wait_for_result(admin, uuid, timeout=40)["result"] == {"exit_status": 0, "msg": None}
    assert time.monotonic() - begin < 36


def test_a_cancelled_worker_ends(tools, coordinator, admin):
    worker = tools.worker(coordinator.url)
    identity = worker.wait_for_output(r"registered with ID: (\S+)").group(1)
    assert coordinator.api.request("DELETE", f"/workers/{identity}", token=admin)[0] == 200
    wait_until(lambda: worker.process.poll() is not None, 10, "the end of the worker")
    assert worker.process.returncode == 4


def test_a_group_that_does_not_exist_is_an_error(tools, coordinator):
    result = tools.run("worker", "--coordinator", coordinator.url, "--user", "mitosis_admin", "--password", "mitosis_admin", "--groups", "nope")
    assert result.returncode not in (0, None)
    assert "nope" in result.stdout + result.stderr


def test_slots_share_the_work(tools, coordinator, admin):
    tools.worker(coordinator.url, "--slots", "4")
    barrier = tools.directory / "barrier"
    barrier.mkdir()
    script = f'touch {barrier}/$MITO_TASK_UUID; until [ $(ls {barrier} | wc -l) = 4 ]; do read -t 0.05 x <> {tools.directory}/never || :; done'
    os.mkfifo(tools.directory / "never")
    uuids = [coordinator.api.submit(admin, ["bash", "-c", script], timeout="20s") for _ in range(4)]
    for uuid in uuids:
        assert coordinator.api.wait_for_result(admin, uuid)["result"] == {"exit_status": 0, "msg": None}


def watch_between_workers(tools, coordinator, token):
    """A task on one worker that waits for one on another."""
    tools.worker(coordinator.url, "--tags", "one")
    tools.worker(coordinator.url, "--tags", "two")
    gate = tools.directory / "gate"
    os.mkfifo(gate)
    watched = coordinator.api.submit(token, ["sh", "-c", f"cat {gate}"], tags=["one"])
    spawned = coordinator.api.submit(token, ["true"], tags=["two"], spec={"watch": [watched, "ExecSpawned"]})
    finished = coordinator.api.submit(token, ["true"], tags=["two"], spec={"watch": [watched, "ExecFinished"]})
    assert coordinator.api.wait_for_result(token, spawned)["result"] == {"exit_status": 0, "msg": None}
    other = coordinator.api.submit(token, ["true"], tags=["two"])
    assert coordinator.api.wait_for_result(token, other)["result"]["exit_status"] == 0, "who watches keeps no worker from other tasks"
    assert coordinator.api.call("GET", f"/tasks/{finished}", token=token)["info"]["result"] is None
    gate.write_text("go")
    assert coordinator.api.wait_for_result(token, finished)["result"] == {"exit_status": 0, "msg": None}


def test_a_task_watches_another_on_another_worker(tools, coordinator, admin):
    watch_between_workers(tools, coordinator, admin)


def test_a_task_watches_another_through_redis(tools, tmp_path):
    from test_worker_redis import Redis  # here, so that this file needs no Redis
    if shutil.which("redis-server") is None and not os.environ.get("CI"):
        pytest.skip("there is no redis-server here")
    redis = Redis(tmp_path)
    try:
        coordinator = tools.coordinator("--redis", f"redis://127.0.0.1:{redis.port}")
        redis.listen()
        watch_between_workers(tools, coordinator, coordinator.api.login())
        assert any(message == "19" for _, message in redis.messages), "the workers announce there"
        tools.end()
        tools._processes.clear()
    finally:
        redis.stop()


def test_where_and_when_a_task_ran_is_known_after_the_worker_left(tools, coordinator, admin):
    worker = tools.worker(coordinator.url, "--name", "desk")
    uuid = coordinator.api.submit(admin, ["true"])
    coordinator.api.wait_for_result(admin, uuid)
    assert worker.stop() == 0
    answer = coordinator.api.call("GET", f"/tasks/{uuid}?detail=true", token=admin)
    text = json.dumps(answer)
    assert os.uname().nodename in text and '"desk"' in text and '"started_at"' in text


def test_a_killed_workers_result_is_delivered_by_the_next(tools, coordinator, admin):
    worker = tools.worker(coordinator.url)
    gate = tools.directory / "gate"
    os.mkfifo(gate)
    uuid = coordinator.api.submit(admin, ["sh", "-c", f"cat {gate}; echo kept"], terminal_output=True)
    writer = open(gate, "w")
    coordinator.kill()
    writer.close()
    worker.wait_for_output("A report on task .* was not answered")
    worker.kill()
    again = tools.coordinator(port=coordinator.port, name="again")
    tools.worker(again.url)
    assert again.api.wait_for_result(admin, uuid)["result"] == {"exit_status": 0, "msg": None}
    assert artifact(again, admin, uuid, "std-log")["std-log/stdout.log"] == "kept\n"


def test_artifacts_that_the_quota_refuses_are_visible(tools, coordinator, admin):
    status, _, body = coordinator.api.request("POST", "/admin/groups/mitosis_admin/storage-quota", {"storage_quota": "=100"}, token=admin)
    assert status == 200, body
    tools.worker(coordinator.url)
    uuid = coordinator.api.submit(admin, ["sh", "-c", 'head -c 100000 /dev/urandom > "$MITO_RESULT_DIR/f"'])
    assert coordinator.api.wait_for_result(admin, uuid)["result"] == {"exit_status": 0, "msg": None}
    assert "result.tar.gz is missing" in json.dumps(coordinator.api.call("GET", f"/tasks/{uuid}?detail=true", token=admin))
