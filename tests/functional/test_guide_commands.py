"""Every command line printed in both generations of the user guides (docs/reference/guide-commands.md), run as printed: once as a program, once as a line of the
interactive client. Only what a guide cannot know is filled in: UUIDs, names that stand for something, the secret."""
from __future__ import annotations

import hashlib
import re
import shlex

import pytest

from conftest import ROOT

DOCUMENT = ROOT / "docs" / "reference" / "guide-commands.md"
PRINTED_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8}-…"
PASSWORD_OF_NEW_USERS = "test_user_password"


def lines_of(section: str) -> list[str]:
    """The command lines of a section's table, as printed."""
    text = DOCUMENT.read_text().split(f"## {section}", 1)[1].split("\n## ", 1)[0]
    cells = [row.split("|")[1] for row in text.splitlines() if row.startswith("| `") or row.startswith("| `")]
    return [line for cell in cells for line in re.findall(r"`([^`]+)`", cell)]


CURRENT = lines_of("Client, current tree (0.5)")
OLD = lines_of("Client, old tree (0.4)")
PROGRAMS = [line for line in lines_of("Programs") if re.search(r"\bmito\b", line)]


def test_the_document_is_read():
    assert len(CURRENT) > 30 and len(OLD) > 25 and len(PROGRAMS) > 12
    assert "tasks change e07a2bf2-… --terminal -- echo world" in CURRENT and "manage worker b168dbe6-… cancel" in OLD


class Stage:
    """A coordinator with everything the guides speak of."""

    def __init__(self, tools, directory):
        self.coordinator = tools.coordinator("--shutdown-secret", "the-secret", directory=directory, name=f"coordinator-{directory.name}")
        self.api = self.coordinator.api
        self.token = self.api.login()
        for group in ("test_group", "another_group", "other"):
            self.api.call("POST", "/groups", {"group_name": group}, self.token)
        self.directory = directory
        (directory / "local.tar.gz").write_bytes(b"packed")
        self.tools = tools

    def ready_task(self) -> str:
        return self.api.submit(self.token, ["true"], tags=["nobody-has-this"])

    def task_with_result(self) -> str:
        uuid = self.ready_task()
        url = self.api.call("POST", f"/tasks/{uuid}/artifacts", {"content_type": "result", "content_length": 5}, self.token)["url"]
        self.api.request("PUT", url.split(str(self.coordinator.port), 1)[1], b"12345")
        return uuid

    def worker(self) -> str:
        return self.api.call("POST", "/workers", {"tags": [], "labels": [], "groups": ["test_group:admin"], "lifetime": None}, self.token)["worker_id"]

    def fill_in(self, line: str) -> str:
        """The line with real UUIDs and names, and with what the guides leave out of those they only name."""
        about_worker = re.match(r"(get worker |manage worker|workers )", line)
        uuid = self.worker() if about_worker else self.task_with_result() if "artifact" in line else self.ready_task()
        line = re.sub(PRINTED_UUID, uuid, line)
        line = re.sub(r"\bUUID\b|…", uuid, line)
        line = re.sub(r"\bG KEY$", "test_group attachment_key", re.sub(r"\bG$", "test_group", line)).replace("SECRET", "the-secret")
        if line.endswith("remove-roles") or re.search(r"remove-roles \S+$", line):
            line += " test_group"
        if re.search(r"update-labels$", line):
            line += " a b"
        return line.removeprefix("mito client ")


@pytest.fixture
def stage(tools, tmp_path):
    directory = tmp_path / "stage"
    directory.mkdir()
    stage = Stage(tools, directory)
    yield stage


def prepare(stage: Stage, lines: list[str]) -> list[tuple[str, str]]:
    """(as printed, to be run). What later lines need is made here, what earlier ones made is taken away."""
    taken = stage.api.call("POST", "/groups/test_group/attachments", {"key": "attachment_key", "content_length": 3}, stage.token)["url"]
    stage.api.request("PUT", taken.split(str(stage.coordinator.port), 1)[1], b"123")
    return [(line, stage.fill_in(line)) for line in lines if line not in ("exit", "quit") and not line.startswith("shutdown")]


#: Lines of the guides that make something which is there already when they are run here.
TAKEN = {"groups create test_group", "create group test_group"}


