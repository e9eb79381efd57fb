"""Long polls on one task, server-sent events of a group, and what is told of who ran a task."""
from __future__ import annotations

import re
import socket
import threading
import time

import pytest
from conftest import wait_until
from event_stream import EventStream, HttpWorker

INFO = {"host": "node7", "name": "left-rack", "cores": 8}


def metric(coordinator, name: str) -> float:
    text = coordinator.api.request("GET", "/metrics")[2].decode()
    return float(re.search(rf"^mito_{name} (\S+)$", text, re.M).group(1))


def in_background(call):
    """Starts `call`; a function that waits for its value and the seconds it took."""
    outcome: list = []

    def run():
        began = time.monotonic()
        outcome.append((call(), time.monotonic() - began))
    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def join():
        thread.join(30)
        assert outcome, "the request did not end"
        return outcome[0]
    return join


# -- long polls ------------------------------------------------------------------------------------

def test_a_wait_ends_with_the_next_state(coordinator, admin):
    api = coordinator.api
    uuid = api.submit(admin, ["true"])
    worker = HttpWorker(api, admin)
    waiting = in_background(lambda: api.call("GET", f"/tasks/{uuid}?wait=20s&after=Ready", token=admin))
    wait_until(lambda: metric(coordinator, "event_subscriptions") == 1, 10, "the request to wait")
    task = worker.fetch()
    answer, took = waiting()
    assert answer["info"]["state"] == "Running" and took < 10
    waiting = in_background(lambda: api.call("GET", f"/tasks/{uuid}?wait=20s&after=Running", token=admin))
    wait_until(lambda: metric(coordinator, "event_subscriptions") == 1, 10, "the request to wait")
    worker.complete(task, 7)
    answer, took = waiting()
    assert answer["info"]["state"] == "Finished" and answer["info"]["result"]["exit_status"] == 7 and took < 10
    wait_until(lambda: metric(coordinator, "event_subscriptions") == 0, 10, "the end of the subscription")


@pytest.mark.parametrize("query", ["wait=20s&after=Running", "wait=20s&after=Pending", "after=Ready", "wait=0s", "wait=20s&after=ExecSpawned"])
def test_a_wait_for_what_is_already_so_is_answered_at_once(coordinator, admin, query):
    uuid = coordinator.api.submit(admin, ["true"])
    began = time.monotonic()
    assert coordinator.api.call("GET", f"/tasks/{uuid}?{query}", token=admin)["info"]["state"] == "Ready"
    assert time.monotonic() - began < 5


def test_a_task_that_is_over_is_never_waited_for(coordinator, admin):
    uuid = coordinator.api.submit(admin, ["true"])
    coordinator.api.call("DELETE", f"/tasks/{uuid}", token=admin)
    began = time.monotonic()
    for after in ("Cancelled", "Unknown"):
        assert coordinator.api.call("GET", f"/tasks/{uuid}?wait=20s&after={after}", token=admin)["info"]["state"] == "Cancelled"
    assert time.monotonic() - began < 5


def test_a_wait_ends_by_its_time(coordinator, admin):
    uuid = coordinator.api.submit(admin, ["true"])
    began = time.monotonic()
    assert coordinator.api.call("GET", f"/tasks/{uuid}?wait=300ms", token=admin)["info"]["state"] == "Ready"
    assert 0.25 < time.monotonic() - began < 5


def test_a_wait_for_the_state_of_execution(coordinator, admin):
    api = coordinator.api
    uuid = api.submit(admin, ["true"])
    worker = HttpWorker(api, admin)
    task = worker.fetch()
    worker.state(task, "FetchResource")
    assert api.call("GET", f"/tasks/{uuid}?detail=true", token=admin)["exec_state"] == "FetchResource"
    waiting = in_background(lambda: api.call("GET", f"/tasks/{uuid}?wait=20s&after=FetchResource", token=admin))
    wait_until(lambda: metric(coordinator, "event_subscriptions") == 1, 10, "the request to wait")
    worker.state(task, "ExecSpawned")
    answer, took = waiting()
    assert answer["exec_state"] == "ExecSpawned" and answer["info"]["state"] == "Running" and took < 10


