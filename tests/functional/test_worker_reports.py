"""Reports of several workers in one request: what the coordinator answers, and what a worker with slots makes of it."""
from __future__ import annotations

import fcntl
import json
import sys

import pytest

import worker_coordinator
from api_world import World
from conftest import Tools, wait_until

PATH = "/workers/tasks/report/list"
SLOTS = 8
# Reports wait for company where a core has several slots to serve: the worker gets one core, whatever the machine has.
ON_ONE_CORE = [sys.executable, "-c", "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); os.execv(sys.argv[1], sys.argv[1:])"]
COMPLETE = {"Complete": {"exit_status": 0, "msg": None, "state": "Finished", "next": True}}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    tools = Tools(tmp_path_factory.mktemp("reports"))
    coordinator = tools.coordinator(extra={"RUST_LOG": "trace"})
    world = World(coordinator.api)
    world.coordinator = coordinator
    yield world
    tools.end()


def send(world, *reports, expect=200):
    """[(status, body)] of the entries, given as (token, report)."""
    answer = world.api.call("POST", PATH, {"reports": [{"token": token, "report": report} for token, report in reports]}, expect=expect)
    return [(entry["status"], entry["body"]) for entry in answer["answers"]]


def alone(world, token, report):
    """The same report by itself; the text of a body that is not JSON as `msg`."""
    status, _, body = world.api.request("POST", "/workers/tasks", json.dumps(report), token, headers={"Content-Type": "application/json"})
    try:
        return status, json.loads(body)
    except ValueError:
        return status, {"msg": body.decode()}


def holder(world):
    """A worker's token and the task it holds."""
    tag = world.name()
    token = world.register(["grp"], tags=[tag])["token"]
    uuid = world.ready_task(tags=[tag])
    task = world.api.call("GET", "/workers/tasks", token=token)
    assert task["uuid"] == uuid
    return token, task, tag


def state(world, task):
    return world.api.call("GET", f"/tasks/{task['uuid']}", token=world.owner)["info"]["state"]


def test_each_worker_gets_its_own_answer(world):
    holders = [holder(world) for _ in range(3)]
    following = [world.ready_task(tags=[tag]) for _, _, tag in holders]
    answers = send(world, *((token, {"id": task["id"], "op": COMPLETE}) for token, task, _ in holders))
    assert [status for status, _ in answers] == [200] * 3
    assert [body["next"]["uuid"] for _, body in answers] == following
    assert all(body["url"] is None for _, body in answers)
    for token, task, _ in holders:
        info = world.api.call("GET", f"/tasks/{task['uuid']}", token=world.owner)["info"]
        assert info["state"] == "Finished" and info["result"] == {"exit_status": 0, "msg": None}


def test_the_steps_of_one_worker_may_come_together(world):
    """In their order; a repeated report is answered alike, as it is by itself."""
    token, task, tag = holder(world)
    following = world.ready_task(tags=[tag])
    commit = {"id": task["id"], "op": {"Commit": {"exit_status": 256, "msg": None, "next": True}}}
    finish, committed = send(world, (token, {"id": task["id"], "op": "Finish"}), (token, commit))
    assert finish == (200, {"url": None})
    assert committed[0] == 200 and committed[1]["next"]["uuid"] == following
    report = {"id": committed[1]["next"]["id"], "op": COMPLETE}
    assert send(world, (token, report), (token, report)) == [(200, {"url": None, "next": None})] * 2
    assert alone(world, token, report) == (200, {"url": None, "next": None})


def test_a_bad_entry_harms_no_other_and_is_answered_as_by_itself(world):
    token, task, _ = holder(world)
    other, held, _ = holder(world)
    removed = world.register(["grp"])["token"]
    world.api.call("DELETE", "/workers", token=removed)
    number = task["id"]
    detail = {"reason": "x" * (64 << 10)}
    bad = [
        ("abc", {"id": number, "op": COMPLETE}, 401),
        (world.owner, {"id": number, "op": COMPLETE}, 401),
        (removed, {"id": number, "op": COMPLETE}, 401),
        (other, {"id": number, "op": COMPLETE}, 404),
        (token, {"id": -1, "op": COMPLETE}, 404),
        (token, {"id": number, "op": {"Commit": {"exit_status": 0, "msg": None}}}, 400),
        (token, {"id": number, "op": {"Complete": {**COMPLETE["Complete"], "detail": detail}}}, 400),
        (token, {"id": number, "op": "Nonsense"}, 422),
        (token, {"id": number, "op": {"Complete": {**COMPLETE["Complete"], "state": "Ready"}}}, 422),
        (token, {"op": "Finish"}, 422),
        (token, 42, 422),
        (token, "", 422),
        (token, [], 422),
    ]
    mixed = [(other, {"id": held["id"], "op": COMPLETE})]
    for entry in bad:
        mixed[:0] = [entry[:2]]
        mixed.append(entry[:2])
    answers = send(world, *mixed)
    assert answers[len(bad)] == (200, {"url": None, "next": None}), "the good one among them"
    assert state(world, held) == "Finished" and state(world, task) == "Running"
    for i, (bearer, report, status) in enumerate(bad):
        expected = alone(world, bearer, report)
        assert expected[0] == status, (report, expected)
        assert answers[len(bad) - 1 - i] == expected and answers[len(bad) + 1 + i] == expected
    assert send(world, (token, {"id": number, "op": COMPLETE})) == [(200, {"url": None, "next": None})]


