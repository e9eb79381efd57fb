"""Running a coordinator: backup and restore under load, passwords from outside, retention, orphans, SIGHUP."""
from __future__ import annotations

import hashlib
import http.client
import os
import pathlib
import re
import signal
import sqlite3
import threading
import time

import pytest
from conftest import wait_until
from event_stream import HttpWorker

TASK = {"group_name": "mitosis_admin", "tags": [], "labels": [], "timeout": "1m", "priority": 0, "task_spec": {"args": ["true"], "terminal_output": False}}


def metric(coordinator, name: str) -> float:
    text = coordinator.api.request("GET", "/metrics")[2].decode()
    return float(re.search(rf"^mito_{name} (\S+)$", text, re.M).group(1))


def put_object(url: str, data: bytes) -> None:
    host, path = re.fullmatch(r"http://([^/]+)(/.*)", url).groups()
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.request("PUT", path, body=data)
    response = connection.getresponse()
    assert response.status == 200, response.read()
    connection.close()


def get_object(url: str) -> bytes:
    host, path = re.fullmatch(r"http://([^/]+)(/.*)", url).groups()
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.request("GET", path)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return data if response.status == 200 else b""


def upload_attachment(api, token: str, key: str, data: bytes) -> None:
    put_object(api.call("POST", "/groups/mitosis_admin/attachments", {"key": key, "content_length": len(data)}, token)["url"], data)


def finished_task(api, token: str, artifact: bytes | None = None) -> str:
    """A task that is over, perhaps with an artifact."""
    uuid = api.submit(token, ["true"])
    worker = HttpWorker(api, token)
    task = worker.fetch()
    if artifact is not None:
        put_object(worker.report(task, {"Upload": {"content_type": "Result", "content_length": len(artifact)}})["url"], artifact)
    worker.complete(task)
    api.call("DELETE", "/workers", token=worker.token)
    return uuid


def object_files(coordinator) -> list[pathlib.Path]:
    return [path for path in (coordinator.data / "objects").glob("??/??/*") if path.is_file()]


# -- backup and restore ------------------------------------------------------------------------------

