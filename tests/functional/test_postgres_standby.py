"""Hot standby: of two coordinators on one PostgreSQL database one waits, and takes over from one that is killed or frozen."""
from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time

import pytest

from conftest import ROOT, Api, wait_until
from original_worker import OriginalLoad, audit, rows_in_postgres
from postgres_server import free_port, postgres_server  # noqa: F401 (fixtures)

TAKEOVER_AFTER = 2.0
# "Serves within 2 s of the lock being free", and what a machine under load takes on top.
PROMPTLY = 2.0 + float(os.environ.get("MITO_TEST_SLACK", "3"))


class Pair:
    """Two coordinators with the same keys, in directories of their own; the first is active, the second waits."""

    def __init__(self, tools, server):
        self.tools, self.server = tools, server
        self.name = server.new_database()
        self.arguments = ["--db", server.url(self.name, self.name, self.name), "--takeover-after", f"{TAKEOVER_AFTER:g}s"]
        self.first = tools.coordinator(*self.arguments)
        key = self.first.data / "private.pem"
        self.standby_port, self.port = free_port(), free_port()
        self.second = tools.start("coordinator", "--bind", f"127.0.0.1:{self.port}", "--data-dir", tools.directory / "second-data",
                                  "--standby-bind", f"127.0.0.1:{self.standby_port}", "--access-token-private-path", key,
                                  "--access-token-public-path", self.first.data / "public.pem", *self.arguments, name="second")
        self.second.wait_for_output("on standby")
        self.api = Api(self.port)

    def second_answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.api.request("GET", "/health", timeout=2)[0] == 200
        return False

    def wait_for_second(self, timeout: float) -> float:
        begin = time.monotonic()
        wait_until(self.second_answers, timeout, "the take-over")
        return time.monotonic() - begin


@pytest.fixture
def pair(tools, postgres_server):
    return Pair(tools, postgres_server)


def test_a_standby_says_so_and_serves_nothing_else(pair):
    status, _, body = Api(pair.standby_port).request("GET", "/health")
    assert (status, body) == (503, b'{"status":"standby"}')
    assert Api(pair.standby_port).request("GET", "/tasks")[0] == 503
    assert b"\nmito_active 0\n" in Api(pair.standby_port).request("GET", "/metrics")[2]
    assert b"\nmito_active 1\n" in pair.first.api.request("GET", "/metrics")[2]
    with pytest.raises(OSError):
        pair.api.request("GET", "/health", timeout=2)
    assert pair.second.stop() == 0


@pytest.mark.parametrize("wrong", ["key", "object store"])
def test_a_standby_that_could_not_take_over_says_so_at_its_start(tools, postgres_server, wrong):  # noqa: F811
    database = ["--db", postgres_server.new_url()]
    first = tools.coordinator(*database)
    keys = ["--access-token-private-path", first.data / "private.pem", "--access-token-public-path", first.data / "public.pem"]
    other = {"key": [], "object store": [*keys, "--s3", "http://127.0.0.1:1", "--s3-access-key", "mitosis_access", "--s3-secret-key", "mitosis_secret"]}
    second = tools.start("coordinator", "--bind", "127.0.0.1:0", "--data-dir", tools.directory / "second-data", *database, *other[wrong], name="second")
    wait_until(lambda: second.process.poll() is not None, 30, "the end of the standby")
    assert second.process.returncode not in (0, None)
    words = {"key": ("another key pair", "Put the key files of that time back"), "object store": ("in another store", "--accept-object-store")}
    assert "on standby" in second.output() and all(word in second.output() for word in words[wrong]), second.output()
    assert first.api.request("GET", "/health")[0] == 200


def test_a_standby_notices_what_goes_wrong_while_it_waits(pair):
    pair.server.psql("UPDATE mito_facts SET value = 'elsewhere' WHERE name = 'object_store'", pair.name)
    wait_until(lambda: pair.second.process.poll() is not None, 60, "the end of the standby")
    assert pair.second.process.returncode != 0 and "in another store: elsewhere then, data directory now" in pair.second.output()
    assert pair.first.api.request("GET", "/health")[0] == 200


