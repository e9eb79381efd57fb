"""Starting and stopping: where things are kept, what is refused with which remedy, what a stop leaves behind."""
from __future__ import annotations

import hashlib
import os
import pathlib
import re
import signal
import socket
import stat
import threading
import time

import pytest

from conftest import Api, wait_until


def md5(text: str) -> list:
    return list(hashlib.md5(text.encode()).digest())


def run_refused(tools, *arguments, **options):
    """A start that must fail; its output."""
    result = tools.run("coordinator", *arguments, timeout=30, **options)
    assert result.returncode not in (0, None), result.stdout + result.stderr
    return result.stdout + result.stderr


def test_default_directory_and_keys(tools):
    coordinator = tools.coordinator()
    assert stat.S_IMODE(coordinator.data.stat().st_mode) == 0o700
    for name in ("private.pem", "shutdown-secret"):
        assert stat.S_IMODE((coordinator.data / name).stat().st_mode) == 0o600, name
    output = coordinator.output()
    for line in ("Database: ", "Objects: ", "Keys: ", "listening on: 127.0.0.1:"):
        assert len(re.findall(re.escape(line), output)) == 1, output
    assert str(coordinator.data) in output
    assert coordinator.api.call("GET", "/health") == {"status": "ok"}
    secret = (coordinator.data / "shutdown-secret").read_text().strip()
    assert secret not in output


def test_data_directory_from_the_environment(tools, tmp_path):
    started = tools.start("coordinator", "--bind", "127.0.0.1:0", name="default")
    started.wait_for_output("listening on")
    assert (tmp_path / "data" / "mitosis" / "mitosis.db").exists()
    assert started.stop() == 0


def test_keys_of_the_working_directory_are_used(tools, tmp_path):
    first = tools.coordinator(directory=tmp_path)
    token = first.api.login()
    for name in ("private.pem", "public.pem"):
        os.rename(first.data / name, tmp_path / name)
    assert first.stop() == 0
    second = tools.coordinator(directory=tmp_path)
    assert str(tmp_path / "private.pem") in second.output()
    assert second.api.call("GET", "/auth", token=token) == "mitosis_admin"
    assert not (second.data / "private.pem").exists()


def test_another_key_pair_is_refused(tools, tmp_path):
    first = tools.coordinator()
    assert first.stop() == 0
    for name in ("private.pem", "public.pem"):
        os.remove(first.data / name)
    output = run_refused(tools, "--bind", "127.0.0.1:0", "--data-dir", first.data)
    assert "another key pair" in output and "Put the key files" in output


def test_half_a_key_pair_is_refused(tools):
    first = tools.coordinator()
    assert first.stop() == 0
    os.remove(first.data / "public.pem")
    output = run_refused(tools, "--bind", "127.0.0.1:0", "--data-dir", first.data)
    assert "private.pem" in output and "public.pem" in output and "openssl" in output


def test_broken_key_is_refused(tools, tmp_path):
    (tmp_path / "private.pem").write_text("nonsense")
    (tmp_path / "public.pem").write_text("nonsense")
    output = run_refused(tools, "--bind", "127.0.0.1:0", "--data-dir", tmp_path / "d")
    assert "private.pem" in output and "cannot be used" in output


def test_directory_in_use_names_the_process(tools):
    coordinator = tools.coordinator()
    output = run_refused(tools, "--bind", "127.0.0.1:0", "--data-dir", coordinator.data)
    assert "in use" in output and f"process {coordinator.pid}" in output and "--data-dir" in output
    assert coordinator.api.call("GET", "/health") == {"status": "ok"}


def test_unwritable_directory(tools, tmp_path):
    (tmp_path / "file").write_text("")
    output = run_refused(tools, "--bind", "127.0.0.1:0", "--data-dir", tmp_path / "file" / "data")
    assert "data directory" in output and "--data-dir" in output
    closed = pathlib.Path("/proc/mitosis-data")
    output = run_refused(tools, "--bind", "127.0.0.1:0", "--data-dir", closed)
    assert str(closed) in output and "--data-dir" in output


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_directory_without_permission(tools, tmp_path):
    (tmp_path / "data").mkdir(mode=0o500)
    output = run_refused(tools, "--bind", "127.0.0.1:0", "--data-dir", tmp_path / "data")
    assert "cannot be written" in output and "--data-dir" in output


