"""Where our coordinator is stricter or offers more than the original: permissions, long polling, Complete, admin queries."""
from __future__ import annotations

import hashlib
import socket
import threading
import time

import pytest

from conftest import wait_until


def md5(text: str) -> list:
    return list(hashlib.md5(text.encode()).digest())


def make_user(api, admin: str, name: str) -> str:
    """Creates a user whose password is his name; his token."""
    api.call("POST", "/admin/users", {"username": name, "md5_password": md5(name), "admin": False}, admin)
    return api.login(name, name)


def register(api, token: str, *groups: str, **more) -> dict:
    return api.call("POST", "/workers", {"tags": [], "labels": [], "groups": list(groups), **more}, token)


class World:
    """Ann has a group with Wri (Write) and Rea (Read) in it; Out is a stranger."""

    def __init__(self, coordinator):
        self.api = coordinator.api
        self.admin = self.api.login()
        self.ann, self.wri, self.rea, self.out = (make_user(self.api, self.admin, name) for name in ("ann", "wri", "rea", "out"))
        self.api.call("POST", "/groups", {"group_name": "grp"}, self.ann)
        self.api.call("PUT", "/groups/grp/users", {"relations": {"wri": "Write", "rea": "Read"}}, self.ann)

    def status(self, method: str, path: str, body=None, token=None) -> int:
        return self.api.request(method, path, body, token)[0]

    def submission(self, group: str, **more) -> dict:
        return {"group_name": group, "tags": [], "labels": [], "timeout": "1m", "priority": 0, "task_spec": {"args": ["true"]}, **more}


@pytest.fixture
def world(coordinator):
    return World(coordinator)


def test_only_members_with_write_submit(world):
    for token, status in ((world.ann, 200), (world.wri, 200), (world.rea, 403), (world.out, 403), (world.admin, 403)):
        assert world.status("POST", "/tasks", world.submission("grp"), token) == status
        answer = world.api.call("POST", "/tasks/submit", {"tasks": [world.submission("grp")]}, token)["results"][0]
        assert ("Ok" in answer) == (status == 200)
    # Refused submissions take no number.
    assert world.api.call("GET", "/groups/grp", token=world.ann)["task_count"] == 4


def test_tasks_and_artifacts_are_read_by_members_and_admins(world):
    uuid = world.api.submit(world.wri, ["true"], "grp")
    world.api.call("POST", f"/tasks/{uuid}/artifacts", {"content_type": "result", "content_length": 1}, world.wri)
    for token, status in ((world.ann, 200), (world.rea, 200), (world.admin, 200), (world.out, 403)):
        assert world.status("GET", f"/tasks/{uuid}", token=token) == status
        assert world.status("GET", f"/tasks/{uuid}/download/artifacts/result", token=token) == status
        listed = world.api.call("POST", "/tasks/download/artifacts/list", {"uuids": [uuid], "content_type": "result"}, token)
        assert len(listed["downloads"]) == (1 if status == 200 else 0)


def test_workers_are_registered_for_own_groups_only(world):
    for token, status in ((world.ann, 200), (world.rea, 200), (world.out, 403), (world.admin, 200)):
        assert world.status("POST", "/workers", {"tags": [], "labels": [], "groups": ["grp"]}, token) == status
    assert world.status("POST", "/workers", {"tags": [], "labels": [], "groups": ["nobody-has-this"]}, world.out) == 200


def test_a_group_is_added_to_a_worker_by_its_members_only(world):
    worker = register(world.api, world.out)["worker_id"]
    path = f"/workers/{worker}/groups"
    assert world.status("PUT", path, {"relations": {"grp": "Write"}}, world.out) == 403
    world.api.call("PUT", "/groups/grp/users", {"relations": {"out": "Read"}}, world.ann)
    assert world.status("PUT", path, {"relations": {"grp": "Write"}}, world.out) == 200


def test_open_groups_restores_the_ways_of_the_original(tools):
    world = World(tools.coordinator("--open-groups"))
    uuid = world.api.call("POST", "/tasks", world.submission("grp"), world.out)["uuid"]
    worker = register(world.api, world.out, "grp")
    assert world.api.call("GET", "/workers/tasks", token=worker["token"])["uuid"] == uuid


def test_refusal_names_the_setting_once(coordinator, world):
    for _ in range(3):
        assert world.status("POST", "/tasks", world.submission("grp"), world.out) == 403
        assert world.status("POST", "/workers", {"tags": [], "labels": [], "groups": ["grp"]}, world.out) == 403
    assert coordinator.output().count("open_groups = true") == 2


