"""S3 and Redis that refuse, stall and forget while our workers work: every result is recorded once, and its bytes are there."""
from __future__ import annotations

import io
import tarfile
import time

from conftest import wait_until
from redis_server import redis_server  # noqa: F401 (fixture)
from s3_server import own_s3_server  # noqa: F401 (fixture)
from test_s3 import fetch, make_old

TASKS_OF_A_PHASE = 6


def stdout_of(api, token: str, uuid: str) -> str:
    answer = api.call("GET", f"/tasks/{uuid}/download/artifacts/std-log", token=token)
    status, body = fetch("GET", answer["url"])
    assert status == 200, f"the log of {uuid}: {status} {body!r}"
    archive = tarfile.open(fileobj=io.BytesIO(body))
    (log,) = [member for member in archive if member.name.endswith("stdout.log")]
    return archive.extractfile(log).read().decode().strip()


def test_results_outlive_the_faults_of_both(tools, own_s3_server, redis_server):  # noqa: F811
    coordinator = tools.coordinator(*own_s3_server.arguments(), "--redis", redis_server.url)
    token = coordinator.api.login()
    runs = tools.directory / "runs"
    workers = [tools.worker(coordinator.url, name=f"worker-{number}") for number in range(2)]
    uuids: list[str] = []

    def submit() -> None:
        for _ in range(TASKS_OF_A_PHASE):
            number = len(uuids)
            uuids.append(coordinator.api.submit(token, ["sh", "-c", f"echo {number} >> {runs}; echo {number}"], terminal_output=True))

    def all_run() -> bool:
        return runs.exists() and len(runs.read_text().split()) >= len(uuids) - 1

    submit()
    for uuid in uuids:
        coordinator.api.wait_for_result(token, uuid)
    own_s3_server.freeze()
    redis_server.freeze()
    submit()
    time.sleep(2)  # The fault has to last.
    own_s3_server.thaw()
    redis_server.thaw()
    wait_until(all_run, 30, "the tasks of the stall")
    own_s3_server.kill()
    redis_server.kill()
    submit()
    time.sleep(2)
    own_s3_server.start()
    redis_server.start()
    submit()
    for number, uuid in enumerate(uuids):
        info = coordinator.api.wait_for_result(token, uuid, 60)
        assert (info["state"], info["result"]["exit_status"]) == ("Finished", 0), info
        assert stdout_of(coordinator.api, token, uuid) == str(number)
    assert sorted(map(int, runs.read_text().split())) == list(range(len(uuids))), "each task ran once"
    assert all(worker.process.poll() is None for worker in workers)


def test_requests_of_users_are_answered_while_s3_stalls(tools, own_s3_server):  # noqa: F811
    coordinator = tools.coordinator(*own_s3_server.arguments())
    token = coordinator.api.login()
    answer = coordinator.api.call("POST", "/groups/mitosis_admin/attachments", {"key": "k", "content_length": 1}, token)
    assert fetch("PUT", answer["url"], b"x")[0] == 200
    make_old(coordinator)
    own_s3_server.freeze()
    try:
        # An object that cannot be removed holds nobody for ever.
        coordinator.api.call("DELETE", "/groups/mitosis_admin/attachments/k", token=token, timeout=120)
        uuid = coordinator.api.submit(token, ["true"])
        assert coordinator.api.call("GET", f"/tasks/{uuid}", token=token)["info"]["state"] == "Ready"
        assert coordinator.api.call("POST", "/groups/mitosis_admin/attachments", {"key": "other", "content_length": 1}, token)["url"]
    finally:
        own_s3_server.thaw()