def check(printed: str, code: int, stdout: str, stderr: str) -> None:
    if printed in TAKEN:
        assert code == 5 and "already exists" in stderr, (printed, code, stderr)
        return
    assert code == 0, (printed, code, stdout, stderr)
    assert stdout or printed == "auth", (printed, stderr)
    assert "error:" not in stderr, (printed, stderr)


@pytest.mark.parametrize("lines", [CURRENT, OLD], ids=["current", "old"])
def test_as_a_program(stage, lines):
    for printed, line in prepare(stage, lines):
        result = stage.tools.client(stage.coordinator.url, *shlex.split(line), cwd=stage.directory)
        check(printed, result.returncode, result.stdout, result.stderr)
        is_help = printed.startswith("help") or printed.endswith(("-h", "--help"))
        hinted = "is the old form of" in result.stderr
        assert hinted == (lines is OLD and not is_help and printed not in ("auth",)), (printed, result.stderr)
    for word in ("exit", "quit"):
        result = stage.tools.client(stage.coordinator.url, word)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    if lines is OLD:
        result = stage.tools.client(stage.coordinator.url, "shutdown", "the-secret")
        assert result.returncode == 0 and result.stdout == "Coordinator shutdown successfully\n", result.stderr
        stage.coordinator.process.wait(20)


@pytest.mark.parametrize("lines", [CURRENT, OLD], ids=["current", "old"])
def test_as_lines_of_the_shell(stage, lines):
    pairs = prepare(stage, [line for line in lines if line not in TAKEN])
    script = "".join(f"{line}\ncmd -- echo done {number}\n" for number, (_, line) in enumerate(pairs))
    result = stage.tools.client(stage.coordinator.url, "-i", stdin=script + "exit\nnever run\n", cwd=stage.directory)
    assert result.returncode == 0 and "error:" not in result.stderr, result.stderr
    rest = result.stdout
    for number, (printed, _) in enumerate(pairs):
        output, _, rest = rest.partition(f"done {number}\n")
        assert output.strip(), (printed, "printed nothing")
    assert rest == ""


def test_login_as_of_0_4(stage):
    stage.tools.client(stage.coordinator.url, "create", "user", "-u", "carol", "-p", "carol-pw")
    result = stage.tools.run("client", "-c", stage.coordinator.url, "auth", "carol", "carol-pw")
    assert result.returncode == 0 and result.stdout == "Successfully logged in as carol\n"
    assert "login USERNAME PASSWORD" in result.stderr and "carol-pw" not in result.stderr


@pytest.mark.parametrize("line", [line for line in PROGRAMS if re.search(r"--(help|version)$", line)])
def test_help_of_programs(tools, line):
    result = tools.run(*shlex.split(line)[1:])
    assert result.returncode == 0 and result.stdout and result.stderr == ""
    if line == "mito --version":
        assert result.stdout.startswith("mito ")


def test_programs_with_files(tools, tmp_path):
    """The lines that start a coordinator, a worker and a client, with the paths and ports of this test."""
    keys = [line for line in PROGRAMS if "--config" in line]
    assert len(keys) >= 4
    (tmp_path / "coordinator.toml").write_text('[coordinator]\nbind = "127.0.0.1:1"\n')
    coordinator = tools.coordinator("--config", tmp_path / "coordinator.toml")
    (tmp_path / "worker.toml").write_text(f'[worker]\ncoordinator_addr = "{coordinator.url}"\npolling_interval = "3m"\n'
                                          'user = "mitosis_admin"\npassword = "mitosis_admin"\n')
    for line in keys:
        if " worker " not in line:
            continue
        words = shlex.split(line.replace("/path/to", str(tmp_path)).replace("group1,group2:write,group3:read,group4:admin", "mitosis_admin:write"))
        worker = tools.start(*words[1:], name=hashlib.md5(line.encode()).hexdigest())
        worker.wait_for_output("Worker registered with ID")
        worker.wait_for_output("Worker is running")
    result = tools.client(coordinator.url, "tasks", "submit", "--", "echo", "Hello, Mitosis!")
    assert re.match(r"Task submitted with id 1 in group mitosis_admin and a global uuid \S+\n$", result.stdout)
    result = tools.client(coordinator.url, extra={"RUST_LOG": "debug"})
    assert result.returncode == 0