@pytest.mark.parametrize("op", [{"Upload": {"content_type": "result", "content_length": 1}},
                                {"Submit": {"group_name": "grp", "tags": [], "labels": [], "timeout": "1m", "priority": 0, "task_spec": {"args": ["true"]}}}])
def test_what_takes_more_than_an_answer_goes_by_itself(world, op):
    token, task, _ = holder(world)
    (status, body), finished = send(world, (token, {"id": task["id"], "op": op}), (token, {"id": task["id"], "op": COMPLETE}))
    assert status == 400 and "send the report to POST /workers/tasks" in body["msg"]
    assert finished[0] == 200


def test_the_whole_is_bounded(world):
    token = world.worker
    entry = (token, {"id": 1, "op": "Finish"})
    assert [status for status, _ in send(world, *[entry] * 64)] == [404] * 64
    answer = world.api.call("POST", PATH, {"reports": [{"token": token, "report": entry[1]}] * 65}, expect=400)
    assert "65 reports" in answer["msg"] and "at most 64" in answer["msg"]
    assert "cannot be empty" in world.api.call("POST", PATH, {"reports": []}, expect=400)["msg"]
    for body, status in ((b'{"reports":[{"token":"a","report":{}', 400), (b'{"reports":[{"token":1,"report":{}}]}', 422), (b'{"reports":[{"token":"a"}]}', 422),
                         (b"{}", 422), (b"null", 422), (b'{"reports":[{"token":"' + b"x" * (2 << 20) + b'"}]}', 413)):
        assert world.api.request("POST", PATH, body, headers={"Content-Type": "application/json"})[0] == status, body[:60]
    assert world.api.request("POST", PATH, b"{}", headers={"Content-Type": "text/plain"})[0] == 415
    status, headers, _ = world.api.request("GET", PATH)
    assert status == 405 and headers["allow"] == "POST"


def test_the_path_is_unknown_to_the_routes_of_the_original(world):
    """What the original answers for its own paths is not touched."""
    assert world.api.request("POST", "/workers/tasks/report", b"{}", world.worker)[0] == 405
    assert world.api.request("GET", "/workers/tasks/report", token=world.worker)[0] == 400


def test_the_coordinator_names_the_feature(world):
    assert "reports" in world.register(["grp"], features=["reports"])["features"]
    assert "features" not in world.register(["grp"])


def test_tokens_stay_out_of_the_log(world):
    token, task, _ = holder(world)
    send(world, (token, {"id": task["id"], "op": COMPLETE}), (token + "x", {"id": 1, "op": "Finish"}))
    wait_until(lambda: PATH in world.coordinator.output(), what="the line of the request")
    assert token not in world.coordinator.output()


# --------------------------------------------------------------------------------------------------------- the worker

@pytest.fixture
def fake_with_reports():
    coordinator = worker_coordinator.Coordinator(features=(*worker_coordinator.OURS, "reports"))
    yield coordinator
    coordinator.close()


def lists_of(fake) -> list:
    return [json.loads(body)["reports"] for _, path, body in fake.log if path == PATH]


def test_slots_share_requests(tools, fake_with_reports):
    fake = fake_with_reports
    fake.report_delay = 0.1
    numbers = [fake.submit(["true"]) for _ in range(10 * SLOTS)]
    tools.worker(fake.url, "--grace", "0s", "--slots", str(SLOTS), launcher=ON_ONE_CORE)
    fake.wait(lambda: len(fake.results) == 10 * SLOTS, 60, "all results")
    assert sorted(number for number, _ in fake.reports) == numbers, "each is reported once"
    lists = lists_of(fake)
    assert lists and all(2 <= len(reports) <= SLOTS for reports in lists)
    assert all(len({entry["token"] for entry in reports}) == len(reports) for reports in lists), "one of each slot"