def test_who_knows_no_state_of_execution_yet_waits_for_the_first(coordinator, admin):
    api = coordinator.api
    uuid = api.submit(admin, ["true"])
    worker = HttpWorker(api, admin)
    task = worker.fetch()
    waiting = in_background(lambda: api.call("GET", f"/tasks/{uuid}?wait=20s&after=Running", token=admin))
    wait_until(lambda: metric(coordinator, "event_subscriptions") == 1, 10, "the request to wait")
    worker.state(task, "ExecSpawned")
    answer, took = waiting()
    assert answer["exec_state"] == "ExecSpawned" and answer["info"]["state"] == "Running" and took < 10


def test_the_end_of_the_coordinator_answers_who_waits(tools):
    coordinator = tools.coordinator()
    admin = coordinator.api.login()
    uuid = coordinator.api.submit(admin, ["true"])
    waiting = in_background(lambda: coordinator.api.call("GET", f"/tasks/{uuid}?wait=50s", token=admin))
    wait_until(lambda: metric(coordinator, "event_subscriptions") == 1, 10, "the request to wait")
    began = time.monotonic()
    assert coordinator.stop() == 0
    assert waiting()[0]["info"]["state"] == "Ready" and time.monotonic() - began < 10


def test_who_goes_away_waits_no_more(coordinator, admin):
    uuid = coordinator.api.submit(admin, ["true"])
    with socket.create_connection(("127.0.0.1", coordinator.port)) as peer:
        peer.sendall(f"GET /tasks/{uuid}?wait=50s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {admin}\r\n\r\n".encode())
        wait_until(lambda: metric(coordinator, "event_subscriptions") == 1, 10, "the request to wait")
    wait_until(lambda: metric(coordinator, "event_subscriptions") == 0, 10, "the end of the subscription")


# -- events ----------------------------------------------------------------------------------------

def test_the_life_of_a_task_in_events(coordinator, admin):
    api = coordinator.api
    stream = EventStream(coordinator.port, admin, "?group=mitosis_admin")
    assert stream.response.getheader("content-type") == "text/event-stream"
    uuid = api.submit(admin, ["true"])
    worker = HttpWorker(api, admin)
    task = worker.fetch()
    worker.state(task, "ExecSpawned")
    worker.complete(task, 3)
    last = stream.wait_for(uuid, "Finished")
    assert last["group_name"] == "mitosis_admin" and last["task_id"] == 1 and last["result"]["exit_status"] == 3 and last["at"]
    stream.wait_for(uuid, "Finished", "TaskCommitted")
    states = stream.states(uuid)
    assert [state for state, execution in states if execution is None] == ["Ready", "Running", "Finished"]
    assert [execution for _, execution in states if execution] == ["ExecSpawned", "TaskCommitted"]
    stream.close()
    wait_until(lambda: metric(coordinator, "event_streams") == 0, 10, "the end of the stream")


def test_a_worker_of_the_original_makes_events_too(coordinator, admin):
    stream = EventStream(coordinator.port, admin)
    uuid = coordinator.api.submit(admin, ["true"])
    worker = HttpWorker(coordinator.api, admin, features=())
    task = worker.fetch()
    child = {"group_name": "mitosis_admin", "tags": [], "labels": [], "timeout": "1m", "priority": 0, "task_spec": {"args": ["x"], "terminal_output": False}}
    worker.report(task, "Finish")
    worker.report(task, {"Submit": child})
    worker.report(task, {"Commit": {"exit_status": 0, "msg": None}})
    wait_until(lambda: any(event["uuid"] != uuid and event["state"] == "Ready" for event in stream.events), 10, "the child to be Ready")
    assert [state for state, _ in stream.states(uuid)] == ["Ready", "Running", "Finished", "Finished"]
    other = next(event["uuid"] for event in stream.events if event["uuid"] != uuid)
    assert [state for state, _ in stream.states(other)] == ["Pending", "Ready"]
    stream.close()


