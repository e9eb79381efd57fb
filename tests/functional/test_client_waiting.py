"""Waiting for tasks that still run: what is printed meanwhile, how it ends, and what it outlives."""
from __future__ import annotations

import hashlib
import json
import re

import pytest

from conftest import clean_environment, wait_until
from terminal import Terminal

ADMIN = "mitosis_admin"
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class Hand:
    """A worker whose steps are taken one by one."""

    def __init__(self, coordinator):
        self.api = coordinator.api
        self.user = self.api.login()
        self.token = self.api.call("POST", "/workers", {"tags": ["hand"], "labels": [], "groups": [], "lifetime": None}, self.user)["token"]

    def submit(self, count: int = 1) -> list[str]:
        return [self.api.submit(self.user, ["true"], tags=["hand"]) for _ in range(count)]

    def fetch(self) -> int:
        """Takes the next task; its number."""
        return self.api.call("GET", "/workers/tasks", token=self.token)["id"]

    def end(self, number: int, exit_status: int = 0) -> None:
        for op in ("Finish", {"Commit": {"exit_status": exit_status, "msg": None}}):
            self.api.call("POST", "/workers/tasks", {"id": number, "op": op}, self.token)


@pytest.fixture
def start(tools, coordinator):
    """Starts `mito client …` in the background."""
    def run(*arguments, name="waiting", password=("-p", ADMIN)):
        return tools.start("client", "-c", coordinator.url, "-u", ADMIN, *password, *arguments, name=name)
    return run


@pytest.fixture
def terminal(tools, coordinator):
    """`mito client …` as the admin on a terminal that knows colours."""
    started = []

    def run(*arguments, **variables):
        environment = {"TERM": "xterm", "NO_COLOR": "", **variables}
        started.append(Terminal(["client", "-c", coordinator.url, "-u", ADMIN, "-p", ADMIN, *arguments], clean_environment(tools.directory, environment),
                                tools.directory, 120))
        return started[-1]
    yield run
    for each in started:
        each.end()


def test_wait_ends_with_the_last_and_fails_as_the_first_that_failed(coordinator, start):
    hand = Hand(coordinator)
    last, first, second = hand.submit(3)  # they end in this order, and are named in another
    waiting = start("tasks", "wait", first, second, last)
    hand.end(hand.fetch(), 5 << 8)
    hand.end(hand.fetch())
    running = hand.fetch()
    coordinator.api.wait_for_result(hand.user, first)
    assert waiting.process.poll() is None
    hand.end(running, 4 << 8)
    assert waiting.process.wait(10) == 4
    assert waiting.stdout_path.read_text() == "".join(
        f"Task {uuid} is over: {how}\n" for uuid, how in ((first, "ok"), (second, "failed (exit 4)"), (last, "failed (exit 5)")))
    assert waiting.stderr_path.read_text() == ""  # no bar, no status line: this is no terminal


def test_watch_prints_every_change_of_a_task(tools, coordinator, start, tmp_path):
    token = coordinator.api.login()
    uuid = coordinator.api.submit(token, ["sh", "-c", f"until [ -e {tmp_path}/go ]; do sleep 0.05; done; exit 7"])
    watching = start("tasks", "watch", uuid)
    watching.wait_for_output(f"(?m)^\\d\\d:\\d\\d:\\d\\d  .*{uuid}.*ready")
    tools.worker(coordinator.url)
    watching.wait_for_output(f"(?m)^\\d\\d:\\d\\d:\\d\\d  .*{uuid}.*running")
    (tmp_path / "go").touch()
    assert watching.process.wait(15) == 7
    shown = watching.stdout_path.read_text().splitlines()
    assert all(re.match(rf"\d\d:\d\d:\d\d  .*{uuid}", line) for line in shown) and len(shown) == len(set(shown)) >= 3
    assert "failed (exit 7)" in shown[-1] and watching.stderr_path.read_text() == ""


def test_watch_prints_the_first_state_of_execution(coordinator, start):
    """Which comes after the task runs already, from a worker that says nothing else for as long as the watch would wait."""
    hand = Hand(coordinator)
    uuid, = hand.submit()
    watching = start("tasks", "watch", uuid)
    watching.wait_for_output("ready")
    number = hand.fetch()
    watching.wait_for_output("running")
    coordinator.api.call("POST", f"/workers/tasks/{uuid}/state", {"state": "ExecSpawned"}, hand.token)
    watching.wait_for_output("running.*command runs")
    hand.end(number)
    assert watching.process.wait(10) == 0