@pytest.mark.parametrize("slots", [1, 3])
def test_few_slots_report_by_themselves(tools, fake_with_reports, slots):
    """Where waiting for company could leave a core without work."""
    fake = fake_with_reports
    for _ in range(10):
        fake.submit(["true"])
    tools.worker(fake.url, "--grace", "0s", "--slots", str(slots), launcher=ON_ONE_CORE)
    fake.wait(lambda: len(fake.results) == 10, what="10 results")
    assert not lists_of(fake)


@pytest.mark.parametrize("kind", [404, 405, 400, 403])
def test_a_coordinator_that_has_forgotten_the_path_gets_reports_one_by_one(tools, fake_with_reports, kind):
    """As when an older one has taken its place."""
    fake = fake_with_reports
    fake.report_delay = 0.1
    fault = fake.fault("POST", PATH, kind, count=1_000)
    for _ in range(10 * SLOTS):
        fake.submit(["true"])
    tools.worker(fake.url, "--grace", "0s", "--slots", str(SLOTS), launcher=ON_ONE_CORE)
    fake.wait(lambda: len(fake.results) == 10 * SLOTS, 60, "all results")
    assert 990 <= fault.count < 1_000, "it is not tried again and again"


@pytest.mark.parametrize("kind", ["reset", "cut", "garbage", 503])
def test_a_request_that_is_lost_is_repeated_report_by_report(tools, fake_with_reports, kind):
    fake = fake_with_reports
    fake.report_delay = 0.1
    fault = fake.fault("POST", PATH, kind, count=2)
    for _ in range(10 * SLOTS):
        fake.submit(["true"])
    tools.worker(fake.url, "--grace", "0s", "--slots", str(SLOTS), launcher=ON_ONE_CORE)
    fake.wait(lambda: len(fake.results) == 10 * SLOTS, 60, "all results")
    assert fault.count == 0 and len(lists_of(fake)) > 2, "later ones go together again"


def test_a_slot_that_was_removed_leaves_the_others_alone(tools, fake_with_reports):
    fake = fake_with_reports
    fake.report_delay = 0.1
    for _ in range(5 * SLOTS):
        fake.submit(["true"])
    tools.worker(fake.url, "--grace", "0s", "--slots", str(SLOTS), "--reconnect", "always", launcher=ON_ONE_CORE)
    fake.wait(lambda: len(fake.results) >= SLOTS, 60, "the first results")
    with fake.changed:
        fake.workers.discard(next(iter(fake.workers)))
    fake.wait(lambda: len(fake.registrations) == SLOTS + 1, 60, "the new registration of that slot")
    # The task of the removed one is lost with it, as the fake gives no task twice.
    fake.wait(lambda: len(fake.results) >= 5 * SLOTS - 1, 60, "the results of the others")


def test_two_hundred_tasks_on_slots_while_the_coordinator_is_killed(tools, coordinator, admin):
    """Every result is there once, and no command has run twice."""
    ran, gate = tools.directory / "ran", tools.directory / "gate"
    ran.touch()
    with open(gate, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        count = 192 + SLOTS
        for i in range(count):
            wait = f"flock -s {gate} true; " if 100 <= i < 100 + SLOTS else ""
            coordinator.api.submit(admin, ["sh", "-c", f"{wait}echo {i} >> {ran}"])
        tools.worker(coordinator.url, "--grace", "0s", "--slots", str(SLOTS), "--prefetch", "1", "--lease", "10m", launcher=ON_ONE_CORE)

        def finished() -> int:
            return coordinator.api.call("POST", "/tasks/query", {"group_name": "mitosis_admin", "states": ["Finished"], "count": True}, admin)["count"]
        wait_until(lambda: finished() == 100, 60, "the results up to those that wait")
        coordinator.kill()
    wait_until(lambda: len(ran.read_text().split()) >= 100 + SLOTS, 60, "the commands that have waited")
    coordinator = tools.coordinator(port=coordinator.port)
    wait_until(lambda: finished() >= 102 + SLOTS, 60, "further results")
    coordinator.kill()
    coordinator = tools.coordinator(port=coordinator.port)
    wait_until(lambda: finished() == count, 60, "all results")
    assert sorted(map(int, ran.read_text().split())) == list(range(count))
