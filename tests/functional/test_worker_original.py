"""Our worker against the original's coordinator: a real one, with PostgreSQL, S3 and Redis. MITO_ORIGINAL names its program."""
from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import Api, clean_environment, wait_until
from postgres_server import free_port, postgres_server  # noqa: F401 (a fixture)
from s3_server import S3Server, find_rclone
from test_worker import artifact
from test_worker_redis import Redis

ORIGINAL = os.environ.get("MITO_ORIGINAL", "")
pytestmark = pytest.mark.skipif(not pathlib.Path(ORIGINAL).is_file() or not find_rclone() or not shutil.which("redis-server"),
                                reason="the original (MITO_ORIGINAL), rclone or redis-server is not installed")


class OriginalCoordinator:
    def __init__(self, directory: pathlib.Path, database: str, s3: S3Server, redis: Redis):
        for command in (["genpkey", "-algorithm", "ed25519", "-out", "private.pem"], ["pkey", "-in", "private.pem", "-pubout", "-out", "public.pem"]):
            subprocess.run(["openssl", *command], cwd=directory, check=True, capture_output=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = Api(self.port)
        with open(directory / "original.log", "ab") as log:
            self.process = subprocess.Popen([ORIGINAL, "coordinator", "--bind", f"127.0.0.1:{self.port}", "--db", database, *s3.arguments(), "--s3-force-path-style",
                                             "--redis", f"redis://127.0.0.1:{redis.port}"],
                                            cwd=directory, env=clean_environment(directory), stdout=log, stderr=log)
        wait_until(lambda: self.process.poll() is not None or self.answers(), 60, "the original's start")
        assert self.process.poll() is None, (directory / "original.log").read_text()

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.api.request("GET", "/health", timeout=2)[0] == 200
        return False


@pytest.fixture
def original(tmp_path, postgres_server):  # noqa: F811
    s3, redis = S3Server(), Redis(tmp_path)
    coordinator = OriginalCoordinator(tmp_path, postgres_server.new_url(), s3, redis)
    coordinator.redis = redis
    yield coordinator
    coordinator.process.kill()
    coordinator.process.wait()
    redis.stop()
    s3.remove()


def test_a_day_of_a_worker(tools, original):
    """One coordinator for all, as its start takes long."""
    api, token = original.api, original.api.login()
    original.redis.listen()
    worker = tools.worker(original.url, "--slots", "2", "--polling-interval", "100ms", "--heartbeat-interval", "200ms")

    # What a task makes, and what is announced of it.
    uuid = api.submit(token, ["sh", "-c", 'echo r > "$MITO_RESULT_DIR/r"; echo e > "$MITO_EXEC_DIR/e"; echo out; exit 3'], terminal_output=True)
    info = api.wait_for_result(token, uuid)
    assert info["state"] == "Finished" and info["result"] == {"exit_status": 768, "msg": None}
    assert artifact(original, token, uuid, "result") == {"result/r": "r\n"}
    assert artifact(original, token, uuid, "exec-log") == {"exec-log/e": "e\n"}
    assert artifact(original, token, uuid, "std-log") == {"std-log/stdout.log": "out\n", "std-log/stderr.log": ""}
    wait_until(lambda: original.redis.told(uuid)[-1:] == [19], what="the last state")
    assert original.redis.told(uuid) == [1, 10, 11, 12, 14, 15, 17, 19]

    # As a resource of the next, which fails to be found for another.
    again = api.submit(token, ["sh", "-c", 'tar xzf "$MITO_RESOURCE_DIR/in/a.tar.gz" -O'], terminal_output=True, spec={"resources": [
        {"remote_file": {"Artifact": {"uuid": uuid, "content_type": "result"}}, "local_path": "in/a.tar.gz"}]})
    missing = api.submit(token, ["true"], spec={"resources": [{"remote_file": {"Attachment": {"key": "ghost"}}, "local_path": "x"}]})
    assert api.wait_for_result(token, again)["result"]["exit_status"] == 0
    assert artifact(original, token, again, "std-log")["std-log/stdout.log"] == "r\n"
    info = api.wait_for_result(token, missing)
    assert info["state"] == "Cancelled" and info["result"] == {"exit_status": 0, "msg": "ResourceNotFound"}

    # Timeout, a program that does not exist, an argument list that is too long: results, and the worker goes on.
    late = api.submit(token, ["sh", "-c", "echo before; sleep 60"], timeout="1s", terminal_output=True)
    unknown = api.submit(token, ["no-such-program"])
    long = api.submit(token, ["true", "x" * 200_000])
    info = api.wait_for_result(token, late)
    assert info["state"] == "Cancelled" and info["result"] == {"exit_status": 15, "msg": "ExecTimeout"}
    assert artifact(original, token, late, "std-log")["std-log/stdout.log"] == "before\n"
    assert api.wait_for_result(token, unknown)["result"] == {"exit_status": 32512, "msg": None}
    assert "No such file" in artifact(original, token, unknown, "exec-log")["exec-log/mitosis.json"]
    assert api.wait_for_result(token, long)["result"] == {"exit_status": 32256, "msg": None}

    # A watch between the two slots.
    gate = tools.directory / "gate"
    os.mkfifo(gate)
    first = api.submit(token, ["cat", str(gate)])
    second = api.submit(token, ["true"], spec={"watch": [first, "ExecFinished"]})
    wait_until(lambda: 7 in original.redis.told(second), what="the watch")
    assert api.call("GET", f"/tasks/{second}", token=token)["info"]["result"] is None
    gate.write_text("go")
    assert api.wait_for_result(token, second)["result"] == {"exit_status": 0, "msg": None}

    # A downstream task.
    child = '{"group_name":"mitosis_admin","tags":[],"labels":[],"timeout":"1m","priority":0,"task_spec":{"args":["true"]}}'
    parent = api.submit(token, ["sh", "-c", 'printf %s "$CHILD" > "$MITO_NEW_TASK"'], spec={"envs": {"CHILD": child}})
    downstream = api.wait_for_result(token, parent)["downstream_task_uuid"]
    assert api.wait_for_result(token, downstream)["result"] == {"exit_status": 0, "msg": None}

    # A kill in the middle: the next worker gives the task back at once.
    flag = tools.directory / "flag"
    task = api.submit(token, ["sh", "-c", f"test -e {flag} || {{ touch {flag}; sleep 60; }}"])
    wait_until(flag.exists, what="the command")
    worker.kill()
    second_worker = tools.worker(original.url, "--polling-interval", "100ms")
    assert api.wait_for_result(token, task, timeout=20)["result"] == {"exit_status": 0, "msg": None}
    assert second_worker.stop() == 0
