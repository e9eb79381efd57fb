"""The interactive client (`mito client -i`) on a pseudo-terminal, and with lines from a pipe."""
from __future__ import annotations

import re
import stat

import pytest

from conftest import clean_environment, wait_until
from terminal import Terminal

PROMPT = "[mito::client]> "
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class Shell(Terminal):
    """The shell, logged in as the admin, at its first prompt."""

    def __init__(self, tools, coordinator, *arguments, columns=120):
        environment = clean_environment(tools.directory, {"TERM": "xterm"})
        super().__init__(["client", "-c", coordinator.url, "-u", "mitosis_admin", "-p", "mitosis_admin", *arguments, "-i"], environment,
                         tools.directory, columns)

    def run(self, line: str) -> str:
        """What is written between the line and the next prompt."""
        self.send(line + "\r")
        self.expect_next("\n")
        return self.expect_next(PROMPT).replace("\r", "")


@pytest.fixture
def shell(tools, coordinator):
    shell = Shell(tools, coordinator)
    shell.expect_next(PROMPT)
    yield shell
    shell.end()


def history(tools) -> list[str]:
    path = tools.directory / "cache" / "mitosis" / "client-history"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path.read_text().split("\n")


def test_a_session(tools, coordinator, shell):
    banner = shell.output.decode().replace("\r", "")
    assert "Logged in as mitosis_admin. Client is running in interactive mode.\n" in banner
    assert "Enter 'quit', 'exit' or Ctrl-D to exit and 'help' to see available commands.\n" in banner
    assert "Currently logged in as mitosis_admin\n" in shell.run("auth")
    assert re.search(rf"Task submitted with id 1 in group mitosis_admin and a global uuid {UUID}\n",
                     shell.run("tasks submit -l 'two words' -t none -- echo \"a b\""))
    assert "Found 1 tasks in group mitosis_admin\n" in shell.run("tasks query --count")
    assert '"count":1' in shell.run("--format json tasks query --count")
    assert "Found 1 tasks" in shell.run("tasks query --count")  # the format was for one line
    assert "hi\n" in shell.run("cmd -- echo hi")
    assert "unrecognized subcommand 'nonsense'" in shell.run("nonsense")
    assert "invalid value 'nope'" in shell.run("tasks get nope")
    assert "Usage: tasks get [OPTIONS] <UUID>" in shell.run("help tasks get")
    assert "Usage: tasks <COMMAND>" in shell.run("tasks")
    assert "Usage: <COMMAND>" in shell.run("help")
    shell.run("")
    shell.send("quit\r")
    assert shell.wait() == 0
    lines = history(tools)
    assert lines[0] == "auth" and "tasks submit -l 'two words' -t none -- echo \"a b\"" in lines and lines[-1] == "quit"


def test_control_c_clears_the_line_and_control_d_leaves(tools, coordinator, shell):
    shell.send("tasks que")
    shell.expect_next("tasks que")
    shell.wait_until_raw()
    shell.send("\x03")
    shell.expect_next(PROMPT)
    assert "Currently logged in as" in shell.run("auth")  # nothing is left of the line before
    shell.send("\x04")
    assert shell.wait() == 0


def test_control_c_ends_a_command_only(tools, coordinator, shell):
    uuid = re.search(UUID, shell.run("tasks submit -t nobody -- true"))[0]
    shell.send(f"tasks wait {uuid}\r")
    shell.expect_next("ready")
    shell.send("\x03")
    assert "interrupted" in shell.expect_next(PROMPT)
    assert "Currently logged in as" in shell.run("auth")


def test_tab_completes_commands_options_and_live_values(tools, coordinator, shell):
    uuid = re.search(UUID, shell.run("tasks submit -t nobody -- true"))[0]
    shell.send("ta\tque\t--cou\t\r")
    assert "Found 1 tasks" in shell.expect_next(PROMPT)
    shell.send("groups get mito\t\r")
    assert "Group Name:          mitosis_admin" in shell.expect_next(PROMPT)
    shell.send(f"tasks get {uuid[:6]}\t\r")
    assert f"Task UUID:  {uuid}" in shell.expect_next(PROMPT)
    shell.send("workers update-\t")
    shell.expect_next("update-labels")
    shell.expect_next("Replace the labels of a worker")
    shell.expect_next(PROMPT + "workers update-")  # the line is shown again below the list
    shell.send("\x03")
    shell.expect_next(PROMPT)
    shell.send("tasks query -s run\t--count\r")
    assert "Found 0 tasks" in shell.expect_next(PROMPT)


