"""The coordinator with a Redis: users, addresses, and execution states shared with the original's workers and clients."""
from __future__ import annotations

import itertools

import pytest

from conftest import Api, wait_until
from redis_server import RedisClient, RedisError, redis_server  # noqa: F401 (fixture)
from test_recorded import KEYS, replay

SPAWNED, FINISHED, COMMITTED = 11, 12, 19
_numbers = itertools.count(1)


@pytest.fixture
def coordinator(tools, redis_server):  # noqa: F811
    return tools.coordinator("--redis", redis_server.url)


@pytest.fixture
def admin(coordinator):
    return coordinator.api.login()


class OriginalWorker:
    """Speaks as the original's workers do; announces in Redis itself."""

    def __init__(self, api: Api, token: str):
        self.api = api
        answer = api.call("POST", "/workers", {"tags": [], "labels": [], "groups": []}, token)
        self.token, self.redis_url = answer["token"], answer["redis_url"]

    def redis(self) -> RedisClient:
        return login_of(self.redis_url)

    def fetch(self) -> dict:
        return wait_until(lambda: self.api.call("GET", "/workers/tasks", token=self.token) or None, what="a task")

    def report(self, task: dict, op) -> None:
        self.api.call("POST", "/workers/tasks", {"id": task["id"], "op": op}, self.token)


def login_of(url: str) -> RedisClient:
    """A client as what was handed out says."""
    assert url.endswith("/?protocol=resp3")
    who, place = url.removeprefix("redis://").removesuffix("/?protocol=resp3").split("@")
    user, password = who.split(":")
    return RedisClient(int(place.split(":")[1]), user, password)


def test_recorded_answers(tools, redis_server):  # noqa: F811
    coordinator = tools.coordinator("--redis", redis_server.url, "--access-token-private-path", KEYS / "private.pem", "--access-token-public-path", KEYS / "public.pem")
    result = replay(coordinator, "redis", "--redis")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "left out" not in result.stdout, result.stdout


def test_users_may_do_what_the_originals_may(coordinator, admin, redis_server):  # noqa: F811
    server = redis_server.client()
    # The original's own commands, for other names.
    server.call("ACL", "SETUSER", "like_worker", "reset", "on", ">x", "~task:*", "&task:*", "+@read", "+@write", "+@connection", "+@pubsub", "-@dangerous")
    server.call("ACL", "SETUSER", "like_client", "reset", "on", ">x", "~task:*", "&task:*", "+@read", "+@pubsub", "+@connection", "-@dangerous")
    rules = {line.split()[1]: [word for word in line.split()[2:] if not word.startswith("#")] for line in server.call("ACL", "LIST")}
    assert rules["mitosis_worker"] == rules["like_worker"]
    assert rules["mitosis_client"] == rules["like_client"]
    worker = OriginalWorker(coordinator.api, admin).redis()
    worker.call("SET", "task:x", "1")
    client = login_of(coordinator.api.call("GET", "/redis", token=admin)["url"])
    assert client.call("GET", "task:x") == "1"
    for who, command in ((client, ("SET", "task:x", "2")), (worker, ("SET", "other", "1")), (worker, ("FLUSHALL",)), (client, ("CONFIG", "GET", "*"))):
        with pytest.raises(RedisError, match="NOPERM"):
            who.call(*command)


def test_generated_passwords_survive_a_restart(tools, redis_server):  # noqa: F811
    first = tools.coordinator("--redis", redis_server.url)
    url = first.api.call("GET", "/redis", token=first.api.login())["url"]
    kept = login_of(url)
    kept.call("SUBSCRIBE", "task:x")
    first.stop()
    second = tools.coordinator("--redis", redis_server.url)
    assert second.api.call("GET", "/redis", token=second.api.login())["url"] == url
    redis_server.client().call("PUBLISH", "task:x", "5")
    assert kept.read() == ["message", "task:x", "5"], "connections of before are left alone"


def test_passwords_and_addresses_can_be_set(tools, redis_server):  # noqa: F811
    coordinator = tools.coordinator("--redis", redis_server.url, "--redis-worker-password", "w/pw", "--redis-client-password", "cpw",
                                    "--redis-public-url", "rediss://redis.example:7000/2")
    token = coordinator.api.login()
    assert coordinator.api.call("GET", "/redis", token=token)["url"] == "rediss://mitosis_client:cpw@redis.example:7000/2?protocol=resp3"
    assert OriginalWorker(coordinator.api, token).redis_url == "rediss://mitosis_worker:w%2Fpw@redis.example:7000/2?protocol=resp3"
    redis_server.client("mitosis_worker", "w/pw")


def test_users_can_be_left_alone(tools, redis_server):  # noqa: F811
    tools.coordinator("--redis", redis_server.url, "--redis-skip-acl-rules", "--redis-worker-password", "a", "--redis-client-password", "b")
    assert redis_server.client().call("ACL", "USERS") == ["default"]


