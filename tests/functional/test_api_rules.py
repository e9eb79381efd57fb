"""The rules behind the API, as tables: tags, numbers, quotas, accounting, the hour after an upload, batches, chained tasks, shutting down."""
from __future__ import annotations

import collections
import json
import re
import socket
import threading

import pytest

pytest.importorskip("jsonschema_rs")

from api_document import CheckedApi  # noqa: E402
from api_world import NIL, World, md5  # noqa: E402
from conftest import Tools, wait_until  # noqa: E402
from recorded_database import main as change_database  # noqa: E402


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    tools = Tools(tmp_path_factory.mktemp("rules"))
    coordinator = tools.coordinator()
    world = World(CheckedApi(coordinator.port))
    world.database = coordinator.data / "mitosis.db"
    for name in ("ann", "out", "wri"):
        world.api.call("POST", f"/admin/users/{name}/group-quota", {"group_quota": "100"}, world.root)
    yield world
    tools.end()


@pytest.fixture
def group(world):
    """A fresh group of ann's with wri (Write) and rea (Read) in it."""
    name = world.name()
    world.api.call("POST", "/groups", {"group_name": name}, world.owner)
    world.api.call("PUT", f"/groups/{name}/users", {"relations": {"wri": "Write", "rea": "Read"}}, world.owner)
    return name


def submit(world, group, **more) -> str:
    return world.api.call("POST", "/tasks", {"group_name": group, "tags": [], "labels": [], "timeout": "1m", "priority": 0,
                                             "task_spec": {"args": ["true"]}, **more}, world.owner)["uuid"]


def fetch(world, worker):
    return world.api.call("GET", "/workers/tasks", token=worker)


def report(world, worker, task, op, expect=200):
    return world.api.call("POST", "/workers/tasks", {"id": task["id"], "op": op}, worker, expect=expect)


def state(world, uuid) -> str:
    return world.api.call("GET", f"/tasks/{uuid}", token=world.owner)["info"]["state"]


# -- who runs what -----------------------------------------------------------------------------------------------------

#        the worker's tags, the task's tags: documented strict subset
TAGS = [([], [], (True, True, True)),
        ([], ["a"], (True, False, True)),
        (["a"], [], (True, True, False)),
        (["a"], ["a"], (True, True, True)),
        (["a", "b"], ["a"], (True, True, False)),
        (["a"], ["a", "b"], (False, False, True)),
        (["a"], ["b"], (False, False, False))]


@pytest.mark.parametrize("column, rule", [(0, "documented"), (1, "strict"), (2, "subset")])
def test_tag_matching(tools, column, rule):
    """`documented`: a worker without tags runs everything; `strict`: what the original's code does; `subset`: the other sentence of its guide."""
    world = World(CheckedApi(tools.coordinator("--tag-matching", rule).port))
    for number, (has, wants, expected) in enumerate(TAGS):
        group = f"tags{number}"
        world.api.call("POST", f"/admin/users/ann/group-quota", {"group_quota": "+1"}, world.root)
        world.api.call("POST", "/groups", {"group_name": group}, world.owner)
        worker = world.register([group], tags=has)["token"]
        submit(world, group, tags=wants)
        assert (fetch(world, worker) is not None) == expected[column], (has, wants)


def test_changes_of_a_worker_count_for_tasks_that_wait(world, group):
    """Tags and groups given to or taken from a worker take effect at once; the original looks only when a task is queued."""
    machine = world.register([f"{group}:Admin"], tags=["a"])
    first, second = submit(world, group, tags=["b"]), submit(world, group, tags=["b"])
    assert fetch(world, machine["token"]) is None
    world.api.call("PUT", f"/workers/{machine['worker_id']}/tags", {"tags": ["b"]}, world.owner)
    assert fetch(world, machine["token"])["uuid"] == first
    report(world, machine["token"], fetch(world, machine["token"]), "Finish")
    world.api.call("PUT", f"/workers/{machine['worker_id']}/groups", {"relations": {group: "Read"}}, world.owner)
    task = {"id": world.api.call("GET", f"/tasks/{first}", token=world.owner)["info"]["task_id"]}
    other = world.register([group], tags=["b"])["token"]
    assert fetch(world, machine["token"]) is None
    assert fetch(world, other)["uuid"] == second and task