def test_watch_in_json_is_a_task_for_each_change(coordinator, start):
    hand = Hand(coordinator)
    uuid, = hand.submit()
    watching = start("--format", "json", "tasks", "watch", uuid)
    watching.wait_for_output('"state":"Ready"')
    number = hand.fetch()
    watching.wait_for_output('"state":"Running"')
    hand.end(number)
    assert watching.process.wait(10) == 0
    changes = [json.loads(line)["info"] for line in watching.stdout_path.read_text().splitlines()]
    assert {info["uuid"] for info in changes} == {uuid} and changes[-1]["state"] == "Finished" and changes[-1]["result"]["exit_status"] == 0


@pytest.mark.parametrize("command", ["wait", "watch"])
def test_a_coordinator_that_comes_back_is_asked_on(tools, coordinator, start, command):
    hand = Hand(coordinator)
    uuids = hand.submit(2)
    number = hand.fetch()
    waiting = start("tasks", command, *uuids)
    if command == "watch":
        waiting.wait_for_output("(?s)(running.*ready|ready.*running)")
    else:
        wait_until(lambda: (tools.directory / "config" / "mitosis" / "credentials").exists(), 10, "the login")
    coordinator.kill()
    waiting.wait_for_output("trying on for a minute")
    tools.coordinator(port=coordinator.port)
    waiting.wait_for_output("the coordinator is back")
    hand.end(number)
    hand.end(hand.fetch(), 2 << 8)
    assert waiting.process.wait(20) == 2
    shown = waiting.stdout_path.read_text()
    for uuid, how in zip(uuids, ("ok", "failed (exit 2)")):
        assert re.search(rf"(?m){uuid}.*{re.escape(how)}$", shown), shown


@pytest.mark.parametrize("command", ["wait", "watch"])
def test_ctrl_c_ends_the_waiting_alone(coordinator, terminal, command):
    hand = Hand(coordinator)
    uuid, = hand.submit()
    waiting = terminal("tasks", command, uuid)
    waiting.expect("ready")
    waiting.send("\x03")
    assert waiting.wait() == 130
    assert coordinator.api.call("GET", f"/tasks/{uuid}", token=hand.user)["info"]["state"] == "Ready"


def test_ctrl_c_on_a_terminal_says_how_to_return(coordinator, terminal):
    waiting = terminal("tasks", "submit", "--wait", "--progress", "-t", "nobody", "--", "true")
    waiting.expect("ready")  # --progress shows what the task does
    waiting.send("\x03")
    assert waiting.wait() == 130
    uuid = re.search(rf"global uuid ({UUID})", waiting.output.decode())[1]
    assert f"mito client tasks wait {uuid}".encode() in waiting.output and f"mito client tasks logs {uuid}".encode() in waiting.output
    assert coordinator.api.call("GET", f"/tasks/{uuid}", token=coordinator.api.login())["info"]["state"] == "Ready"


# --- tokens that expire meanwhile


@pytest.fixture
def forgetful(tools):
    """A coordinator whose logins last three seconds."""
    return tools.coordinator("--access-token-expires-in", "3s")


def stored_token(tools) -> str:
    path = tools.directory / "config" / "mitosis" / "credentials"
    return wait_until(lambda: path.exists() and path.read_text(), 10, "the login").rpartition(":")[2]


def wait_for_expiry(tools, coordinator) -> str:
    token = stored_token(tools)
    wait_until(lambda: coordinator.api.request("GET", "/auth", token=token)[0] == 401, 10, "the end of the token")
    return token


def test_an_expired_login_is_renewed_while_waiting(tools, forgetful):
    given = tools.start("client", "-c", forgetful.url, "-u", ADMIN, "-p", ADMIN, "tasks", "submit", "--wait", "-t", "hand", "--", "true", name="given")
    uuid = given.wait_for_output(f"global uuid ({UUID})").group(1)
    # One that was not given the password, and has no terminal to ask on.
    nobody = tools.start("client", "-c", forgetful.url, "tasks", "wait", uuid, name="nobody")
    old = wait_for_expiry(tools, forgetful)
    hand = Hand(forgetful)
    number = hand.fetch()  # a change of state: the next question goes out with the old token
    assert nobody.process.wait(10) == 3 and "the login has expired" in nobody.output() and "MITO_PASSWORD" in nobody.output()
    wait_until(lambda: stored_token(tools) != old, 10, "the new login")
    hand.end(number, 6 << 8)
    assert given.process.wait(10) == 6, given.output()
    assert f"Task {uuid}: failed (exit 6)" in given.output() and "expired" not in given.output()