def test_a_lost_worker_and_a_cancellation_are_events(coordinator, admin):
    stream = EventStream(coordinator.port, admin)
    uuid = coordinator.api.submit(admin, ["true"])
    worker = HttpWorker(coordinator.api, admin)
    worker.fetch()
    coordinator.api.call("DELETE", f"/workers/{worker.uuid}?op=force", token=admin)
    coordinator.api.call("DELETE", f"/tasks/{uuid}", token=admin)
    stream.wait_for(uuid, "Cancelled")
    assert [state for state, execution in stream.states(uuid) if execution is None] == ["Ready", "Running", "Ready", "Cancelled"]
    stream.close()


@pytest.fixture
def reader(coordinator, admin):
    """Token of a user who may read the group `lab`."""
    api = coordinator.api
    api.call("POST", "/admin/users", {"username": "rita", "md5_password": list(range(16)), "admin": False}, admin)
    api.call("POST", "/groups", {"group_name": "lab"}, admin)
    api.call("PUT", "/groups/lab/users", {"relations": {"rita": "Read"}}, admin)
    return api.call("POST", "/login", {"username": "rita", "md5_password": list(range(16)), "retain": True})["token"]


def test_only_members_follow_a_group(coordinator, admin, reader):
    denied = EventStream(coordinator.port, reader, "?group=mitosis_admin")
    assert denied.response.status == 400 and b"not in the group" in denied.response.read()
    assert EventStream(coordinator.port, reader, "?group=nothing").response.status == 400
    assert EventStream(coordinator.port, "bad", "").response.status in (400, 401)
    stream = EventStream(coordinator.port, reader)
    hidden = coordinator.api.submit(admin, ["true"])
    shown = coordinator.api.submit(admin, ["true"], group="lab")
    stream.wait_for(shown, "Ready")
    assert stream.states(hidden) == []
    stream.close()


@pytest.mark.parametrize("loss", ["membership", "user"])
def test_a_stream_ends_with_the_right_to_read(coordinator, admin, reader, loss):
    stream = EventStream(coordinator.port, reader, "?group=lab")
    first = coordinator.api.submit(admin, ["true"], group="lab")
    stream.wait_for(first, "Ready")
    if loss == "membership":
        coordinator.api.call("DELETE", "/groups/lab/users?users=rita", token=admin)
    else:
        coordinator.api.call("DELETE", "/admin/users/rita", token=admin)
    second = coordinator.api.submit(admin, ["true"], group="lab")
    wait_until(lambda: stream.ended, 20, "the end of the stream")
    assert stream.last == {"msg": "You may no longer read these tasks."} and stream.states(second) == []


def test_the_end_of_the_coordinator_ends_streams(tools):
    coordinator = tools.coordinator()
    stream = EventStream(coordinator.port, coordinator.api.login())
    began = time.monotonic()
    assert coordinator.stop() == 0
    wait_until(lambda: stream.ended, 10, "the end of the stream")
    assert stream.last == {"msg": "The coordinator is stopping."} and time.monotonic() - began < 10


def test_a_reader_that_does_not_read_is_dropped(coordinator, admin):
    api = coordinator.api
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(("127.0.0.1", coordinator.port))
        peer.sendall(f"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {admin}\r\n\r\n".encode())
        wait_until(lambda: metric(coordinator, "event_streams") == 1, 10, "the stream")
        task = {"group_name": "mitosis_admin", "tags": [], "labels": [], "timeout": "1m", "priority": 0, "task_spec": {"args": ["x"], "terminal_output": False}}
        for _ in range(80):
            api.call("POST", "/tasks/submit", {"tasks": [task] * 500}, admin)
            if metric(coordinator, "event_streams_dropped_total"):
                break
        assert metric(coordinator, "event_streams_dropped_total") == 1


def test_too_many_streams_are_refused(tools):
    coordinator = tools.coordinator("--max-event-streams", "1")
    token = coordinator.api.login()
    stream = EventStream(coordinator.port, token)
    refused = EventStream(coordinator.port, token)
    assert refused.response.status == 503 and refused.response.getheader("retry-after")
    assert metric(coordinator, "event_streams_refused_total") == 1
    stream.close()
    wait_until(lambda: metric(coordinator, "event_streams") == 0, 10, "the end of the stream")
    EventStream(coordinator.port, token).close()


# -- who ran it --------------------------------------------------------------------------------------