def test_equal_priorities_run_in_the_order_of_submission(world, group):
    order = [submit(world, group, priority=priority) for priority in (0, 0, 5, 0, 5, -1)]
    worker = world.register([group])["token"]
    ran = []
    while task := fetch(world, worker):
        ran.append(order.index(task["uuid"]))
        report(world, worker, task, "Finish")
        report(world, worker, task, {"Commit": {"exit_status": 0, "msg": None}})
    assert ran == [2, 4, 0, 1, 3, 5]


def test_a_second_fetch_answers_the_same_task(world, group):
    """The original hands out a second task and forgets the first."""
    first, _ = submit(world, group), submit(world, group)
    worker = world.register([group])["token"]
    assert fetch(world, worker)["uuid"] == fetch(world, worker)["uuid"] == first
    status, _, body = world.api.request("HEAD", "/workers/tasks", token=worker)
    assert (status, body) == (200, b"")
    task = fetch(world, worker)
    report(world, worker, task, "Finish")
    assert fetch(world, worker) is None, "nothing new before the commit"


def test_head_takes_a_task_as_in_the_original(world, group):
    uuid = submit(world, group)
    worker = world.register([group])["token"]
    assert world.api.request("HEAD", "/workers/tasks", token=worker)[0] == 200
    assert state(world, uuid) == "Running"
    assert fetch(world, worker)["uuid"] == uuid, "and a fetch tells which"


# -- numbers and quotas ------------------------------------------------------------------------------------------------

def test_refused_submissions_take_no_number(world, group):
    """The original counts them; a task's number is then one of a row with gaps."""
    bad = {"args": [], "resources": [{"remote_file": {"Attachment": {"key": "a"}}, "local_path": "/a"}]}
    task = {"group_name": group, "tags": [], "labels": [], "timeout": "1m", "priority": 0}
    outcomes = world.api.call("POST", "/tasks/submit", {"tasks": [
        {**task, "task_spec": {"args": []}}, {**task, "task_spec": bad}, {**task, "group_name": "none", "task_spec": {"args": []}}, {**task, "task_spec": {"args": []}}]}, world.owner)["results"]
    assert [outcome.get("Ok", {}).get("task_id") for outcome in outcomes] == [1, None, None, 2]
    assert [outcome["Err"]["msg"] for outcome in outcomes[1:3]] == [
        "Process request error: Resource local path is absolute or contains `..`", "User or group with name none not found"]
    assert world.api.call("GET", f"/groups/{group}", token=world.owner)["task_count"] == 2


def test_no_timeout_wraps(world, group):
    """More seconds than fit are the most that fit; the original keeps a negative number."""
    uuid = submit(world, group, timeout="18446744073709551615s")
    assert world.api.call("GET", f"/tasks/{uuid}", token=world.owner)["info"]["timeout"] == 2**63 - 1
    assert fetch(world, world.register([group])["token"])["timeout"].startswith("292271023045years")


@pytest.mark.parametrize("change, result", [
    ("=8", 8), ("+5", 13), ("-5", 8), ("3", 3), ("=3", 3), ("+0", 3), ("-4", 0), ("=2147483647", 2147483647), ("+1", 2147483647), ("-2147483647", 0),
    ("+-5", 0), ("=+7", 7), ("--2", 9)])
def test_group_quotas(world, change, result):
    """One after the other, on one user. Beyond the limits of 32 bits the value stays at the limit; the original wraps around."""
    answer = world.api.call("POST", "/admin/users/out/group-quota", {"group_quota": change}, world.root)
    assert answer == {"group_quota": result}


@pytest.mark.parametrize("change", ["", "+", "many", "1.5", "1 ", " 1", "+2147483648", "-2147483648", "0x10", "1e3"])
def test_group_quotas_that_cannot_be_read(world, change):
    assert world.api.request("POST", "/admin/users/out/group-quota", {"group_quota": change}, world.root)[0] == 400