def test_workers_read_what_their_groups_hold(world):
    api = world.api
    uuid = api.submit(world.ann, ["true"], "grp")
    api.call("POST", f"/tasks/{uuid}/artifacts", {"content_type": "result", "content_length": 1}, world.ann)
    api.call("POST", "/groups/grp/attachments", {"key": "a", "content_length": 1}, world.ann)
    secret = api.submit(world.ann, ["true"], "ann", tags=["never"])
    mine = register(api, world.wri, "grp", tags=["none"])["token"]
    strange = register(api, world.out)["token"]
    for path in (f"/workers/tasks/{uuid}", f"/workers/tasks/{uuid}/artifacts/result", f"/workers/tasks/{uuid}/attachments/a"):
        assert world.status("GET", path, token=mine) == 200, path
        assert world.status("GET", path, token=strange) == 403, path
    assert world.status("GET", f"/workers/tasks/{secret}", token=mine) == 403


def test_a_task_does_not_see_more_than_its_creator(world):
    """Wri's worker serves two groups; while it runs a task of somebody who is in one of them only, the other is closed."""
    api = world.api
    other = api.submit(world.wri, ["true"], "wri", tags=["never"])
    uuid = api.submit(world.ann, ["true"], "grp")
    worker = api.call("POST", "/workers", {"tags": ["x"], "labels": [], "groups": ["grp"]}, world.wri)["token"]
    assert world.status("GET", f"/workers/tasks/{other}", token=worker) == 200
    assert api.call("GET", "/workers/tasks", token=worker)["uuid"] == uuid
    assert world.status("GET", f"/workers/tasks/{other}", token=worker) == 403
    assert world.status("GET", f"/workers/tasks/{uuid}", token=worker) == 200


def test_cancelling_what_cannot_be_cancelled_cancels_nothing(world):
    api = world.api
    for states in (["Running"], [], ["Finished", "Cancelled"]):
        uuid = api.submit(world.ann, ["true"], "grp")
        answer = api.call("POST", "/tasks/cancel", {"group_name": "grp", "states": states}, world.ann)
        assert answer["cancelled_count"] == 0
        assert api.call("GET", f"/tasks/{uuid}", token=world.ann)["info"]["state"] == "Ready"
    assert api.call("POST", "/tasks/cancel", {"group_name": "grp"}, world.ann)["cancelled_count"] == 3


def test_long_poll_is_answered_by_a_submission(world):
    worker = register(world.api, world.ann, "grp", features=["wait", "complete"], lease="30s")
    assert {"wait", "complete", "detail"} <= set(worker["features"])
    answers = []

    def fetch():
        answers.append((world.api.call("GET", "/workers/tasks?wait=30s", token=worker["token"]), time.monotonic()))
    thread = threading.Thread(target=fetch)
    thread.start()
    wait_until(lambda: "mito_waiting_fetches 1" in world.api.call("GET", "/metrics"), what="the waiting fetch")
    submitted = time.monotonic()
    uuid = world.api.submit(world.ann, ["true"], "grp")
    thread.join(10)
    task, when = answers[0]
    assert task["uuid"] == uuid
    assert when - submitted < 1


def test_long_poll_ends_with_null(world):
    worker = register(world.api, world.ann)["token"]
    start = time.monotonic()
    assert world.api.call("GET", "/workers/tasks?wait=300ms", token=worker) is None
    assert 0.25 < time.monotonic() - start < 5


def test_a_waiter_who_left_gets_nothing(coordinator, world):
    gone = register(world.api, world.ann, "grp")["token"]
    with socket.create_connection(("127.0.0.1", coordinator.port)) as connection:
        connection.sendall(f"GET /workers/tasks?wait=30s HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {gone}\r\n\r\n".encode())
        wait_until(lambda: "mito_waiting_fetches 1" in world.api.call("GET", "/metrics"), what="the waiting fetch")
    wait_until(lambda: "mito_waiting_fetches 0" in world.api.call("GET", "/metrics"), what="the end of the wait")
    uuid = world.api.submit(world.ann, ["true"], "grp")
    assert world.api.call("GET", f"/tasks/{uuid}", token=world.ann)["info"]["state"] == "Ready"


def test_complete_ends_one_task_and_brings_the_next(world):
    api = world.api
    first, second = api.submit(world.ann, ["1"], "grp"), api.submit(world.ann, ["2"], "grp")
    worker = register(api, world.ann, "grp", features=["complete", "detail"])["token"]
    task = api.call("GET", "/workers/tasks", token=worker)
    assert task["uuid"] == first
    complete = {"exit_status": 0, "msg": None, "state": "Finished", "next": True, "detail": {"reason": "why", "notes": []}}
    answer = api.call("POST", "/workers/tasks", {"id": task["id"], "op": {"Complete": complete}}, worker)
    assert answer["url"] is None and answer["next"]["uuid"] == second
    done = api.call("GET", f"/tasks/{first}?detail=true", token=world.ann)
    assert done["info"]["state"] == "Finished" and done["info"]["result"] == {"exit_status": 0, "msg": None}
    assert done["detail"]["reason"] == "why"
    assert "detail" not in api.call("GET", f"/tasks/{first}", token=world.ann)
    repeated = api.call("POST", "/workers/tasks", {"id": task["id"], "op": {"Complete": complete}}, worker)
    assert repeated["next"]["uuid"] == second, "a repeated report is answered alike"
    complete["next"] = False
    answer = api.call("POST", "/workers/tasks", {"id": answer["next"]["id"], "op": {"Complete": complete}}, worker)
    assert answer == {"url": None, "next": None}