def test_port_in_use(tools, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        output = run_refused(tools, "--bind", f"127.0.0.1:{port}", "--data-dir", tmp_path / "d")
    assert f"127.0.0.1:{port}" in output and re.search("in use|another", output)


@pytest.mark.parametrize("arguments, words", [
    (("--db", "postgres://u:p@127.0.0.1:1/mitosis"), ("PostgreSQL", "db_url")),
    (("--db", "mysql://127.0.0.1/mitosis"), ("--db", "postgres:")),
    (("--redis", "localhost:6379"), ("is no address of a Redis",)),
    (("--admin-user", "x" * 256), ("admin_user", "255")),
    (("--bind", "localhost:1"), ("bind", "127.0.0.1:5000")),
    (("--bind", "127.0.0.1:99999"), ("127.0.0.1:5000",)),
    (("--heartbeat-timeout", "5"), ("heartbeat",)),
])
def test_settings_that_cannot_be_met(tools, tmp_path, arguments, words):
    defaults = () if "--bind" in arguments else ("--bind", "127.0.0.1:0")
    output = run_refused(tools, "--data-dir", tmp_path / "d", *defaults, *arguments)
    for word in words:
        assert word in output, output
    assert "p@localhost" not in output, "a password was shown"


def test_corrupt_line_of_the_configuration(tools, tmp_path):
    (tmp_path / "config.toml").write_text("[coordinator]\nbind = \"127.0.0.1:0\"\nheartbeat_timeout = 5\n")
    output = run_refused(tools, "--data-dir", tmp_path / "d")
    assert "config.toml" in output and "3" in output and "heartbeat_timeout" in output


def test_admin_password_of_a_public_address_is_random_and_shown_once(tools, tmp_path):
    first = tools.start("coordinator", "--bind", "0.0.0.0:0", "--data-dir", tmp_path / "d", name="first")
    port = int(first.wait_for_output(r"listening on[^\n]*?:(\d+)").group(1))
    password = first.wait_for_output(r"the password (\S+)").group(1)
    api = Api(port)
    api.call("POST", "/login", {"username": "mitosis_admin", "md5_password": md5("mitosis_admin")}, expect=401)
    assert api.login("mitosis_admin", password)
    assert first.stop() == 0
    second = tools.start("coordinator", "--bind", "0.0.0.0:0", "--data-dir", tmp_path / "d", name="second")
    second.wait_for_output("listening on")
    assert "the password" not in second.output()


def test_configured_admin(tools):
    coordinator = tools.coordinator("--admin-user", "root.of@all", "--admin-password", "12345")
    token = coordinator.api.login("root.of@all", "12345")
    assert coordinator.api.call("GET", "/auth", token=token) == "root.of@all"
    assert coordinator.stop() == 0
    again = tools.coordinator("--admin-user", "someone", "--admin-password", "else")
    assert again.api.login("root.of@all", "12345")
    again.api.call("POST", "/login", {"username": "someone", "md5_password": md5("else")}, expect=401)


def test_restart_keeps_everything(tools):
    first = tools.coordinator()
    admin = first.api.login()
    uuid = first.api.submit(admin, ["true"], labels=["kept"])
    worker = first.api.call("POST", "/workers", {"tags": ["t"], "labels": [], "groups": []}, admin)
    link = first.api.call("POST", "/groups/mitosis_admin/attachments", {"key": "k", "content_length": 5}, admin)["url"]
    path = link.split("/", 3)[3]
    assert first.api.request("PUT", "/" + path, b"bytes")[0] == 200
    task = first.api.call("GET", "/workers/tasks", token=worker["token"])
    assert task["uuid"] == uuid
    waiting = first.api.submit(admin, ["false"])
    assert first.stop() == 0

    second = tools.coordinator()
    info = second.api.call("GET", f"/tasks/{uuid}", token=admin)["info"]
    assert info["state"] == "Running" and info["labels"] == ["kept"]
    assert second.api.call("GET", "/workers/tasks", token=worker["token"])["uuid"] == uuid, "the task of that worker"
    for op in ("Finish", {"Commit": {"exit_status": 0, "msg": None}}):
        second.api.call("POST", "/workers/tasks", {"id": task["id"], "op": op}, worker["token"])
    assert second.api.call("GET", "/workers/tasks", token=worker["token"])["uuid"] == waiting
    link = second.api.call("GET", "/groups/mitosis_admin/download/attachments/k", token=admin)["url"]
    assert second.api.request("GET", "/" + link.split("/", 3)[3])[2] == b"bytes"
    # Links of the first life stay good: the secret is kept.
    assert second.api.request("PUT", "/" + path, b"other")[0] == 200


def test_sigterm_answers_who_waits_and_ends(tools):
    coordinator = tools.coordinator()
    admin = coordinator.api.login()
    worker = coordinator.api.call("POST", "/workers", {"tags": ["t"], "labels": [], "groups": [], "features": ["wait"]}, admin)
    answers = []

    def wait_for_a_task():
        answers.append(coordinator.api.request("GET", "/workers/tasks?wait=50s", token=worker["token"]))

    thread = threading.Thread(target=wait_for_a_task)
    thread.start()
    wait_until(lambda: "mito_waiting_fetches 1" in coordinator.api.call("GET", "/metrics"), what="the waiting fetch")
    start = time.monotonic()
    assert coordinator.stop() == 0
    assert time.monotonic() - start < 5
    thread.join(5)
    status, headers, body = answers[0]
    assert (status, body) == (200, b"null")
    assert headers["connection"] == "close"


def test_second_signal_ends_at_once(tools):
    coordinator = tools.coordinator("--shutdown-grace", "60s")
    # An upload that does not go on keeps the first signal waiting.
    admin = coordinator.api.login()
    link = coordinator.api.call("POST", "/groups/mitosis_admin/attachments", {"key": "k", "content_length": 1000}, admin)["url"]
    connection = socket.create_connection(("127.0.0.1", coordinator.port))
    path = "/" + link.split("/", 3)[3]
    connection.sendall(f"PUT {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nsome".encode())
    wait_until(lambda: list((coordinator.data / "objects").rglob("*")), what="the begun upload")
    coordinator.signal(signal.SIGTERM)
    coordinator.wait_for_output("stopping")
    assert coordinator.process.poll() is None
    coordinator.signal(signal.SIGTERM)
    wait_until(lambda: coordinator.process.poll() is not None, 5, "the end")
    assert coordinator.process.returncode == 1
    connection.close()


def test_shutdown_by_request(tools):
    coordinator = tools.coordinator()
    admin = coordinator.api.login()
    secret = (coordinator.data / "shutdown-secret").read_text().strip()
    coordinator.api.call("POST", "/admin/shutdown", {"secret": secret + "x"}, admin, expect=403)
    coordinator.api.call("POST", "/admin/shutdown", {"secret": secret}, admin)
    wait_until(lambda: coordinator.process.poll() is not None, 10, "the end")
    assert coordinator.process.returncode == 0


def test_database_elsewhere_is_guarded_too(tools, tmp_path):
    database = tmp_path / "elsewhere.db"
    first = tools.coordinator("--db", f"sqlite:{database}")
    assert database.exists() and not (first.data / "mitosis.db").exists()
    output = run_refused(tools, "--bind", "127.0.0.1:0", "--data-dir", tmp_path / "other", "--db", f"sqlite:{database}")
    assert str(database) in output and f"process {first.pid}" in output and "db_url" in output
    assert first.api.login()