@pytest.mark.parametrize("change, result", [
    ("=16000000000", 16_000_000_000), ("+1GB", 17_000_000_000), ("-1g", 16_000_000_000), ("+1GiB", 17_073_741_824), ("1.5e3", 1500), ("=1e", 10**18),
    ("5 k B", None), ("5 kB", 5000), ("1_000", 1000), ("1.5k", 1500), ("0.0004k", 0), ("0.0005k", 1), ("+-1", None), ("-2kB", -1999), ("+2KiB", 49),
    ("10", 10), ("10i", 10), ("10b", 10), ("=9223372036854775807", 2**63 - 1), ("+9223372036854775807", 2**63 - 1), ("-9223372036854775807", 0),
    ("many", None), ("", None), ("+", None), ("1XB", None), ("18446744073709551616", None), ("=16GB", 16_000_000_000)])
def test_storage_quotas(world, change, result):
    """One after the other, on one group; None: refused, and nothing changes."""
    status, _, body = world.api.request("POST", "/admin/groups/grp/storage-quota", {"storage_quota": change}, world.root)
    assert (status == 200) == (result is not None), body
    if result is not None:
        assert json.loads(body) == {"storage_quota": result}


# -- objects -----------------------------------------------------------------------------------------------------------

def used(world, group) -> int:
    return world.api.call("GET", f"/groups/{group}", token=world.owner)["storage_used"]


def test_booking(world, group):
    """A URL books its length; a smaller one for the same object changes nothing, a larger one adds the difference; deleting gives it back."""
    announce = lambda key, length: world.api.request("POST", f"/groups/{group}/attachments", {"key": key, "content_length": length}, world.owner)
    world.api.call("POST", f"/admin/groups/{group}/storage-quota", {"storage_quota": "100"}, world.root)
    for key, length, status, exist, total in (("a", 60, 200, False, 60), ("a", 10, 200, True, 60), ("a", 70, 200, True, 70), ("b", 31, 403, None, 70),
                                              ("b", 30, 200, False, 100), ("c", 0, 200, False, 100), ("c", 1, 403, None, 100),
                                              ("a", 2**63 - 1, 403, None, 100), ("a", 2**63, 400, None, 100), ("z", 2**64 - 1, 400, None, 100)):
        answer = announce(key, length)
        assert answer[0] == status and used(world, group) == total, (key, length, answer)
        assert exist is None or json.loads(answer[2])["exist"] == exist
    assert world.api.call("GET", f"/groups/{group}/attachments/a", token=world.owner)["size"] == 70
    world.api.call("DELETE", f"/admin/groups/{group}/attachments/a", token=world.root)
    assert used(world, group) == 30
    world.api.call("POST", f"/admin/groups/{group}/storage-quota", {"storage_quota": "5"}, world.root)
    assert announce("b", 1)[0] == 403, "over the quota not even a smaller upload"


def test_accounting_loses_nothing_under_concurrency(world, group):
    """Attachments, artifacts and deletions of one group at the same time; the original reads and writes the sum without a lock."""
    task = submit(world, group)
    statuses = collections.Counter()

    def work(number):
        for turn in range(4):
            statuses[world.api.request("POST", f"/groups/{group}/attachments", {"key": f"{number}/{turn}", "content_length": 10}, world.owner)[0]] += 1
            statuses[world.api.request("POST", f"/groups/{group}/attachments", {"key": "shared", "content_length": number * 4 + turn}, world.owner)[0]] += 1
            statuses[world.api.request("POST", f"/tasks/{task}/artifacts", {"content_type": "result", "content_length": number * 4 + turn}, world.owner)[0]] += 1
        statuses[world.api.request("DELETE", f"/admin/groups/{group}/attachments/{number}/0", token=world.root)[0]] += 1
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}
    assert used(world, group) == 8 * 3 * 10 + 31 + 31