def test_force_counts_for_one_command_only(tools, coordinator, admin, shell):
    workers = []
    for _ in range(2):
        worker = coordinator.api.call("POST", "/workers", {"tags": ["busy"], "labels": [], "groups": [], "lifetime": None}, admin)
        coordinator.api.submit(admin, ["true"], tags=["busy"])
        assert coordinator.api.call("GET", "/workers/tasks", token=worker["token"])
        workers.append(worker["worker_id"])
    assert "Worker cancelled successfully\n" in shell.run(f"workers cancel {workers[0]} -f")
    assert "Worker cancelled successfully\n" in shell.run(f"workers cancel {workers[1]}")
    assert coordinator.api.request("GET", f"/workers/{workers[0]}", token=admin)[0] == 404  # gone, in the middle of its task
    assert coordinator.api.call("GET", f"/workers/{workers[1]}", token=admin)["info"]["state"] == "GracefulShutdown"


def test_a_line_goes_on_behind_an_open_quote_or_a_backslash(tools, coordinator, shell):
    shell.send("cmd -s -- 'printf %s- \"$0\"' 'two\r")
    shell.expect_next("::: ")
    shell.send("lines'\r")
    shell.expect_next("two\r\nlines-")
    shell.expect_next(PROMPT)
    shell.send("tasks \\\r")
    shell.expect_next("::: ")
    shell.send("que\t--count\r")  # completes with the line before
    assert "Found 0 tasks" in shell.expect_next(PROMPT)
    shell.send("\x1b[A\r")  # Up: all of it, as one
    assert "Found 0 tasks" in shell.expect_next("\r\n" + PROMPT)

    shell.send("auth 'never\r")
    shell.expect_next("::: ")
    shell.wait_until_raw()
    shell.send("\x03")
    shell.expect_next(PROMPT)
    assert "Currently logged in" in shell.run("auth")  # nothing is left of it
    shell.send("auth 'never\r")
    shell.expect_next("::: ")
    shell.wait_until_raw()
    shell.send("\x04")
    assert "not lexically valid" in shell.expect_next(PROMPT)
    shell.send("quit\r")
    assert shell.wait() == 0
    assert [line for line in history(tools) if "<\\n>" in line] == ["cmd -s -- 'printf %s- \"$0\"' 'two<\\n>lines'", "tasks \\<\\n>query --count"]


class ColouredShell(Shell):
    """On a terminal that shows colours."""

    def __init__(self, tools, coordinator, columns=120):
        Terminal.__init__(self, ["client", "-c", coordinator.url, "-u", "mitosis_admin", "-p", "mitosis_admin", "-i"],
                          clean_environment(tools.directory, {"TERM": "xterm", "NO_COLOR": ""}), tools.directory, columns)
        self.expect_next(PROMPT)


def test_the_history_hints_at_the_rest_of_a_line(tools, coordinator):
    shell = ColouredShell(tools, coordinator)
    try:
        shell.run("tasks query --count")
        for key in ("\x1b[C", "\x1bOC", "\x06", "\x1b[F", "\x1bOF", "\x05"):  # Right, Ctrl-F, End, Ctrl-E
            shell.send("tas")
            shell.expect_next("\x1b[2mks query --count\x1b[0m\x1b[16D")
            shell.send(key + "\r")
            assert "Found 0 tasks" in shell.expect_next(PROMPT)
        shell.send("au")  # nothing begins so
        shell.send("th\r")
        shell.expect_next("Currently logged in")
        shell.expect_next(PROMPT)
        shell.send("tasks q")
        shell.expect_next("\x1b[2muery --count")
        shell.send("\x01\x06\x05\r")  # in the middle these keys go right and to the end; what was hinted at is not part of the line
        assert "unrecognized subcommand 'q'" in shell.expect_next(PROMPT)
        shell.wait_until_raw()
        shell.send("\x12ount")  # Ctrl-R: no hint beside what it shows
        shell.expect_next("bck:")
        shell.send("\r")
        shell.expect_next("Found 0 tasks")
        shell.expect_next(PROMPT)
    finally:
        shell.end()


def test_a_hint_stays_in_its_line(tools, coordinator):
    shell = ColouredShell(tools, coordinator, columns=40)
    try:
        shell.run("cmd -- echo " + "long " * 20)
        shell.send("cmd")
        shell.expect_next("\x1b[2m -- echo long long …\x1b[0m\x1b[20D")
        shell.send("\x05\r")
        shell.expect_next("\n" + ("long " * 20).strip() + "\r\n" + PROMPT)
    finally:
        shell.end()