def test_takes_over_from_one_that_is_killed(pair):
    token = pair.first.api.login()
    uuid = pair.first.api.submit(token, ["true"])
    pair.first.kill()
    assert pair.wait_for_second(30) < PROMPTLY
    assert pair.api.call("GET", f"/tasks/{uuid}", token=token)["info"]["state"] == "Ready"
    pair.api.submit(token, ["true"])
    with pytest.raises(OSError):
        Api(pair.standby_port).request("GET", "/health", timeout=2)


def test_one_that_was_frozen_never_writes_again(pair):
    token = pair.first.api.login()
    pair.first.api.submit(token, ["true"])
    pair.first.signal(signal.SIGSTOP)
    assert pair.wait_for_second(60) < TAKEOVER_AFTER + PROMPTLY
    kept = pair.api.submit(token, ["true"])
    pair.first.signal(signal.SIGCONT)
    # What it is asked now it does not store.
    with contextlib.suppress(OSError, AssertionError):
        pair.first.api.call("POST", "/tasks", {"group_name": "mitosis_admin", "tags": [], "labels": [], "timeout": "10m", "priority": 0,
                                               "task_spec": {"args": ["lost"], "terminal_output": False}}, token, expect=503, timeout=20)
    wait_until(lambda: pair.first.process.poll() is not None, 30, "the end of the one that was frozen")
    assert pair.first.process.returncode != 0
    assert "taken over" in pair.first.output()
    assert pair.server.psql("SELECT count(*) FROM active_tasks WHERE spec::text LIKE '%lost%'", pair.name) == "0"
    assert pair.api.call("GET", f"/tasks/{kept}", token=token)["info"]["state"] == "Ready"


def test_worker_and_client_find_the_other_by_themselves(pair):
    """No proxy: both are told both addresses."""
    both = f"http://127.0.0.1:{pair.first.port},http://127.0.0.1:{pair.port}"
    worker = pair.tools.worker(both)
    submit = ["client", "-c", both, "-u", "mitosis_admin", "-p", "mitosis_admin", "tasks", "submit", "--wait", "--", "echo"]
    assert pair.tools.run(*submit, "before").stdout.endswith("before\n")
    pair.first.kill()
    pair.wait_for_second(30)
    assert pair.tools.run(*submit, "after").stdout.endswith("after\n")
    assert worker.output().count("Worker registered with ID") == 1
    pair.second.kill()
    failed = pair.tools.run("client", "-c", both, "tasks", "query")
    assert failed.returncode == 6 and "None of the 2 addresses answers" in failed.stderr and "Connection refused" in failed.stderr


def test_workers_of_the_original_live_through_a_failover_behind_haproxy(pair):
    haproxy = shutil.which("haproxy") or "/usr/sbin/haproxy"
    if not os.path.exists(haproxy):
        if os.environ.get("CI"):
            pytest.fail("haproxy is missing: run script/bootstrap --test")
        pytest.skip("haproxy is missing: run script/bootstrap --test")
    port = free_port()
    environment = dict(os.environ, MITO_ADDRESS=f"127.0.0.1:{port}", MITO_FIRST=f"127.0.0.1:{pair.first.port}", MITO_SECOND=f"127.0.0.1:{pair.port}")
    with open(pair.tools.directory / "haproxy.log", "ab") as log:
        proxy = subprocess.Popen([haproxy, "-db", "-f", str(ROOT / "deploy" / "haproxy.cfg")], env=environment, stdout=log, stderr=log)
    try:
        def through():
            with contextlib.suppress(OSError):
                return Api(port).request("GET", "/health", timeout=5)[0] == 200
            return False
        wait_until(through, 20, "the coordinator behind HAProxy")
        load = OriginalLoad(port, Api(port).login())
        load.run_until_ended(50)
        pair.first.kill()
        pair.wait_for_second(30)
        load.run_until_ended(50)
        load.end()
        assert audit(load, rows_in_postgres(pair.server, pair.name)) > 100
    finally:
        proxy.kill()
        proxy.wait()