def test_the_hour_after_an_upload(world, group):
    """Nothing is deleted while its upload URL may still be used; admins may. Read deletes nothing, whatever the age."""
    api, task = world.api, submit(world, group)
    for key in ("a", "b", "c", "d"):
        api.call("POST", f"/groups/{group}/attachments", {"key": key, "content_length": 1}, world.owner)
    for kind in ("result", "exec-log", "std-log"):
        api.call("POST", f"/tasks/{task}/artifacts", {"content_type": kind, "content_length": 1}, world.owner)
    read, write = world.tokens["read"], world.tokens["write"]

    def all_ways(token):
        return [api.request("DELETE", f"/groups/{group}/attachments/a", token=token)[0],
                api.request("POST", f"/groups/{group}/delete/attachments", {"key": "b"}, token)[2],
                api.request("POST", f"/groups/{group}/delete/attachments/list", {"keys": ["c", "c", "none"]}, token)[2],
                api.request("DELETE", f"/tasks/{task}/artifacts/result", token=token)[0],
                api.call("POST", "/tasks/delete/artifacts", {"group_name": group, "content_type": "exec-log"}, token),
                api.call("POST", "/tasks/delete/artifacts/list", {"uuids": [task, NIL, task], "content_type": "std-log"}, token)]
    denied = b'{"msg":"Authentication error: Permission denied"}'
    as_json = lambda **members: json.dumps(members, separators=(",", ":")).encode()
    young = [400, as_json(deleted_count=0, group_name=group), as_json(deleted_count=0, failed_keys=["c", "c", "none"], group_name=group),
             400, {"deleted_count": 0}, {"deleted_count": 0, "failed_uuids": [task, NIL, task]}]
    nothing = [403, denied, denied, 403, {"deleted_count": 0}, {"deleted_count": 0, "failed_uuids": [task, NIL, task]}]
    assert all_ways(write) == young and all_ways(read) == nothing
    api.call("DELETE", f"/admin/groups/{group}/attachments/d", token=world.root)
    change_database(str(world.database), "age")
    assert all_ways(read) == nothing
    assert all_ways(write) == [200, as_json(deleted_count=1, group_name=group), as_json(deleted_count=1, failed_keys=["none"], group_name=group),
                               200, {"deleted_count": 1}, {"deleted_count": 1, "failed_uuids": [NIL]}]
    assert used(world, group) == 0


# -- batches -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("states, cancelled", [
    (None, 2), (["Ready"], 1), (["Pending"], 1), (["Ready", "Pending"], 2), (["Ready", "Running"], 1), (["Running"], 0), (["Finished", "Cancelled"], 0),
    (["Unknown"], 0), ([], 0)])
def test_cancelling_by_state_never_widens(world, group, states, cancelled):
    """Of a Running, a Pending and a Ready task. The original takes every list without Ready and Pending for "all of both"."""
    parent = submit(world, group)
    worker = world.register([group])["token"]
    task = fetch(world, worker)
    report(world, worker, task, "Finish")
    report(world, worker, task, {"Submit": {"group_name": group, "tags": [], "labels": [], "timeout": "1m", "priority": 0, "task_spec": {"args": []}}})
    ready = submit(world, group)
    answer = world.api.call("POST", "/tasks/cancel", {"group_name": group, "states": states}, world.owner)
    assert answer == {"cancelled_count": cancelled, "group_name": group}
    assert state(world, parent) == "Finished"
    assert (state(world, ready) == "Cancelled") == (states is None or "Ready" in states)


def test_lists_of_uuids(world, group):
    """What could not be done is named in the order given, repetitions included; a thing named twice is done once."""
    first, second = submit(world, group), submit(world, group)
    answer = world.api.call("POST", "/tasks/cancel/list", {"uuids": [first, NIL, first, NIL, second]}, world.tokens["write"])
    assert answer == {"cancelled_count": 2, "failed_uuids": [NIL, NIL]}
    assert world.api.call("POST", "/tasks/cancel/list", {"uuids": [first]}, world.owner) == {"cancelled_count": 0, "failed_uuids": [first]}
    result = world.api.call("GET", f"/tasks/{first}", token=world.owner)["info"]
    assert (result["state"], result["result"], result["reporter_uuid"]) == ("Cancelled", {"exit_status": 0, "msg": "UserCancellation"}, None)
    machine = world.register([f"{group}:Admin"])["worker_id"]
    answer = world.api.call("POST", "/workers/shutdown/list", {"uuids": [NIL, machine, machine, NIL], "op": "Force"}, world.owner)
    assert answer == {"shutdown_count": 1, "failed_uuids": [NIL, NIL]}