def test_the_password_is_asked_for_on_a_terminal_while_waiting(tools, coordinator):
    assert tools.client(coordinator.url, "auth").returncode == 0  # the login that goes on
    hand = Hand(coordinator)
    waiting = Terminal(["client", "-c", coordinator.url, "tasks", "submit", "--wait", "--progress", "-t", "hand", "--", "true"],
                       clean_environment(tools.directory, {"TERM": "xterm"}), tools.directory, 120)
    try:
        waiting.expect_next("global uuid ")
        uuid = re.match(UUID, waiting.expect_next("\r\n"))[0]
        waiting.expect_next("ready")
        coordinator.api.call("POST", "/login", {"username": ADMIN, "md5_password": list(hashlib.md5(ADMIN.encode()).digest()), "retain": False})
        number = hand.fetch()  # a change of state: the next question goes out with the old token
        shown = waiting.expect_next("Password of mitosis_admin: ")
        assert shown.endswith("\r\x1b[KThe login has expired, need to login\r\n")  # in a line of its own
        waiting.send(ADMIN + "\n")
        hand.end(number, 5 << 8)
        assert waiting.wait() == 5 and f"Task {uuid}: failed (exit 5)".encode() in waiting.output
        assert tools.run("client", "-c", coordinator.url, "auth").returncode == 0  # the new login stays
    finally:
        waiting.end()


# --- progress on a terminal


def test_a_bar_for_many_tasks(coordinator, terminal):
    hand = Hand(coordinator)
    uuids = hand.submit(3)
    waiting = terminal("tasks", "wait", *uuids)
    waiting.expect("0 / 3 tasks")
    hand.end(hand.fetch())
    coordinator.api.wait_for_result(hand.user, uuids[0])
    for _ in range(2):
        hand.end(hand.fetch())
    assert waiting.wait() == 0
    shown = waiting.output.decode()
    assert re.search(r"\r\x1b\[KWaiting  \[=+\] 100%  3 / 3 tasks", shown)
    assert [line for line in shown.rpartition("\x1b[K")[2].splitlines() if line] == [f"Task {uuid} is over: ok" for uuid in uuids]


def test_no_bar_when_it_is_not_wanted(coordinator, terminal):
    hand = Hand(coordinator)
    uuids = hand.submit(2)
    for _ in uuids:
        hand.end(hand.fetch())
    waiting = terminal("tasks", "wait", "--no-progress", *uuids)
    assert waiting.wait() == 0
    assert b"\x1b" not in waiting.output and waiting.output.count(b" is over: ok") == 2


def test_a_bar_for_a_download(tools, coordinator, terminal):
    (tools.directory / "big").write_bytes(bytes(8_000_000))
    assert tools.client(coordinator.url, "groups", "attachments", "upload", "big").returncode == 0
    shown = terminal("groups", "attachments", "download", "--pb", "big", "-o", "back")
    assert shown.wait(30) == 0
    assert re.search(rb"\r\x1b\[KDownloading to back  \[[=> ]+\] +\d+%  [0-9.]+ \w+ / \d+\S* \w+  \S+ \w+/s", shown.output), shown.output
    assert shown.output.endswith(b"\r\x1b[KAttachment of size 8000000B downloaded to back\r\n")
    assert (tools.directory / "back").stat().st_size == 8_000_000
    plain = tools.client(coordinator.url, "groups", "attachments", "download", "--pb", "big", "-o", "again")
    assert (plain.returncode, plain.stderr) == (0, "") and plain.stdout == "Attachment of size 8000000B downloaded to again\n"


def test_colours_are_for_terminals_that_want_them(tools, coordinator, terminal):
    hand = Hand(coordinator)
    uuid, = hand.submit()
    hand.end(hand.fetch(), 1 << 8)
    coordinator.api.wait_for_result(hand.user, uuid)
    colour = re.compile(rb"\x1b\[[0-9;]*m")
    coloured = terminal("tasks", "query")
    assert coloured.wait() == 0 and b"\x1b[31mfailed (exit 1)" in coloured.output
    plain = terminal("tasks", "query", NO_COLOR="1")
    assert plain.wait() == 0 and not colour.search(plain.output)

    def words(shown):
        """Without the age, which may differ."""
        return re.sub(r"just now|\d+[smh] ago", "", colour.sub(b"", shown.output).decode()).split()
    assert words(plain) == words(coloured)
    piped = tools.client(coordinator.url, "tasks", "query", extra={"TERM": "xterm", "NO_COLOR": ""})
    assert "\x1b" not in piped.stdout and "failed (exit 1)" in piped.stdout
