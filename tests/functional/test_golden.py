"""The text of every command of the client on success and on failure, compared with tests/golden (see the README there)."""
from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sqlite3
import tarfile

import pytest

from conftest import ROOT

GOLDEN = ROOT / "tests" / "golden"
NOBODY = "00000000-0000-0000-0000-000000000000"

#: A line of a script: what was uploaded before it is older than the hour in which files cannot be deleted.
LATER = "two hours later"

#: Command lines by file; `{name}` is filled in from the stage. A line `user: …` runs as that user; `-: …` as nobody, without a terminal.
SCRIPTS = {
    "session": """
        auth
        -q auth
        --format json auth
        -: auth
        -: --user mitosis_admin auth
        login alice alice-pw
        login alice wrong
        login nobody x
        -: login
        auth extra words are too many
        cmd -- echo hello
        cmd -s -- 'echo "$0+$1"' 'a b' c
        cmd -- exit 3
        cmd
        quit
        exit
        quit now
        taks
        tasks sumbit
        tasks --group x
        --nonsense auth
        --format xml auth
        --config /nonexistent.toml auth
        --profile lab auth
        --coordinator ftp://x auth
        --coordinator 127.0.0.1:1 auth
        --password-file /nonexistent auth
    """,
    "users": """
        alice: users groups
        alice: users my-groups
        alice: -q users groups
        alice: --format json users groups
        alice: --format yaml users groups
        users groups extra
        alice: users change-password alice-pw alice-pw
        alice: users change-password wrong x
        alice: users change-password
        users
    """,
    "groups": """
        groups create lab
        groups create lab
        groups create 'bad name'
        groups create
        groups get lab
        groups get nope
        groups get ''
        alice: groups get lab
        --format json groups get alice
        -q groups get lab
        groups update-user lab alice:read
        groups update-user lab nobody:read
        groups update-user lab alice:boss
        groups update-user lab alice
        groups update-user lab
        alice: groups update-user lab alice:admin
        groups remove-user lab alice
        groups remove-user lab nobody
        groups remove-user lab nobody noone
        groups remove-user lab
        groups remove-user nope alice
    """,
    "attachments": """
        groups create lab
        groups attachments upload data.txt
        groups attachments upload data.txt
        groups attachments upload -g lab data.txt dir/
        groups attachments upload -g lab data.txt dir//a/../b.txt
        groups attachments upload -s data.txt lab/smart/s.txt
        groups attachments upload -g lab folder
        groups attachments upload nofile
        groups attachments upload data.txt ../x
        groups attachments upload -g nope data.txt
        alice: groups attachments upload -g lab data.txt
        groups attachments query -g lab
        groups attachments query -g lab -k dir --no-headers
        groups attachments query -g lab --count
        groups attachments query -g lab --count --format json
        groups attachments query -g lab -q --limit 1 --offset 1
        groups attachments query -g nope
        groups attachments query --limit many
        groups attachments get -g lab dir/b.txt
        groups attachments get lab/dir/b.txt
        groups attachments get lab dir/b.txt
        groups attachments get -g lab nokey
        groups attachments download -g lab dir/b.txt
        groups attachments download lab/dir/data.txt
        groups attachments download -g lab dir/b.txt -o there/new.txt
        groups attachments download -g lab dir/b.txt --format json -o there
        groups attachments download -g lab nokey
        groups attachments download -g lab ''
        groups attachments download -g lab dir/b.txt -o pipe
        groups attachments download lab/nokey
        groups attachments download-many -g lab -k dir -o many --concurrent 2
        groups attachments download-many -g lab -k zzz -o many
        groups attachments download-many --concurrent 0
        groups attachments download-list dir/b.txt ghost -g lab -o list
        groups attachments download-list -g lab
        groups attachments delete -g lab dir/b.txt
        groups attachments delete -g lab nokey
        groups attachments delete-list dir/b.txt ghost -g lab
        groups attachments delete-list -g lab
        groups attachments delete-many -g lab -k dir
        groups attachments delete-many -g nope
        admin groups attachments delete -g lab dir/b.txt
        admin groups attachments delete -g lab nokey
        groups attachments upload -g lab data.txt dir/c.txt
        two hours later
        groups attachments delete -g lab smart/s.txt
        groups attachments delete-list -g lab dir/data.txt
        groups attachments delete-list -g lab folder.tar.gz ghost
        groups attachments delete-many -g lab -k dir
        --format json groups attachments delete data.txt
    """,
    "tasks": """
        tasks submit -- echo hello
        tasks submit -g lab -- true
        tasks submit -t none -l mobile,video -e A=1 B=2 --timeout '1h 5s' -p 7 --terminal -- echo 'a b'
        -q tasks submit -t none -- true
        --format json tasks submit -t none -- true
        tasks submit -t none echo hi
        tasks submit
        tasks submit -g nope -- true
        tasks submit -e NOVALUE -- true
        tasks submit -r file=x -- true
        tasks submit -r attachment=x -- true
        tasks submit -r artifact={ready}:logs:x -- true
        tasks submit -r attachment=x:/abs -- true
        tasks submit --watch nocomma -- true
        tasks submit --watch {ready},ExecFinishd -- true
        tasks submit --timeout soon -- true
        tasks submit --timeout 10 -- true
        tasks submit -p 99999999999 -- true
        tasks submit --progress -- true
        tasks submit-many -f tasks.json
        tasks submit-many -f lines.jsonl
        tasks submit-many -f nofile
        tasks submit-many -f folder
        tasks submit-many -f bad.json
        tasks submit-many -f part.json
        tasks get {ready}
        tasks get {failed}
        tasks get {killed}
        tasks get {timed_out}
        --format json tasks get {ready}
        --format yaml tasks get {failed}
        tasks get nope
        tasks get {nobody}
        tasks get
        alice: tasks get {ready}
        tasks query
        tasks query --failed
        tasks query --failed --count
        tasks query -e 1
        tasks query -e raw:9 -q
        tasks query -s running --format wide
        tasks query -s finished cancelled --no-headers
        tasks query -s done
        tasks query -s runing
        tasks query -p '~1'
        tasks query -g nope
        tasks query -l nobody-has-this
        tasks query --limit 0
        tasks query -v -l mobile
        alice: tasks query
        tasks wait {ok}
        tasks wait {ok} {failed} {killed}
        tasks wait
        tasks wait {nobody}
        tasks watch {timed_out}
        tasks watch {ok}
        tasks watch
        tasks logs {ok} --stderr
        tasks logs {written}
        tasks logs {ready}
        tasks change {ready} --timeout 90s -p 3 -t x
        tasks change {ready} --terminal -- echo world
        tasks change {ready}
        tasks change {nobody} -p 1
        tasks update-labels {ready} l1 l2
        tasks update-labels {nobody} x
        tasks cancel {ready}
        tasks cancel {ready}
        tasks cancel {running}
        tasks cancel {nobody}
        tasks cancel-many -s running
        tasks cancel-many -l mobile
        tasks cancel-many -g nope
        tasks cancel-list {waiting}
        tasks cancel-list {waiting} {nobody}
        tasks cancel-list
    """,
    "artifacts": """
        tasks artifacts upload local.tar.gz {ok} result
        tasks artifacts upload local.tar.gz {ok} result
        tasks artifacts upload local.tar.gz {nobody} result
        tasks artifacts upload local.tar.gz {ok} logs
        tasks artifacts upload nofile {ok} result
        tasks artifacts upload folder {ok} result
        tasks artifacts download {ok} result
        tasks artifacts download {ok} result -o there/y.tgz
        tasks artifacts download {ok} result -q -o there/z.tgz
        tasks artifacts download {ok} result --extract unpacked
        tasks artifacts download {ok} std-log
        tasks artifacts download {nobody} std-log
        tasks artifacts download-many result -l none
        tasks artifacts download-many result -o arts
        tasks artifacts download-many result -o arts --concurrent 0
        tasks artifacts download-many result --extract all
        tasks artifacts download-list result {ok} {nobody} -o arts
        tasks artifacts download-list result
        tasks artifacts delete {ok} result
        tasks artifacts delete {ok} exec-log
        tasks artifacts delete-list result {ok} {nobody}
        tasks artifacts delete-list result
        tasks artifacts delete-many result
        tasks artifacts delete-many logs
        admin tasks artifacts delete {ok} result
        admin tasks artifacts delete {nobody} result
        tasks artifacts upload local.tar.gz {ok} result
        tasks artifacts upload local.tar.gz {failed} result
        tasks artifacts upload local.tar.gz {killed} result
        two hours later
        tasks artifacts delete {ok} result
        tasks artifacts delete-list result {failed}
        tasks artifacts delete-list std-log {written} {nobody}
        tasks artifacts delete-many result
    """,
    "workers": """
        workers query
        workers query --format wide
        workers query -v -t wired
        workers query --count
        workers query -q -l room1
        workers query -g nope
        workers query -r boss
        workers get {worker}
        --format json workers get {worker}
        workers get {nobody}
        workers get x
        workers update-tags {worker} a b
        workers update-tags {worker}
        workers update-tags {nobody} x
        workers update-labels {worker} c
        workers update-labels {worker}
        workers update-roles {worker} alice:write
        workers update-roles {worker} nope:write
        workers update-roles {worker} alice:boss
        workers update-roles {worker}
        workers remove-roles {worker} alice
        workers remove-roles {nobody} alice
        workers remove-roles {worker}
        alice: workers cancel {worker}
        workers cancel {worker}
        workers cancel {worker} -f
        workers cancel-list {second}
        workers cancel-list {second} {nobody}
        workers cancel-list
        workers cancel-many -t wired -f
        workers cancel-many -g nope
        admin workers list
        admin workers list --count
        admin workers list -g nope
        alice: admin workers list
        admin workers cancel {fourth}
        admin workers cancel {nobody}
    """,
    "admin": """
        admin users create carol carol-pw
        admin users create carol x
        admin users create 'bad name' x
        -: admin users create dave
        alice: admin users create x y
        admin users list
        admin users list ali --format json
        admin users list -q --admins
        admin users list --count
        admin users list -s gone
        alice: admin users list
        admin users lock carol
        admin users lock nobody
        admin users list -s locked
        admin users unlock carol
        admin users unlock nobody
        admin users change-password carol new
        admin users change-password nobody new
        admin users group-quota carol 5
        admin users group-quota carol +2
        admin users group-quota carol many
        admin users group-quota nobody 5
        admin users delete carol
        admin users delete nobody
        admin groups list
        admin groups list ali --count
        alice: admin groups list
        admin groups lock alice
        admin groups lock nope
        admin groups unlock alice
        admin groups unlock nope
        admin groups storage-quota alice 2gb
        admin groups storage-quota alice +500mb
        admin groups storage-quota alice -- -1mb
        admin groups storage-quota alice lots
        admin groups storage-quota nope 1gb
        admin shutdown wrong
        -: admin shutdown
        admin shutdown the-secret
    """,
}