def test_filters_compare_numbers_and_are_anded(world, group):
    """The original compares exit statuses as text, so that `>9` misses 256."""
    worker = world.register([group])["token"]
    uuids = []
    for status, labels, priority in ((0, ["x"], 1), (9, ["x", "y"], 2), (256, ["y"], 3), (-1, [], 4)):
        uuids.append(submit(world, group, labels=labels, priority=priority))
        task = fetch(world, worker)
        report(world, worker, task, "Finish")
        report(world, worker, task, {"Commit": {"exit_status": status, "msg": None}})
    uuids.append(submit(world, group, labels=["x"], priority=5))
    for fields, found in (({"exit_status": ">9"}, [2]), ({"exit_status": "<=9"}, [0, 1, 3]), ({"exit_status": "!=0"}, [1, 2, 3]), ({"exit_status": "-1"}, [3]),
                          ({"exit_status": "=+9"}, [1]), ({"labels": ["x"]}, [0, 1, 4]), ({"labels": ["x", "y"]}, [1]), ({"priority": ">=4"}, [3, 4]),
                          ({"labels": ["x"], "exit_status": "<5"}, [0]), ({"states": ["Ready", "Running"]}, [4]), ({"creator_usernames": ["wri"]}, []),
                          ({"creator_usernames": ["wri", "ann"], "states": ["Finished"]}, [0, 1, 2, 3]), ({"reporter_uuid": NIL}, [])):
        answer = world.api.call("POST", "/tasks/query", {"group_name": group, "count": False, **fields}, world.tokens["read"])
        assert sorted(uuids.index(task["uuid"]) for task in answer["tasks"]) == found, fields
        assert answer["count"] == len(found)
        assert world.api.call("POST", "/tasks/query", {"group_name": group, "count": True, "offset": 1, "limit": 1, **fields}, world.owner)["count"] in (len(found), 0)


def test_pages_fit_together(world, group):
    """Every task once, in a stable order, active and archived ones alike; the original applies limit and offset to each of its two tables."""
    uuids = [submit(world, group) for _ in range(7)]
    world.api.call("POST", "/tasks/cancel/list", {"uuids": uuids[::2]}, world.owner)
    pages = [[task["uuid"] for task in world.api.call("POST", "/tasks/query", {"group_name": group, "count": False, "limit": 2, "offset": offset}, world.owner)["tasks"]]
             for offset in range(0, 10, 2)]
    assert [len(page) for page in pages] == [2, 2, 2, 1, 0]
    assert sorted(sum(pages, [])) == sorted(uuids)
    for huge in (2**63, 2**64 - 1):
        for member in ("limit", "offset"):
            assert world.api.request("POST", "/tasks/query", {"group_name": group, "count": False, member: huge}, world.owner)[0] == 200


# -- chained tasks -----------------------------------------------------------------------------------------------------

CHILD = {"tags": [], "labels": ["child"], "timeout": "1m", "priority": 0, "task_spec": {"args": ["child"]}}


def children(world, group):
    return world.api.call("POST", "/tasks/query", {"group_name": group, "labels": ["child"], "count": False}, world.owner)["tasks"]


@pytest.mark.parametrize("end", ["Finish", "Cancel"])
def test_a_child_becomes_ready_with_the_commit_of_its_parent(world, group, end):
    parent = submit(world, group)
    worker = world.register([group])["token"]
    task = fetch(world, worker)
    report(world, worker, task, end)
    for _ in range(2):  # a repeated report makes no second child
        report(world, worker, task, {"Submit": {"group_name": group, **CHILD}})
    (child,) = children(world, group)
    assert (child["state"], child["upstream_task_uuid"], child["creator_username"]) == ("Pending", parent, "ann")
    assert world.api.request("DELETE", f"/tasks/{child['uuid']}", token=world.owner)[0] == 404, "single cancellation leaves Pending alone"
    assert world.api.call("GET", f"/tasks/{parent}", token=world.owner)["info"]["downstream_task_uuid"] == child["uuid"]
    report(world, worker, task, {"Commit": {"exit_status": 0, "msg": None}})
    following = fetch(world, worker)
    assert (following["uuid"], following["upstream_task_uuid"]) == (child["uuid"], parent)


def test_a_child_goes_with_the_worker_that_made_it(world, group):
    """The parent runs again and makes its child anew; the original leaves the first child Pending for ever."""
    parent = submit(world, group)
    worker = world.register([group])["token"]
    task = fetch(world, worker)
    report(world, worker, task, "Finish")
    report(world, worker, task, {"Submit": {"group_name": group, **CHILD}})
    world.api.call("DELETE", "/workers", token=worker)
    assert state(world, parent) == "Ready" and children(world, group) == []