def test_a_named_submission_is_done_once(world):
    uuid = "01890a5d-ac96-774b-bcce-b302099a8057"
    first = world.api.call("POST", "/tasks", world.submission("grp", uuid=uuid), world.ann)
    assert first["uuid"] == uuid
    assert world.api.call("POST", "/tasks", world.submission("grp", uuid=uuid), world.ann) == first
    assert world.api.call("GET", "/groups/grp", token=world.ann)["task_count"] == 1


@pytest.mark.parametrize("lease", ["0s", "100ms", "2days"])
def test_senseless_leases_are_refused(world, lease):
    body = {"tags": [], "labels": [], "groups": [], "lease": lease}
    status, _, text = world.api.request("POST", "/workers", body, world.ann)
    assert status == 400 and b"between 1s and 1day" in text


def test_a_silent_worker_loses_its_task(world):
    api = world.api
    uuid = api.submit(world.ann, ["true"], "grp")
    worker = register(api, world.ann, "grp", lease="1s")["token"]
    assert api.call("GET", "/workers/tasks", token=worker)["uuid"] == uuid
    other = register(api, world.ann, "grp")["token"]
    task = api.call("GET", "/workers/tasks?wait=20s", token=other)
    assert task and task["uuid"] == uuid
    assert world.status("POST", "/workers/heartbeat", token=worker) == 401


def test_admins_see_everything(world):
    api = world.api
    users = api.call("POST", "/admin/query/users", {}, world.admin)
    assert users["count"] == 5 and {user["username"] for user in users["users"]} == {"mitosis_admin", "ann", "wri", "rea", "out"}
    assert api.call("POST", "/admin/query/users", {"admin": True}, world.admin)["count"] == 1
    page = api.call("POST", "/admin/query/users", {"limit": 2, "offset": 1}, world.admin)
    assert page["count"] == 5 and [user["username"] for user in page["users"]] == ["mitosis_admin", "out"]
    groups = api.call("POST", "/admin/query/groups", {"group_name": "gr"}, world.admin)
    assert [(group["group_name"], group["users_in_group"]) for group in groups["groups"]] == [
        ("grp", {"ann": "Admin", "wri": "Write", "rea": "Read"})]
    register(api, world.ann, "grp", info={"host": "h"}, features=["wait"])
    workers = api.call("POST", "/admin/query/workers", {"group_name": "grp"}, world.admin)
    assert workers["count"] == 1 and workers["workers"][0]["info"] == {"host": "h"}
    for path in ("users", "groups", "workers"):
        assert world.status("POST", f"/admin/query/{path}", {}, world.ann) == 403


def test_admins_lock_groups(world):
    announce = ("POST", "/groups/grp/attachments", {"key": "a", "content_length": 1}, world.ann)
    assert world.api.call("POST", "/admin/groups/grp/state", {"state": "Locked"}, world.admin) == {"state": "Locked"}
    assert world.status(*announce) == 400
    assert world.api.call("POST", "/admin/groups/grp/state", {"state": "Active"}, world.admin) == {"state": "Active"}
    assert world.status(*announce) == 200
    assert world.status("POST", "/admin/groups/none/state", {"state": "Active"}, world.admin) == 404


def test_quotas_that_make_no_sense_are_the_callers_fault(world):
    for path, body in (("/admin/users/ann/group-quota", {"group_quota": "many"}), ("/admin/users/none/group-quota", {"group_quota": "1"}),
                       ("/admin/groups/grp/storage-quota", {"storage_quota": "1XB"}), ("/admin/groups/none/storage-quota", {"storage_quota": "1"})):
        status, _, text = world.api.request("POST", path, body, world.admin)
        assert status in (400, 404) and b"msg" in text, (path, text)


def test_storage_cannot_be_made_to_wrap(world):
    announce = ("POST", "/groups/grp/attachments")
    assert world.status(*announce, {"key": "a", "content_length": 100}, world.ann) == 200
    for length in (2**63 - 1, 2**63 - 101, 2**63, 2**64 - 1):
        assert world.status(*announce, {"key": "b", "content_length": length}, world.ann) in (400, 403)
        assert world.status(*announce, {"key": "a", "content_length": length}, world.ann) in (400, 403)
    assert world.api.call("GET", "/groups/grp", token=world.ann)["storage_used"] == 100


def test_group_quota_holds_under_concurrency(world):
    statuses = []

    def create(number: int) -> None:
        statuses.append(world.status("POST", "/groups", {"group_name": f"many-{number}"}, world.out))
    threads = [threading.Thread(target=create, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 7 + [403] * 13