class Stage:
    """A coordinator with a user, and tasks that ended in every way, by a worker that is spoken for."""

    def __init__(self, tools):
        self.tools = tools
        self.directory = tools.directory / "here"
        self.directory.mkdir()
        self.coordinator = tools.coordinator("--shutdown-secret", "the-secret")
        self.api = self.coordinator.api
        self.token = self.api.login()
        self.api.call("POST", "/admin/users", {"username": "alice", "md5_password": list(bytes.fromhex("2c4e4a7ed8dd4b2d1bd5bd2ec5b0a9a1")), "admin": False},
                      self.token)
        self.names: dict[str, str] = {"nobody": NOBODY}
        self.uuids: list[str] = []
        self._files()

    def _files(self) -> None:
        def task(group: str) -> str:
            return ('{"group_name":"%s","tags":["none"],"labels":["m"],"timeout":"10m","priority":0,"task_spec":{"args":["true"]}}' % group)
        (self.directory / "data.txt").write_text("0123456789")
        (self.directory / "folder").mkdir()
        os.mkfifo(self.directory / "pipe")
        (self.directory / "folder" / "inside.txt").write_text("x")
        with tarfile.open(self.directory / "local.tar.gz", "w:gz") as archive:
            archive.add(self.directory / "folder", "folder")
        (self.directory / "tasks.json").write_text(f'[{task("mitosis_admin")},{task("nope")},{task("mitosis_admin")}]')
        (self.directory / "lines.jsonl").write_text(f'{task("mitosis_admin")}\n\n{task("mitosis_admin")}\n')
        (self.directory / "bad.json").write_text('[{]')
        (self.directory / "part.json").write_text('[{"group_name":"mitosis_admin"}]')

    def change_password(self) -> None:
        self.tools.client(self.coordinator.url, "admin", "users", "change-password", "alice", "alice-pw")

    def tasks(self) -> None:
        """One task in every state, by name."""
        worker = self.api.call("POST", "/workers", {"tags": ["ends"], "labels": [], "groups": [], "lifetime": None}, self.token)
        for name, op, status, message in (("ok", "Finish", 0, None), ("failed", "Finish", 256, None), ("killed", "Finish", 9, None),
                                          ("timed_out", "Cancel", 15, "ExecTimeout")):
            self.names[name] = self.api.submit(self.token, ["do", name], tags=["ends"])
            number = self.api.call("GET", "/workers/tasks", token=worker["token"])["id"]
            self.api.call("POST", "/workers/tasks", {"id": number, "op": op}, worker["token"])
            self.api.call("POST", "/workers/tasks", {"id": number, "op": {"Commit": {"exit_status": status, "msg": message}}}, worker["token"])
        self.names["written"] = self.api.submit(self.token, ["do", "write"], tags=["ends"], terminal_output=True)
        number = self.api.call("GET", "/workers/tasks", token=worker["token"])["id"]
        self.api.call("POST", "/workers/tasks", {"id": number, "op": "Finish"}, worker["token"])
        body = self._output()
        url = self.api.call("POST", "/workers/tasks", {"id": number, "op": {"Upload": {"content_type": "std-log", "content_length": len(body)}}},
                            worker["token"])["url"]
        assert self.api.request("PUT", url.split(str(self.coordinator.port), 1)[1], body)[0] == 200
        self.api.call("POST", "/workers/tasks", {"id": number, "op": {"Commit": {"exit_status": 0, "msg": None}}}, worker["token"])
        self.names["running"] = self.api.submit(self.token, ["do", "run"], tags=["ends"])
        assert self.api.call("GET", "/workers/tasks", token=worker["token"])["uuid"] == self.names["running"]
        for name in ("ready", "waiting"):
            self.names[name] = self.api.submit(self.token, ["do", name], tags=["nobody-has-this"])

    @staticmethod
    def _output() -> bytes:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name, text in (("stdout", b"written\n"), ("stderr", b"complained\n")):
                info = tarfile.TarInfo(f"std-log/{name}.log")
                info.size = len(text)
                archive.addfile(info, io.BytesIO(text))
        return packed.getvalue()

    def workers(self) -> None:
        for name, tag in (("worker", "wired"), ("second", "wired"), ("third", "wired"), ("fourth", "radio")):
            self.names[name] = self.api.call("POST", "/workers", {"tags": [tag, "file"], "labels": ["room1"], "groups": [], "lifetime": None},
                                             self.token)["worker_id"]

    def grow_old(self) -> str:
        """Every file was uploaded two hours earlier than it was."""
        with contextlib.closing(sqlite3.connect(self.coordinator.data / "mitosis.db", timeout=20)) as database, database:
            for table in ("attachments", "artifacts"):
                database.execute(f"UPDATE {table} SET updated_at = updated_at - 7200000000")
        return f"({LATER})\n\n"

    def run(self, line: str) -> str:
        """The line with what it printed."""
        if line == LATER:
            return self.grow_old()
        user, _, rest = line.partition(": ")
        user, line = (user, rest) if user in ("alice", "-") else ("mitosis_admin", line)
        words = shlex.split(re.sub(r"\{(\w+)\}", lambda name: self.names[name[1]], line))
        if user == "-":
            result = self.tools.run("client", "-c", self.coordinator.url, "--credential-path", self.directory / "none", *words, cwd=self.directory)
        else:
            password = {"alice": "alice-pw"}.get(user, user)
            result = self.tools.client(self.coordinator.url, "--credential-path", self.directory / f"of-{user}", *words, user=user, password=password,
                                       cwd=self.directory)
        errors = "".join(f"stderr| {text}\n" for text in result.stderr.splitlines())
        shown = re.sub(r"\{(\w+)\}", lambda name: self.names[name[1]], line)
        return self.normal(f"{user.replace('mitosis_admin', '').replace('-', 'nobody')}$ mito client {shown}\n{result.stdout}{errors}[exit {result.returncode}]\n\n")

    def normal(self, text: str) -> str:
        def uuid(match):
            if match[0] == NOBODY:
                return match[0]
            if match[0] not in self.uuids:
                self.uuids.append(match[0])
            return f"<uuid-{self.uuids.index(match[0]) + 1}>"
        text = re.sub(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", uuid, text)
        text = text.replace(self.coordinator.url, "<coordinator>").replace(f"127.0.0.1:{self.coordinator.port}", "<coordinator>")
        text = text.replace(str(self.tools.directory), "<directory>")
        text = re.sub(rf"\b{(self.directory / 'local.tar.gz').stat().st_size}(?=B|\}})", "<size>", text)
        text = re.sub(r"(folder\.tar\.gz +)\d+ B", r"\1<size>", text)
        text = re.sub(r"\d{4}-\d\d-\d\d \d\d?:\d\d:\d\d(?:\.\d+)?(?: \+00:00:00| UTC)?", "<time>", text)
        text = re.sub(r"^\d\d:\d\d:\d\d  ", "<time>  ", text, flags=re.M)
        text = re.sub(r"just now|in \d+s\b|\b\d+[smh] ago", "<ago>", text)
        text = re.sub(r"\b\d+(?:\.\d+)?m?s after it was created", "<span> after it was created", text)
        return re.sub(r"(?<=\S) {2,}", "  ", text)


@pytest.fixture
def stage(tools):
    return Stage(tools)


def expected(name: str, text: str) -> str:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("MITO_ACCEPT"):
        path.write_text(text)
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_printed(stage, name):
    stage.change_password()
    if name in ("tasks", "artifacts"):
        stage.tasks()
    if name == "workers":
        stage.workers()
    text = "".join(stage.run(line.strip()) for line in SCRIPTS[name].strip().splitlines())
    assert text == expected(name, text), "run with MITO_ACCEPT=1 to accept, then read the difference"


def help_of(tools, words: list[str]) -> str:
    result = tools.run("client", *words, "--help")
    assert result.returncode == 0 and result.stderr == "", (words, result.stderr)
    return result.stdout


def all_commands(tools, words: list[str] = ()) -> list[list[str]]:
    """The words of every command that help lists."""
    listed = help_of(tools, list(words)).partition("\nCommands:\n")[2].partition("\n\n")[0]
    found = []
    for name in re.findall(r"^  (\S+)", listed, flags=re.M):
        if name != "help":
            found += all_commands(tools, [*words, name])
    return found or [list(words)]


def test_help_of_every_command(tools):
    commands = all_commands(tools)
    text = help_of(tools, [])
    for words in commands:
        whole = help_of(tools, words)
        text += f"----- {' '.join(words)}\n\n" + whole.partition("\nOptions of every command:\n")[0] + "\n"
    assert text == expected("help", text), "run with MITO_ACCEPT=1 to accept, then read the difference"


def test_every_command_is_shown_on_success_and_on_failure(tools):
    text = "".join((GOLDEN / f"{name}.txt").read_text() for name in SCRIPTS)
    blocks = re.findall(r"^\w*\$ mito client (.*)\n(?:.*\n)*?\[exit (\d+)\]$", text, flags=re.M)
    for words in all_commands(tools):
        name = " ".join(words)
        codes = {code for line, code in blocks if re.search(rf"(?:^|\s){re.escape(name)}(?:\s|$)", line)}
        assert "0" in codes, f"{name} is not shown on success"
        assert codes - {"0"}, f"{name} is not shown on failure"