def test_a_cancelled_child_does_not_hold_up_its_parent(world, group):
    parent = submit(world, group)
    machine = world.register([f"{group}:Admin"])
    worker = machine["token"]
    task = fetch(world, worker)
    report(world, worker, task, "Finish")
    report(world, worker, task, {"Submit": {"group_name": group, **CHILD}})
    world.api.call("DELETE", f"/workers/{machine['worker_id']}", token=world.owner)
    assert world.api.call("POST", "/tasks/cancel", {"group_name": group, "states": ["Pending"]}, world.owner)["cancelled_count"] == 1
    status = world.api.request("POST", "/workers/tasks", {"id": task["id"], "op": {"Commit": {"exit_status": 0, "msg": None}}}, worker)[0]
    assert status in (200, 404)
    assert state(world, parent) == "Finished"
    assert world.api.request("POST", "/workers/heartbeat", token=worker)[0] == 401, "the graceful shutdown is complete"


def test_the_end_of_a_task_is_said_once(world, group):
    """`Cancel` after `Finish`, or the other way round, is answered and changes nothing; the original lets the state flip."""
    uuid = submit(world, group)
    worker = world.register([group])["token"]
    task = fetch(world, worker)
    for op in ("Cancel", "Finish"):
        assert report(world, worker, task, op) == {"url": None}
        assert state(world, uuid) == "Cancelled"
    report(world, worker, task, {"Commit": {"exit_status": 0, "msg": None}})
    report(world, worker, task, "Finish", expect=404)
    assert state(world, uuid) == "Cancelled"


def test_a_locked_creator_chains_nothing(world, group):
    """403, as for a submission; the original answers 500, at which its workers stop."""
    submit(world, group)
    worker = world.register([group])["token"]
    task = fetch(world, worker)
    report(world, worker, task, "Finish")
    world.api.call("POST", "/admin/users/ann/state", {"state": "Locked"}, world.root)
    report(world, worker, task, {"Submit": {"group_name": group, **CHILD}}, expect=403)
    world.api.call("POST", "/admin/users/ann/state", {"state": "Active"}, world.root)
    user = world.api.call("POST", "/admin/query/users", {"username": "ann"}, world.root)["users"][0]
    assert user["updated_at"] > user["created_at"], "and a change of the state is a change of the user"


# -- ending workers ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("way", ["one", "admin", "filter", "list", "leave"])
@pytest.mark.parametrize("op", ["Force", "Graceful"])
def test_shutting_down_a_worker_with_a_task(world, group, way, op):
    """Forced, the task is Ready again at once; gracefully, the worker goes with its commit."""
    uuid = submit(world, group)
    machine = world.register([f"{group}:Admin"])
    task = fetch(world, machine["token"])
    if way == "leave":
        world.api.call("DELETE", "/workers", token=machine["token"])
        op = "Force"
    elif way == "filter":
        assert world.api.call("POST", "/workers/shutdown", {"group_name": group, "op": op}, world.owner) == {"shutdown_count": 1, "group_name": group}
    elif way == "list":
        world.api.call("POST", "/workers/shutdown/list", {"uuids": [machine["worker_id"]], "op": op}, world.owner)
    else:
        prefix, token = ("/admin", world.root) if way == "admin" else ("", world.owner)
        world.api.call("DELETE", f"{prefix}/workers/{machine['worker_id']}?op={op}", token=token)
    if op == "Graceful":
        assert world.api.call("GET", f"/workers/{machine['worker_id']}", token=world.owner)["info"]["state"] == "GracefulShutdown"
        report(world, machine["token"], task, "Finish")
        report(world, machine["token"], task, {"Commit": {"exit_status": 0, "msg": None}})
        assert state(world, uuid) == "Finished"
    else:
        assert state(world, uuid) == "Ready"
    assert world.api.request("POST", "/workers/heartbeat", token=machine["token"])[0] == 401
    assert world.api.request("GET", f"/workers/{machine['worker_id']}", token=world.owner)[0] == 404


# -- the connection ----------------------------------------------------------------------------------------------------

def exchange(world, data: bytes) -> bytes:
    with socket.create_connection((world.api.host, world.api.port), timeout=20) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while part := connection.recv(65536):
            received += part
        return received