def test_a_backup_under_load_is_a_state_that_was(tools):
    coordinator = tools.coordinator()
    api, admin = coordinator.api, coordinator.api.login()
    before = [row["uuid"] for row in (result["Ok"] for result in api.call("POST", "/tasks/submit", {"tasks": [TASK] * 200}, admin)["results"])]
    upload_attachment(api, admin, "kept", b"k" * 100_000)
    stop = threading.Event()
    submitted: list[str] = []

    def load(number: int):
        count = 0
        while not stop.is_set():
            submitted.extend(result["Ok"]["uuid"] for result in api.call("POST", "/tasks/submit", {"tasks": [TASK] * 20}, admin)["results"])
            if number == 0:
                upload_attachment(api, admin, f"load-{count}", str(count).encode() * 1000)
            count += 1
    threads = [threading.Thread(target=load, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: len(submitted) > 200, 20, "the load")
        known = list(submitted)
        done = tools.run("coordinator", "backup", tools.directory / "copy", "--data-dir", coordinator.data)
        assert done.returncode == 0, done.stderr
        assert "objects" in done.stdout
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    refused = tools.run("coordinator", "backup", tools.directory / "copy", "--data-dir", coordinator.data)
    assert refused.returncode == 2 and "is there already" in refused.stderr
    assert (tools.directory / "copy").stat().st_mode & 0o77 == 0 and not (tools.directory / "copy.partial").exists()

    elsewhere = tools.directory / "elsewhere"
    elsewhere.mkdir()
    done = tools.run("coordinator", "restore", tools.directory / "copy", "--data-dir", elsewhere / "coordinator-data")
    assert done.returncode == 0, done.stderr
    assert sqlite3.connect(elsewhere / "coordinator-data" / "mitosis.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)
    restored = tools.coordinator(directory=elsewhere)
    # The keys came along: the token of before is good.
    found = {task["uuid"] for task in restored.api.call("POST", "/tasks/query", {"count": False}, admin)["tasks"]}
    assert set(before) | set(known) <= found
    assert found <= set(before) | set(submitted)
    numbers = sorted(task["task_id"] for task in restored.api.call("POST", "/tasks/query", {"count": False}, admin)["tasks"])
    assert numbers == list(range(1, len(found) + 1))
    attachments = restored.api.call("POST", "/groups/mitosis_admin/attachments/query", {"count": False}, admin)["attachments"]
    assert "kept" in {attachment["key"] for attachment in attachments}
    for attachment in attachments[:-1]:  # The last one may have been on its way.
        url = restored.api.call("GET", f"/groups/mitosis_admin/download/attachments/{attachment['key']}", token=admin)["url"]
        assert len(get_object(url)) == attachment["size"], attachment
    # And it works on.
    restored.api.submit(admin, ["true"])


def test_restore_never_overwrites_and_wants_a_backup(tools):
    coordinator = tools.coordinator()
    assert tools.run("coordinator", "backup", tools.directory / "copy", "--data-dir", coordinator.data).returncode == 0
    running = tools.run("coordinator", "restore", tools.directory / "copy", "--data-dir", coordinator.data)
    assert running.returncode == 2 and str(coordinator.pid) in running.stderr
    coordinator.stop()
    there = tools.run("coordinator", "restore", tools.directory / "copy", "--data-dir", coordinator.data)
    assert there.returncode == 2 and "is there already" in there.stderr
    wrong = tools.run("coordinator", "restore", tools.directory, "--data-dir", tools.directory / "new")
    assert wrong.returncode == 2 and "not a backup" in wrong.stderr
    nothing = tools.run("coordinator", "backup", tools.directory / "other", "--data-dir", tools.directory / "nowhere")
    assert nothing.returncode == 2 and "--data-dir" in nothing.stderr
    assert tools.run("coordinator", "backup").returncode == 2
    assert "backup DIR" in tools.run("coordinator", "backup", "--help").stdout


# -- passwords ---------------------------------------------------------------------------------------

def test_set_password_offline(tools):
    coordinator = tools.coordinator()
    token = coordinator.api.login()
    arguments = ["coordinator", "set-password", "mitosis_admin", "--password-file", "-", "--data-dir", coordinator.data]
    running = tools.run(*arguments, stdin="new\n")
    assert running.returncode == 2 and str(coordinator.pid) in running.stderr
    coordinator.stop()
    done = tools.run(*arguments, stdin="new\n")
    assert done.returncode == 0, done.stderr
    file = tools.directory / "password"
    file.write_text("newer\n")
    done = tools.run("coordinator", "set-password", "mitosis_admin", "--password-file", file, "--data-dir", coordinator.data)
    assert done.returncode == 0, done.stderr
    unknown = tools.run("coordinator", "set-password", "nobody", "--password-file", "-", "--data-dir", coordinator.data, stdin="x\n")
    assert unknown.returncode == 2 and "no user nobody" in unknown.stderr
    assert tools.run(*arguments, stdin="\n").returncode == 2
    silent = tools.run("coordinator", "set-password", "mitosis_admin", "--data-dir", coordinator.data)
    assert silent.returncode == 2
    again = tools.coordinator()
    for old in ("mitosis_admin", "new"):
        assert again.api.request("POST", "/login", {"username": "mitosis_admin", "md5_password": list(hashlib.md5(old.encode()).digest()), "retain": True})[0] == 401
    assert again.api.request("GET", "/auth", token=token)[0] == 401
    again.api.login(password="newer")


# -- retention ---------------------------------------------------------------------------------------

def test_retention_removes_old_tasks_with_their_artifacts(tools):
    coordinator = tools.coordinator()
    api, admin = coordinator.api, coordinator.api.login()
    old = [finished_task(api, admin, b"a" * 1000) for _ in range(3)]
    waiting = api.submit(admin, ["true"])
    upload_attachment(api, admin, "kept", b"k" * 500)
    used = api.call("GET", "/groups/mitosis_admin", token=admin)["storage_used"]
    assert used == 3500 and len(object_files(coordinator)) == 4
    coordinator.stop()
    # Nothing is removed by default.
    again = tools.coordinator("--sweep-interval", "50ms")
    time.sleep(0.3)
    assert again.api.call("POST", "/tasks/query", {"count": True}, admin)["count"] == 4
    again.stop()
    with sqlite3.connect(coordinator.data / "mitosis.db") as database:
        database.execute("UPDATE tasks SET updated_at = updated_at - 7200000000 WHERE archived = 1")
    sweeping = tools.coordinator("--sweep-interval", "50ms", "--retention", "1h")
    wait_until(lambda: metric(sweeping, "tasks_expired_total") == 3, 15, "the removal")
    left = sweeping.api.call("POST", "/tasks/query", {"count": False}, admin)["tasks"]
    assert [task["uuid"] for task in left] == [waiting]
    assert sweeping.api.request("GET", f"/tasks/{old[0]}", token=admin)[0] == 404
    assert sweeping.api.call("GET", "/groups/mitosis_admin", token=admin)["storage_used"] == 500
    wait_until(lambda: len(object_files(coordinator)) == 1, 10, "the removal of the bytes")


def test_objects_that_no_row_names_are_removed_when_they_are_old(tools):
    coordinator = tools.coordinator()
    api, admin = coordinator.api, coordinator.api.login()
    finished_task(api, admin, b"a" * 1000)
    upload_attachment(api, admin, "kept", b"k")
    coordinator.stop()
    named = set(object_files(coordinator))
    for path in named:
        os.utime(path, (1, 1))
    folder = coordinator.data / "objects" / "ab" / "cd"
    folder.mkdir(parents=True, exist_ok=True)
    orphan, fresh, foreign = folder / ("abcd" + "0" * 60), folder / ("abcd" + "1" * 60), folder / "README"
    for path in (orphan, fresh, foreign):
        path.write_bytes(b"x")
    for path in (orphan, foreign):
        os.utime(path, (1, 1))
    again = tools.coordinator("--sweep-interval", "50ms", "--orphan-age", "1h")
    wait_until(lambda: metric(again, "orphan_objects_removed_total") == 1, 15, "the removal")
    assert not orphan.exists() and fresh.exists() and foreign.exists()
    assert named <= set(object_files(coordinator))


# -- SIGHUP --------------------------------------------------------------------------------------------

def test_rows_changed_by_hand_count_after_sighup(tools):
    coordinator = tools.coordinator()
    api, admin = coordinator.api, coordinator.api.login()
    worker = HttpWorker(api, admin)
    with sqlite3.connect(coordinator.data / "mitosis.db", timeout=20) as database:
        database.execute("UPDATE users SET state = 1 WHERE username = 'mitosis_admin'")
    assert api.request("GET", "/auth", token=admin)[0] == 200
    coordinator.signal(signal.SIGHUP)
    wait_until(lambda: api.request("GET", "/auth", token=admin)[0] == 403, 10, "the new state")
    worker.fetch()  # Workers stay what they are.
    with sqlite3.connect(coordinator.data / "mitosis.db", timeout=20) as database:
        database.execute("UPDATE users SET state = 0 WHERE username = 'mitosis_admin'")
    coordinator.signal(signal.SIGHUP)
    coordinator.signal(signal.SIGHUP)
    wait_until(lambda: api.request("GET", "/auth", token=admin)[0] == 200, 10, "the state of before")
    assert coordinator.stop() == 0


# -- shutdown --------------------------------------------------------------------------------------------

def test_the_shutdown_secret_is_in_a_private_file_and_in_no_log(tools):
    coordinator = tools.coordinator(extra={"RUST_LOG": "trace"})
    file = coordinator.data / "shutdown-secret"
    secret = file.read_text().strip()
    assert file.stat().st_mode & 0o777 == 0o600 and len(secret) >= 20
    admin = coordinator.api.login()
    assert coordinator.api.request("POST", "/admin/shutdown", {"secret": secret[:-1]}, admin)[0] == 403
    assert coordinator.api.request("POST", "/admin/shutdown", {"secret": secret + "x"}, admin)[0] == 403
    coordinator.api.call("POST", "/admin/shutdown", {"secret": secret}, admin)
    assert coordinator.process.wait(20) == 0
    assert secret not in coordinator.output() and admin not in coordinator.output()


@pytest.mark.parametrize("given", [True, False])
def test_metrics_need_their_token_where_there_is_one(tools, given):
    coordinator = tools.coordinator(*(["--metrics-token", "sesame"] if given else []))
    assert coordinator.api.request("GET", "/metrics", token="sesame")[0] == 200
    assert coordinator.api.request("GET", "/metrics", token="sesamE")[0] == (403 if given else 200)