def test_host_and_name_of_the_worker_are_kept_after_it_left(coordinator, admin):
    api = coordinator.api
    uuid = api.submit(admin, ["true"])
    worker = HttpWorker(api, admin, info=INFO)
    task = worker.fetch()
    expected = {"worker_id": worker.uuid, "host": "node7", "name": "left-rack"}
    assert api.call("GET", f"/tasks/{uuid}?detail=true", token=admin)["worker"] == expected
    worker.complete(task, detail={"reason": "none", "worker": {"host": "a lie"}, "finished_at": "2026-01-01 00:00:00.0 +00:00:00"})
    api.call("DELETE", "/workers", token=worker.token)
    found = api.call("GET", f"/tasks/{uuid}?detail=true", token=admin)
    assert found["worker"] == expected
    assert found["detail"] == {"reason": "none", "finished_at": "2026-01-01 00:00:00.0 +00:00:00"}
    listed = api.call("POST", "/tasks/query", {"detail": True, "count": False}, admin)["tasks"][0]
    assert listed["worker"] == expected and listed["detail"] == found["detail"]


def test_a_worker_that_said_nothing_is_known_by_its_id(coordinator, admin):
    api = coordinator.api
    uuid = api.submit(admin, ["true"])
    worker = HttpWorker(api, admin, features=())
    task = worker.fetch()
    worker.report(task, "Finish")
    worker.report(task, {"Commit": {"exit_status": 0, "msg": None}})
    found = api.call("GET", f"/tasks/{uuid}?detail=true", token=admin)
    assert found["worker"] == {"worker_id": worker.uuid} and "detail" not in found


def test_answers_to_the_originals_requests_have_nothing_more(coordinator, admin):
    api = coordinator.api
    uuid = api.submit(admin, ["true"])
    worker = HttpWorker(api, admin, info=INFO)
    task = worker.fetch()
    worker.state(task, "ExecSpawned")
    worker.complete(task, detail={"reason": "x"})
    assert set(api.call("GET", f"/tasks/{uuid}", token=admin)) == {"info", "artifacts"}
    listed = api.call("POST", "/tasks/query", {"count": False}, admin)["tasks"][0]
    assert not {"worker", "detail", "exec_state"} & set(listed)


def test_a_stream_of_all_groups_follows_who_joins_and_leaves(coordinator, admin):
    api = coordinator.api
    for name in ("alice", "bob"):
        api.call("POST", "/admin/users", {"username": name, "md5_password": list(range(16)), "admin": False}, admin)
    alice, bob = (api.call("POST", "/login", {"username": name, "md5_password": list(range(16)), "retain": True})["token"] for name in ("alice", "bob"))
    api.call("POST", "/groups", {"group_name": "shared"}, alice)
    hidden = api.submit(alice, ["true"], group="shared")
    stream = EventStream(coordinator.port, bob)
    try:
        def subscriptions() -> float:
            return metric(coordinator, "event_subscriptions")
        assert subscriptions() == 1
        # What happens after the answer is told, however soon.
        api.call("PUT", "/groups/shared/users", {"relations": {"bob": "Read"}}, alice)
        seen = api.submit(alice, ["true"], group="shared")
        stream.wait_for(seen, "Ready")
        # Another role is no other membership.
        api.call("PUT", "/groups/shared/users", {"relations": {"bob": "Write"}}, alice)
        assert subscriptions() == 2
        # A group of his own making, too.
        api.call("POST", "/groups", {"group_name": "bobs"}, bob)
        own = api.submit(bob, ["true"], group="bobs")
        assert stream.wait_for(own, "Ready")["group_name"] == "bobs"
        api.call("DELETE", "/groups/shared/users?users=bob", token=alice)
        assert subscriptions() == 2
        unseen = api.submit(alice, ["true"], group="shared")
        last = api.submit(bob, ["true"], group="bobs")
        stream.wait_for(last, "Ready")
        assert {event["uuid"] for event in stream.events} == {seen, own, last}
        assert hidden not in str(stream.events) and unseen not in str(stream.events) and not stream.ended
    finally:
        stream.close()
    wait_until(lambda: metric(coordinator, "event_subscriptions") == 0, 15, "the end of the stream")