def test_keep_alive_and_pipelining(world):
    """Several requests in one piece are answered in their order on one connection, refusals and wrong methods among them."""
    login = json.dumps({"username": "ann", "md5_password": md5("wrong")}).encode()
    answer = exchange(world, b"GET /health HTTP/1.1\r\nhost: x\r\n\r\nGET /none HTTP/1.1\r\n\r\nDELETE /login HTTP/1.1\r\nhost: x\r\n\r\n"
                             b"POST /login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                             b"OPTIONS /tasks HTTP/1.1\r\nhost: x\r\n\r\nHEAD /health HTTP/1.1\r\nhost: x\r\n\r\nGET http://x/auth HTTP/1.1\r\nhost: x\r\n\r\n" % (len(login), login))
    assert re.findall(rb"HTTP/1\.1 (\d+) ", answer) == [b"200", b"404", b"405", b"401", b"200", b"200", b"400"]
    heads = [part for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert all(b"access-control-allow-origin: *" in head and b"vary: origin, access-control-request-method, access-control-request-headers" in head for head in heads)
    assert sum(b"access-control-expose-headers: *" in head for head in heads) == 6, "on all but the answer to OPTIONS"


def test_the_limit_of_bodies_is_exact(world):
    """2,097,152 bytes are read, one more is not, announced or in chunks; where an earlier check refuses, the length does not matter."""
    for size, status in ((2 << 20, 422), ((2 << 20) + 1, 413)):
        body = b'{"x":"' + b"x" * (size - 8) + b'"}'
        head = b"POST /login HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n"
        for framed in (b"content-length: %d\r\n\r\n%s" % (size, body), b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (size, body)):
            assert exchange(world, head + framed).startswith(b"HTTP/1.1 %d " % status), (size, framed[:20])
        assert exchange(world, b"POST /groups HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (size, body)).startswith(b"HTTP/1.1 400 ")


def test_nothing_secret_is_logged(tools, tmp_path):
    """A whole session at the most talkative level: no token, password, digest, secret or signature stands in the log."""
    secret = "a-secret-of-this-test"
    coordinator = tools.coordinator("--shutdown-secret", secret, "--metrics-token", "metrics-secret", extra={"RUST_LOG": "trace"})
    world = World(CheckedApi(coordinator.port))
    api = world.api
    machine = world.register(["grp"], lifetime="1day")
    uuid = world.ready_task(tags=[], task_spec={"args": ["true"], "envs": {"PASSWORD": "env-secret"}})
    task = api.call("GET", "/workers/tasks", token=machine["token"])
    assert task["uuid"] == uuid
    upload = api.call("POST", "/workers/tasks", {"id": task["id"], "op": {"Upload": {"content_type": "result", "content_length": 1}}}, machine["token"])["url"]
    api.request("PUT", "/" + upload.split("/", 3)[3], b"x")
    download = api.call("GET", f"/tasks/{uuid}/download/artifacts/result", token=world.owner)["url"]
    api.request("GET", "/" + download.split("/", 3)[3])
    api.request("GET", "/" + download.split("/", 3)[3][:-3] + "abc")
    new = api.call("POST", "/users/ann/password", {"old_md5_password": md5("ann"), "new_md5_password": md5("new-password")}, world.owner)["token"]
    api.call("POST", "/admin/users/rea/password", {"new_md5_password": md5("reset-password")}, world.root)
    api.request("POST", "/login", {"username": "ann", "md5_password": md5("wrong-password")})
    api.request("GET", "/auth", token=new[:-8] + "AAAAAAAA")
    api.request("GET", f"/auth?token={new}", token=new)
    api.request("GET", "/metrics", token="metrics-secret")
    api.call("POST", "/admin/shutdown", {"secret": "wrong-" + secret}, world.root, expect=403)
    api.call("POST", "/admin/shutdown", {"secret": secret}, world.root)
    coordinator.process.wait(20)
    log = coordinator.output()
    assert log.count("\n") > 20 and "POST /login" in log, "the log is as talkative as asked"
    digests = [str(md5(word))[1:-1] for word in ("ann", "new-password", "wrong-password", "mitosis_admin")]
    words = [secret, "metrics-secret", "env-secret", "new-password", "wrong-password", new, machine["token"], *filter(None, world.tokens.values()),
             upload.rpartition("signature=")[2], download.rpartition("signature=")[2], *digests, *(digest.replace(" ", "") for digest in digests)]
    for word in words:
        assert word not in log, word[:12]
        assert len(word) < 80 or word[20:60] not in log