def test_no_hint_without_colours(tools, coordinator, shell):
    shell.run("tasks query --count")
    shell.send("tas\x05\r")
    assert "unrecognized subcommand 'tas'" in shell.expect_next(PROMPT) and b"\x1b[2m" not in shell.output


def test_history_has_no_password(tools, coordinator, shell):
    shell.run("admin users create bob very-secret-1")
    shell.run("login bob very-secret-1")
    assert "Currently logged in as bob" in shell.run("auth")
    assert "in group bob" in shell.run("tasks query")  # the own group is bob's from now on
    shell.run("users change-password very-secret-1 very-secret-2")
    shell.run("auth --password very-secret-2")
    shell.run("logn bob very-secret-2")
    shell.send("\x1b[A\r")  # Up: the last line that was kept
    assert "in group bob" in shell.expect_next(PROMPT)
    shell.send("exit\r")
    assert shell.wait() == 0
    assert history(tools) == ["auth", "tasks query", "exit"] or history(tools) == ["auth", "tasks query", "tasks query", "exit"]


def test_history_of_earlier_shells_is_there(tools, coordinator, shell):
    shell.run("tasks query --count")
    shell.send("\x04")
    shell.wait()
    second = Shell(tools, coordinator)
    try:
        second.expect_next(PROMPT)
        second.send("\x1b[A\r")
        assert "Found 0 tasks" in second.expect_next(PROMPT)
        second.wait_until_raw()
        second.send("\x12query\r\r")  # Ctrl-R searches
        second.send("\x04")
        second.wait()
    finally:
        second.end()


def test_an_expired_token_is_renewed(tools, coordinator, shell):
    """Another login that ends all sessions; the password was given at the start."""
    assert "Currently logged in" in shell.run("auth")
    other = tools.client(coordinator.url, "login", "mitosis_admin", "mitosis_admin", "--logout-others", "--credential-path", tools.directory / "other")
    assert other.returncode == 0, other.stderr
    assert "Found 0 tasks" in shell.run("tasks query --count")


def test_an_expired_token_asks_without_a_password(tools, coordinator):
    tools.client(coordinator.url, "auth")
    terminal = Terminal(["client", "-c", coordinator.url, "-i"], clean_environment(tools.directory, {"TERM": "xterm"}), tools.directory)
    try:
        terminal.expect_next(PROMPT)
        tools.client(coordinator.url, "login", "mitosis_admin", "mitosis_admin", "--logout-others", "--credential-path", tools.directory / "other")
        terminal.send("tasks query --count\r")
        terminal.expect_next("Password of mitosis_admin: ")
        terminal.send("mitosis_admin\r")
        assert "Found 0 tasks" in terminal.expect_next(PROMPT)
        terminal.send("\x04")
        assert terminal.wait() == 0
    finally:
        terminal.end()


def test_a_command_comes_before_the_shell(tools, coordinator):
    shell = Shell(tools, coordinator, columns=100)
    shell.end()
    terminal = Terminal(["client", "-c", coordinator.url, "-u", "mitosis_admin", "-p", "mitosis_admin", "-i", "groups", "create", "lab"],
                        clean_environment(tools.directory, {"TERM": "xterm"}), tools.directory)
    try:
        terminal.expect_next("Successfully created group")
        terminal.expect_next(PROMPT)
        terminal.send("quit\r")
        assert terminal.wait() == 0
    finally:
        terminal.end()


def test_admin_shutdown_ends_the_shell(tools, coordinator, shell):
    secret = wait_until(lambda: next(coordinator.data.rglob("shutdown-secret"), None)).read_text().strip()
    shell.send("admin shutdown\r")
    shell.expect_next("shutdown-secret")
    shell.send(secret + "\r")
    shell.expect_next("Coordinator shutdown successfully")
    assert shell.wait() == 0


def test_lines_from_a_pipe(tools, coordinator):
    result = tools.client(coordinator.url, "-i", stdin="groups create lab\nauth\nnonsense\n")
    assert result.stdout == "Successfully created group\nCurrently logged in as mitosis_admin\n"
    assert result.returncode == 2 and "unrecognized subcommand" in result.stderr
    result = tools.client(coordinator.url, "-i", stdin="cmd -s -- 'printf %s \"$0\"' \\\n'a b' \\\n\nauth \\\n--format json\nauth 'open\n")
    assert result.stdout == 'a b{"msg":"Currently logged in as mitosis_admin"}\n'
    assert result.returncode == 2 and "not lexically valid" in result.stderr