def test_states_of_our_worker_are_told_as_the_original_tells_them(tools, coordinator, admin):
    client = login_of(coordinator.api.call("GET", "/redis", token=admin)["url"])
    uuid = coordinator.api.submit(admin, ["sh", "-c", "while [ ! -e go ]; do sleep 0.05; done"])
    client.call("SUBSCRIBE", f"task:{uuid}")
    tools.worker(coordinator.url)
    seen = []

    def read_until(state: int) -> None:
        while not seen or seen[-1] != str(state):
            kind, channel, payload = client.read()
            assert (kind, channel) == ("message", f"task:{uuid}")
            seen.append(payload)

    read_until(SPAWNED)
    reader = login_of(coordinator.api.call("GET", "/redis", token=admin)["url"])
    assert reader.call("GET", f"task:{uuid}") == str(SPAWNED)
    assert reader.call("TTL", f"task:{uuid}") == -1
    (tools.directory / "go").touch()
    read_until(COMMITTED)
    assert 0 < reader.call("TTL", f"task:{uuid}") <= 60
    assert len(set(seen)) == len(seen), f"told twice: {seen}"


def wait_for_exec_state(api, token, uuid, state):
    wait_until(lambda: api.call("GET", f"/tasks/{uuid}?detail=true", token=token).get("exec_state") == state, 20, f"{state} of task {uuid}")


def test_states_of_the_originals_workers_reach_who_waits(coordinator, admin):
    worker = OriginalWorker(coordinator.api, admin)
    uuid = coordinator.api.submit(admin, ["true"])
    task = worker.fetch()
    worker.redis().announce(uuid, SPAWNED, None)
    wait_for_exec_state(coordinator.api, admin, uuid, "ExecSpawned")
    worker.report(task, "Finish")
    worker.report(task, {"Commit": {"exit_status": 0, "msg": None}})
    assert coordinator.api.call("GET", f"/tasks/{uuid}", token=admin)["info"]["state"] == "Finished"


def test_a_watch_sees_the_states_of_the_originals_workers(tools, coordinator, admin):
    worker = OriginalWorker(coordinator.api, admin)
    watched = coordinator.api.submit(admin, ["true"])
    task = worker.fetch()
    tools.worker(coordinator.url)
    watching = coordinator.api.submit(admin, ["true"], spec={"watch": [watched, "ExecSpawned"]})
    worker.redis().announce(watched, SPAWNED, None)
    assert coordinator.api.wait_for_result(admin, watching)["state"] == "Finished"
    worker.report(task, "Finish")
    worker.report(task, {"Commit": {"exit_status": 0, "msg": None}})


def test_states_from_before_the_coordinators_start_are_found(tools, redis_server):  # noqa: F811
    first = tools.coordinator("--redis", redis_server.url)
    token = first.api.login()
    worker = OriginalWorker(first.api, token)
    uuid = first.api.submit(token, ["true"])
    worker.fetch()
    first.stop()
    worker.redis().announce(uuid, SPAWNED, None)
    second = tools.coordinator("--redis", redis_server.url)
    wait_for_exec_state(second.api, token, uuid, "ExecSpawned")


def test_a_redis_that_goes_and_comes_back_empty(tools, coordinator, admin, redis_server):  # noqa: F811
    worker = tools.worker(coordinator.url)
    redis_server.kill()
    uuid = coordinator.api.submit(admin, ["true"])
    assert coordinator.api.wait_for_result(admin, uuid)["state"] == "Finished", "tasks go on without it"
    redis_server.start()
    wait_until(lambda: "mitosis_client" in redis_server.client().call("ACL", "USERS"), 20, "the users' return")
    client = login_of(coordinator.api.call("GET", "/redis", token=admin)["url"])
    uuid = coordinator.api.submit(admin, ["true"])
    wait_until(lambda: client.call("GET", f"task:{uuid}") == str(COMMITTED), 20, "a state of a new task")
    assert worker.process.poll() is None


def test_a_start_without_redis_goes_on_and_one_that_is_refused_does_not(tools, redis_server):  # noqa: F811
    def start(*arguments):
        done = tools.run("coordinator", "--bind", "127.0.0.1:0", "--data-dir", tools.directory / "refused", *arguments)
        assert done.returncode != 0
        return done.stdout + done.stderr

    admin_client = redis_server.client()
    admin_client.call("ACL", "SETUSER", "limited", "on", ">pw", "~*", "&*", "+@all", "-acl")
    limited = redis_server.url.replace("redis://", "redis://limited:pw@")
    assert "NOPERM" in start("--redis", limited)
    assert "is no address of a Redis" in start("--redis", "localhost:6379")
    wrong = redis_server.url.replace("redis://", "redis://limited:hush@")
    text = start("--redis", wrong)
    assert "Write user and password into redis_url" in text and "hush" not in text

    def check(*arguments):
        return tools.run("coordinator", "--check", "--data-dir", tools.directory / "refused", *arguments)

    for arguments, words in ((["--redis", limited], "Allow the user of redis_url to change users"), (["--redis", wrong], "Write user and password"),
                             (["--redis", redis_server.url, "--redis-skip-acl-rules"], "Name redis_worker_password and redis_client_password")):
        checked = check(*arguments)
        assert checked.returncode == 1 and words in checked.stdout, checked.stdout
    checked = check("--redis", redis_server.url)
    assert checked.returncode == 0 and f"Redis at {redis_server.url}" in checked.stdout, checked.stdout
    redis_server.kill()
    coordinator = tools.coordinator("--redis", redis_server.url)
    assert "It is tried again." in coordinator.output()
    redis_server.start()
    wait_until(lambda: "mitosis_worker" in redis_server.client().call("ACL", "USERS"), 20, "the users")
