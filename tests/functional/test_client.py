"""The client's commands against a real coordinator: what they print, where, and with which exit code."""
from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import stat
import subprocess
import tarfile

import pytest

from conftest import BINARY, clean_environment, wait_until

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def client(tools, coordinator):
    """Runs `mito client …` as the admin; fails the test when the exit code is not the expected one."""
    def run(*arguments, expect=0, **options):
        result = tools.client(coordinator.url, *arguments, **options)
        assert result.returncode == expect, (arguments, result.returncode, result.stdout, result.stderr)
        return result
    return run


@pytest.fixture
def worker(tools, coordinator):
    return tools.worker(coordinator.url)


def submit(client, *arguments, **options):
    """UUID of a new task."""
    return client("-q", "tasks", "submit", *arguments, **options).stdout.strip()


# --- login and credentials


def test_login_keeps_a_private_credential_file(tools, coordinator, client, tmp_path):
    path = tmp_path / "config" / "mitosis" / "credentials"
    result = client("auth")
    assert result.stdout == "Currently logged in as mitosis_admin\n" and result.stderr == ""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    name, token = path.read_text().split(":", 1)
    assert name == "mitosis_admin" and coordinator.api.call("GET", "/auth", token=token) == "mitosis_admin"
    # The token is enough from now on, and wins over a wrong password.
    assert tools.run("client", "-c", coordinator.url, "auth").stdout == "Currently logged in as mitosis_admin\n"
    assert client("-p", "ignored", "auth").stdout == "Currently logged in as mitosis_admin\n"
    assert path.read_text() == f"{name}:{token}"


def test_login_adds_a_user_and_keeps_other_sessions(tools, coordinator, client, tmp_path):
    client("admin", "users", "create", "bob", "bob-pw")
    credentials = tmp_path / "config" / "mitosis" / "credentials"
    before = credentials.read_text()
    result = client("login", "bob", "bob-pw", "--retain")
    assert result.stdout == "Successfully logged in as bob\n"
    assert credentials.read_text().startswith(before + "\nbob:")
    assert tools.run("client", "-c", coordinator.url, "auth").stdout == "Currently logged in as mitosis_admin\n"
    assert tools.run("client", "-c", coordinator.url, "-u", "bob", "auth").stdout == "Currently logged in as bob\n"

    first = credentials.read_text().split("bob:")[1]
    client("login", "bob", "bob-pw", "--credential-path", tmp_path / "other")
    assert coordinator.api.call("GET", "/auth", token=first) == "bob"
    client("login", "bob", "bob-pw", "--logout-others", "--credential-path", tmp_path / "other")
    assert coordinator.api.request("GET", "/auth", token=first)[0] == 401


def test_wrong_password(tools, coordinator, tmp_path):
    result = tools.client(coordinator.url, "auth", password="wrong")
    assert result.returncode == 3 and result.stdout == ""
    assert result.stderr.startswith("error: ") and "Wrong credentials" in result.stderr
    assert not (tmp_path / "config" / "mitosis" / "credentials").exists()


def test_nothing_is_asked_for_without_a_terminal(tools, coordinator):
    result = tools.run("client", "-c", coordinator.url, "auth", timeout=10)
    assert result.returncode == 3 and "the user name is missing" in result.stderr and "MITO_USER" in result.stderr
    result = tools.run("client", "-c", coordinator.url, "-u", "mitosis_admin", "auth", timeout=10)
    assert result.returncode == 3 and "the password is missing" in result.stderr
    result = tools.client(coordinator.url, "admin", "users", "create", "dave", timeout=10)
    assert result.returncode == 2 and "Password of new user" in result.stderr


def test_a_stale_token_leads_to_a_login(tools, coordinator, client, tmp_path):
    path = tmp_path / "config" / "mitosis" / "credentials"
    path.parent.mkdir(parents=True)
    path.write_text("someone:else\nmitosis_admin:rubbish")
    assert client("auth").stdout == "Currently logged in as mitosis_admin\n"
    lines = path.read_text().split("\n")
    assert lines[0] == "someone:else" and lines[1].startswith("mitosis_admin:") and len(lines) == 2 and "rubbish" not in lines[1]


def test_change_of_password(tools, coordinator, client):
    client("admin", "users", "create", "bob", "old")
    bob = dict(user="bob", password="old")
    assert tools.client(coordinator.url, "users", "change-password", "wrong", "new", **bob).returncode == 3
    assert tools.client(coordinator.url, "users", "change-password", "old", "new", **bob).stdout == "User password changed successfully\n"
    assert tools.client(coordinator.url, "auth", **bob).stdout == "Currently logged in as bob\n"  # the stored token is the new one
    assert coordinator.api.login("bob", "new")


def test_options_from_environment_and_file(tools, coordinator, tmp_path):
    variables = {"MITO_COORDINATOR_ADDR": coordinator.url, "MITO_USER": "mitosis_admin", "MITO_PASSWORD": "mitosis_admin"}
    assert tools.run("client", "auth", extra=variables).returncode == 0
    (tmp_path / "password").write_text("mitosis_admin\nmore\n")
    (tmp_path / "mine.toml").write_text(f'[client]\ncoordinator_addr = "{coordinator.url}"\nuser = "mitosis_admin"\n'
                                        'password_file = "password"\ncredential_path = "tokens"\n')
    assert tools.run("client", "--config", "mine.toml", "auth").returncode == 0
    assert (tmp_path / "tokens").exists()
    # Long forms may stand behind the command as well.
    assert tools.run("client", "auth", "--config", "mine.toml", "--format", "json").stdout == '{"msg":"Currently logged in as mitosis_admin"}\n'
    result = tools.run("client", "--config", "absent.toml", "auth")
    assert result.returncode == 2 and "absent.toml" in result.stderr
    (tmp_path / "bad.toml").write_text("[client]\nnot toml\n")
    result = tools.run("client", "--config", "bad.toml", "auth")
    assert result.returncode == 2 and "bad.toml" in result.stderr and "2" in result.stderr


def test_a_password_from_a_file(tools, coordinator, client, tmp_path):
    def run(path, *arguments):
        return tools.run("client", "-c", coordinator.url, "-u", "mitosis_admin", "--credential-path", tmp_path / "unused", "--password-file", path,
                         *arguments, "auth")
    for name, text in (("plain", "mitosis_admin"), ("line", "mitosis_admin\n"), ("windows", "mitosis_admin\r\n"), ("more", "mitosis_admin\nnot this\n")):
        (tmp_path / name).write_bytes(text.encode())
        result = run(name)
        assert (result.stdout, result.stderr) == ("Currently logged in as mitosis_admin\n", ""), name
        (tmp_path / "unused").unlink()
    # The password itself wins over the file, which is not even read then.
    assert run("absent", "--password", "mitosis_admin").returncode == 0
    (tmp_path / "unused").unlink()
    (tmp_path / "empty").write_text("")
    for name in ("empty", "absent"):
        result = run(name)
        assert result.returncode == 1 and name in result.stderr and not (tmp_path / "unused").exists(), result.stderr


def test_many_logins_at_once_keep_one_file_whole(tools, coordinator, client, tmp_path):
    """Several programs write the credential file side by side, while others read it."""
    users = [f"user{number}" for number in range(8)]
    for user in users:
        coordinator.api.call("POST", "/admin/users", {"username": user, "md5_password": list(hashlib.md5(user.encode()).digest()), "admin": False},
                             coordinator.api.login())
    folder = tmp_path / "config" / "mitosis"
    files = [folder / "credentials", folder / "credentials.coordinators"]
    variables = {"MITO_COORDINATOR_ADDR": coordinator.url}
    logins = [tools.start("client", "login", user, user, extra=variables, name=f"login-{user}") for user in users]
    seen: set[str] = set()
    while any(login.process.poll() is None for login in logins):
        for path in files:
            lines = path.read_text().split("\n") if path.exists() else []
            assert all(re.fullmatch(rf"({re.escape(coordinator.url)} )?user\d:[\w=-]{{100,}}", line) for line in lines), lines
            if path == files[0]:
                assert seen <= {line.split(":")[0] for line in lines}  # nothing that was there is lost
                seen = {line.split(":")[0] for line in lines}
    assert [login.process.returncode for login in logins] == [0] * len(users), [login.output() for login in logins]
    for path, key in zip(files, ("{}", coordinator.url + " {}")):
        tokens = dict(line.rsplit(":", 1) for line in path.read_text().split("\n"))
        assert set(tokens) == {key.format(user) for user in users} and stat.S_IMODE(path.stat().st_mode) == 0o600
        for user in users:
            assert coordinator.api.call("GET", "/auth", token=tokens[key.format(user)]) == user
    assert sorted(folder.iterdir()) == sorted([*files, *(path for path in folder.iterdir() if path.name.endswith(".lock"))])


def test_coordinator_that_is_not_there(tools):
    result = tools.client("http://127.0.0.1:1", "auth")
    assert result.returncode == 6 and "127.0.0.1:1" in result.stderr and "--coordinator" in result.stderr
    result = tools.client("ftp://127.0.0.1", "auth")
    assert result.returncode == 2 and "ftp://127.0.0.1" in result.stderr
    # An address may lack its scheme.
    assert tools.client("127.0.0.1:1", "auth").returncode == 6


# --- the command line itself


@pytest.mark.parametrize("arguments, code, text", [
    (["taks"], 2, "unrecognized subcommand 'taks' (did you mean 'tasks'?)"),
    (["tasks", "quer"], 2, "(did you mean 'query'?)"),
    (["tasks"], 2, "Usage: mito client tasks <COMMAND>"),
    (["tasks", "get"], 2, "<UUID>\nUsage: mito client tasks get [OPTIONS] <UUID>\n"),
    (["tasks", "get", "nope"], 2, "found `n` at 1"),
    (["users", "groups", "extra"], 2, "unexpected argument 'extra' found"),
    (["tasks", "submit", "--tag", "x", "--", "true"], 2, "(did you mean '--tags'?)"),
    (["tasks", "submit", "-t", "x", "echo", "hi"], 2, "behind `--`"),
    (["tasks", "submit", "echo", "hi"], 2, "behind `--`"),
    (["tasks", "submit", "--timeout", "soon", "--", "true"], 2, "invalid value 'soon' for '--timeout <DURATION>'"),
    (["tasks", "submit", "-p", "99999999999", "--", "true"], 2, "2147483647"),
    (["tasks", "submit", "-e", "NOVALUE", "--", "true"], 2, "no `=` found in `NOVALUE`"),
    (["tasks", "submit", "--watch", "nocomma", "--", "true"], 2, "no `,` found in `nocomma`"),
    (["tasks", "query", "-s", "done"], 2, "possible values: pending, ready"),
    (["tasks", "artifacts", "download", NOBODY, "logs"], 2, "possible values: result, exec-log, std-log"),
    (["groups", "attachments", "download-many", "--concurrent", "0"], 2, "--concurrent"),
    (["tasks", "cancel-many", "-s", "running"], 2, "running cannot be cancelled"),
    (["tasks", "change", NOBODY], 2, "No change specified"),
    (["tasks", "submit-many", "-f", "absent.json"], 1, "absent.json"),
    (["groups", "attachments", "upload", "absent"], 1, "absent"),
    (["--format", "xml", "auth"], 2, "possible values: table, wide, json, yaml, name"),
])
def test_mistakes_are_named(client, arguments, code, text):
    result = client(*arguments, expect=code)
    assert text in result.stderr, result.stderr
    assert result.stdout == ""


def test_help_and_version(tools):
    version = tools.run("--version")
    assert version.returncode == 0 and re.match(r"mito \d+\.\d+\.\d+\ncommit: ", version.stdout)
    assert tools.run("client", "--version").stdout == version.stdout
    for arguments, text in ((["--help"], "coordinator"), (["help"], "worker"), (["client", "--help"], "Usage: mito client <COMMAND>"),
                            (["help", "client", "tasks"], "submit-many"), (["client", "help", "groups", "attachments"], "download-list"),
                            (["client", "tasks", "submit", "-h"], "--timeout <DURATION>"), (["client", "groups", "attachments", "-h"], "upload"),
                            (["coordinator", "--help"], "--bind <IP:PORT>"), (["worker", "--help"], "--tags [<TAG>...]"), (["dev", "--help"], "--data-dir")):
        result = tools.run(*arguments)
        assert result.returncode == 0 and text in result.stdout and result.stderr == "", (arguments, result)
    assert tools.run().returncode == 2
    result = tools.run("coordinatr")
    assert result.returncode == 2 and "did you mean 'coordinator'" in result.stderr
    result = tools.run("worker", "--nonsense")
    assert result.returncode == 2 and "'--nonsense'" in result.stderr


# --- users and groups


def test_groups_and_their_users(tools, coordinator, client):
    assert client("users", "groups").stdout == "Currently in 1 groups\nHave Admin access for group mitosis_admin\n"
    assert client("groups", "create", "lab").stdout == "Successfully created group\n"
    result = client("groups", "create", "lab", expect=5)
    assert "User or group with same name lab already exists" in result.stderr
    assert "Invalid group name" in client("groups", "create", "bad name", expect=5).stderr
    result = client("groups", "get", "nope", expect=4)
    assert "Group nope not found" in result.stderr and "hint: mito client users groups" in result.stderr
    shown = client("groups", "get", "lab").stdout
    assert re.search(r"^Group Name: +lab$", shown, re.M) and re.search(r"^mitosis_admin +Admin$", shown, re.M)
    assert json.loads(client("--format", "json", "groups", "get", "lab").stdout)["users_in_group"] == {"mitosis_admin": "Admin"}
    assert json.loads(client("--format", "json", "users", "groups").stdout)["groups"] == {"lab": "Admin", "mitosis_admin": "Admin"}


def test_a_group_may_be_called_like_a_command(client):
    for name in ("tasks", "get", "create"):
        client("groups", "create", name)
        assert re.search(rf"^Group Name: +{name}$", client("groups", "get", name).stdout, re.M)


def test_create_user(client):
    assert client("admin", "users", "create", "carol", "carol-pw").stdout == "Successfully created user\n"
    assert "already exists" in client("admin", "users", "create", "carol", "x", expect=5).stderr
    assert "Invalid username" in client("admin", "users", "create", "bad name", "x", expect=5).stderr


def test_permission_denied_is_exit_code_5(tools, coordinator, client):
    client("admin", "users", "create", "carol", "carol-pw")
    result = tools.client(coordinator.url, "admin", "users", "create", "x", "y", user="carol", password="carol-pw")
    assert result.returncode == 5 and "Permission denied" in result.stderr


# --- tasks


def test_submit_get_query_cancel(client):
    result = client("tasks", "submit", "-t", "no-worker-has-this", "-l", "mobile,video", "-e", "A=1,B=x=y", "--timeout", "1h 5s", "-p=-7", "--terminal",
                    "--", "echo", "a b", "[1,2]", "--help")
    match = re.fullmatch(rf"Task submitted with id 1 in group mitosis_admin and a global uuid ({UUID})\n", result.stdout)
    assert match and result.stderr == ""
    uuid = match.group(1)

    shown = client("tasks", "get", uuid).stdout
    for line in (f"Task UUID: +{uuid}", r"State: +ready \(waits for a worker\)", r"Command: +echo 'a b' '\[1,2\]' --help", "Environment: +B=x=y",
                 "Labels: +mobile, video", "Timeout: +1h 5s", "Priority: +-7", "Artifacts: +None"):
        assert re.search(f"^{line}$", shown, re.M), (line, shown)
    info = json.loads(client("--format", "json", "tasks", "get", uuid).stdout)["info"]
    assert info["uuid"] == uuid and info["spec"]["args"] == ["echo", "a b", "[1,2]", "--help"] and info["spec"]["envs"] == {"A": "1", "B": "x=y"}

    lines = client("tasks", "query", "-l", "mobile").stdout.splitlines()
    assert lines[0] == "Found 1 tasks in group mitosis_admin" and lines[1].split()[:3] == ["UUID", "NO.", "STATE"] and lines[2].startswith(uuid)
    assert client("-q", "tasks", "query", "-p", "<0", "-s", "ready", "pending").stdout == uuid + "\n"
    assert [task["uuid"] for task in json.loads(client("--format", "json", "tasks", "query").stdout)] == [uuid]
    assert f"Task UUID: " in client("tasks", "query", "-v").stdout
    assert client("tasks", "query", "--count").stdout == "Found 1 tasks in group mitosis_admin\n"
    empty = client("tasks", "query", "-l", "nothing")
    assert empty.stdout == "Found 0 tasks in group mitosis_admin\n" and "-g names another" in empty.stderr

    assert client("tasks", "cancel", uuid).stdout == "Task cancelled successfully\n"
    again = client("tasks", "cancel", uuid, expect=5)
    assert "cannot be cancelled: it is cancelled" in again.stderr
    unknown = client("tasks", "cancel", NOBODY, expect=4)
    assert NOBODY in unknown.stderr and "tasks query" in unknown.stderr
    assert client("tasks", "get", NOBODY, expect=4).stdout == ""


def test_unknown_group(client):
    assert "nope" in client("tasks", "submit", "-g", "nope", "--", "true", expect=4).stderr
    assert "nope" in client("tasks", "query", "-g", "nope", expect=5).stderr


def test_submit_many_from_array_and_lines(client, tmp_path):
    task = {"group_name": "mitosis_admin", "tags": ["none"], "labels": ["m"], "timeout": "10m", "priority": 0, "task_spec": {"args": ["true"]}}
    (tmp_path / "tasks.json").write_text(json.dumps([task, dict(task, group_name="nope"), task]))
    result = client("tasks", "submit-many", "-f", "tasks.json", expect=1)
    assert re.fullmatch(rf"(Task submitted with uuid {UUID}\n){{2}}Batch submission completed: 2 succeeded, 1 failed\n", result.stdout)
    assert "Task submission failed: " in result.stderr and "nope" in result.stderr and "task 2 of the list" in result.stderr
    lines = "\n".join(json.dumps(task) for _ in range(3)) + "\n\n"
    assert len(client("-q", "tasks", "submit-many", "-f", "-", stdin=lines).stdout.split()) == 3
    assert client("tasks", "query", "-l", "m", "--count").stdout.startswith("Found 5 tasks")
    (tmp_path / "part.json").write_text('[{"group_name":"g"}]')
    assert "tasks[0]" in client("tasks", "submit-many", "-f", "part.json", expect=2).stderr
    result = client("tasks", "submit-many", "-f", "-", expect=2, stdin=json.dumps(task) + "\n{\n")
    assert "standard input:2" in result.stderr
    assert client("tasks", "cancel-many", "-l", "m").stdout == "Cancelled 5 tasks in group mitosis_admin\n"


def test_many_tasks_are_sent_in_several_requests(client):
    task = {"group_name": "mitosis_admin", "tags": ["none"], "labels": [], "timeout": "10m", "priority": 0, "task_spec": {"args": ["x" * 3000]}}
    stdin = "\n".join(json.dumps(task) for _ in range(1100))  # over 3 MB, and over a thousand
    assert client("tasks", "submit-many", "-f", "-", stdin=stdin).stdout.endswith("Batch submission completed: 1100 succeeded, 0 failed\n")


def test_change_keeps_what_is_not_named(client):
    uuid = submit(client, "-t", "none", "-e", "A=1", "-r", "attachment=k:in/k", "--", "echo", "hello")
    assert client("tasks", "change", uuid, "--terminal", "-p", "3", "--", "echo", "world").stdout == "Task changed successfully\n"
    info = json.loads(client("--format", "json", "tasks", "get", uuid).stdout)["info"]
    assert info["priority"] == 3 and info["spec"]["args"] == ["echo", "world"] and info["spec"]["envs"] == {"A": "1"}
    assert info["spec"]["terminal_output"] and len(info["spec"]["resources"]) == 1 and info["timeout"] == 600
    assert client("tasks", "update-labels", uuid, "l1", "l2").stdout == "Task labels updated successfully\n"
    assert json.loads(client("--format", "json", "tasks", "get", uuid).stdout)["info"]["labels"] == ["l1", "l2"]


# --- waiting for tasks


def test_wait_prints_the_output_and_exits_alike(client, worker):
    result = client("tasks", "submit", "--wait", "--", "sh", "-c", "echo out; echo err >&2; exit 3", expect=3)
    assert result.stdout == "out\n"
    assert re.match(rf"Task submitted with id 1 in group mitosis_admin and a global uuid {UUID}\nerr\n", result.stderr)
    assert "failed (exit 3)" in result.stderr
    assert client("tasks", "submit", "--wait", "--", "sh", "-c", "kill -9 $$", expect=137).stderr.endswith("killed (SIGKILL)\n")
    assert "failed (exit 127)" in client("tasks", "submit", "--wait", "--", "no-such-command", expect=127).stderr
    result = client("tasks", "submit", "--wait", "--timeout", "1s", "--", "sleep", "60", expect=143)
    assert "timed out after 1s (--timeout)" in result.stderr


def test_wait_with_binary_output(client, worker, tools, coordinator):
    command = [BINARY, "client", "-c", coordinator.url, "-u", "mitosis_admin", "-p", "mitosis_admin", "tasks", "submit", "--wait", "--",
               "head", "-c", "3000000", "/dev/urandom"]
    result = subprocess.run(command, env=clean_environment(tools.directory), capture_output=True, timeout=60)
    assert result.returncode == 0 and len(result.stdout) == 3_000_000


def test_wait_in_json_is_the_task(client, worker):
    result = client("--format", "json", "tasks", "submit", "--wait", "--", "false", expect=1)
    task = json.loads(result.stdout)
    assert task["info"]["result"]["exit_status"] == 256 and task["artifacts"][0]["content_type"] == "std-log"


def test_ctrl_c_leaves_the_task_and_says_how_to_return(tools, coordinator, client):
    command = ["client", "-c", coordinator.url, "-u", "mitosis_admin", "-p", "mitosis_admin", "tasks", "submit", "--wait", "-t", "none", "--", "true"]
    waiting = tools.start(*command, name="waiting")
    uuid = waiting.wait_for_output(rf"global uuid ({UUID})").group(1)
    waiting.signal(signal.SIGINT)
    assert waiting.process.wait(10) == 130
    assert f"mito client tasks wait {uuid}" in waiting.output()
    assert "ready" in client("tasks", "get", uuid).stdout


def test_wait_outlives_a_restart_of_the_coordinator(tools, coordinator, client):
    command = ["client", "-c", coordinator.url, "-u", "mitosis_admin", "-p", "mitosis_admin", "tasks", "submit", "--wait", "-t", "none", "--", "true"]
    waiting = tools.start(*command, name="waiting")
    uuid = waiting.wait_for_output(rf"global uuid ({UUID})").group(1)
    assert coordinator.stop() == 0
    waiting.wait_for_output("trying on for a minute")
    tools.coordinator(port=coordinator.port)
    assert client("tasks", "cancel", uuid).stdout == "Task cancelled successfully\n"
    assert waiting.process.wait(20) == 1
    assert f"Task {uuid}: cancelled" in waiting.output()


def test_wait_and_logs_of_a_task(client, worker):
    uuid = submit(client, "--terminal", "--", "sh", "-c", "echo out; echo err >&2; exit 4")
    result = client("tasks", "wait", uuid, expect=4)
    assert result.stdout == f"Task {uuid} is over: failed (exit 4)\n"
    logs = client("tasks", "logs", uuid)
    assert (logs.stdout, logs.stderr) == ("out\n", "err\n")
    assert client("tasks", "logs", uuid, "--stderr").stdout == ""
    assert client("-q", "tasks", "query", "-e", "4").stdout == uuid + "\n"
    assert client("-q", "tasks", "query", "-e", "0").stdout == ""


# --- files


def test_artifacts(client, worker, tmp_path):
    uuid = submit(client, "--", "sh", "-c", "echo result > $MITO_RESULT_DIR/file; mkdir $MITO_RESULT_DIR/sub")
    client("tasks", "wait", uuid)
    assert re.search(r"^result.tar.gz +\d+ B", client("tasks", "get", uuid).stdout, re.M)
    size = (tmp_path / "result.tar.gz")
    result = client("tasks", "artifacts", "download", uuid, "result")
    assert result.stdout == f"Artifact of size {size.stat().st_size}B downloaded to result.tar.gz\n"
    with tarfile.open(size) as tar:
        assert tar.extractfile("result/file").read() == b"result\n"
    (tmp_path / "dir").mkdir()
    assert client("tasks", "artifacts", "download", uuid, "result", "-o", "dir").stdout.endswith("downloaded to dir/result.tar.gz\n")
    assert client("tasks", "artifacts", "download", uuid, "result", "-o", "x/y.tgz").stdout.endswith("downloaded to x/y.tgz\n")
    assert client("tasks", "artifacts", "download", uuid, "result", "--no-download").stdout.startswith("Artifact URL: http://")
    missing = client("tasks", "artifacts", "download", uuid, "std-log", expect=4)
    assert "std-log" in missing.stderr and "tasks get UUID" in missing.stderr
    assert sorted(path.name for path in tmp_path.glob(".*part")) == []
    many = client("tasks", "artifacts", "download-many", "result", "-o", "arts", "--concurrent", "3")
    assert many.stdout == f"Downloaded 1 artifacts\n  arts/{uuid}.tar.gz ({size.stat().st_size}B)\n"


def test_attachments(client, tmp_path):
    client("groups", "create", "lab")
    (tmp_path / "data.txt").write_text("0123456789")
    (tmp_path / "big.bin").write_bytes(os.urandom(3_000_000))
    upload = ("groups", "attachments", "upload")
    assert client(*upload, "data.txt").stdout == "Attachment uploaded successfully\n"
    assert client(*upload, "data.txt").stdout == "Attachment already exists on server, replaced it\n"
    client(*upload, "-g", "lab", "data.txt", "k1")
    client(*upload, "-g", "lab", "big.bin", "dir/")
    client(*upload, "-s", "data.txt", "lab/smart//a/../s t+ü.txt")
    (tmp_path / "folder").mkdir()
    assert "packed; its key is folder.tar.gz" in client(*upload, "folder").stderr
    assert "Invalid attachment key" in client(*upload, "data.txt", "../x", expect=5).stderr
    assert "Group nope not found" in client(*upload, "-g", "nope", "data.txt", expect=4).stderr

    query = client("groups", "attachments", "query", "-g", "lab").stdout.splitlines()
    assert query[0] == "Found 3 attachments in group lab" and query[1].split() == ["KEY", "SIZE", "CREATED", "UPDATED"]
    keys = set(client("-q", "groups", "attachments", "query", "-g", "lab").stdout.splitlines())
    assert keys == {"k1", "dir/big.bin", "smart/s t+ü.txt"}
    assert client("groups", "attachments", "query", "-g", "lab", "-k", "dir", "--count").stdout == "Found 1 attachments in group lab\n"
    assert json.loads(client("--format", "json", "groups", "attachments", "query", "-g", "lab", "-k", "dir").stdout)[0]["size"] == 3_000_000

    download = ("groups", "attachments", "download")
    assert client(*download, "-g", "lab", "dir/big.bin").stdout == "Attachment of size 3000000B downloaded to dir/big.bin\n"
    assert (tmp_path / "dir" / "big.bin").read_bytes() == (tmp_path / "big.bin").read_bytes()
    assert client(*download, "-s", "lab/smart/s t+ü.txt").stdout == "Attachment of size 10B downloaded to s t+ü.txt\n"
    # As the guides print it: the group in the key, without -s.
    assert client(*download, "lab/k1").stdout == "Attachment of size 10B downloaded to k1\n"
    assert client(*download, "-g", "lab", "k1", "-o", "sub/new.txt").stdout == "Attachment of size 10B downloaded to sub/new.txt\n"
    missing = client(*download, "-g", "lab", "nokey", expect=4)
    assert "Attachment of group lab and key nokey not found" in missing.stderr and "attachments query" in missing.stderr
    assert re.match(r"Attachment of size 10B, Created at .* and Updated at ", client("groups", "attachments", "get", "-g", "lab", "k1").stdout)
    listed = client("groups", "attachments", "download-list", "k1", "ghost", "-g", "lab", "-o", "l2")
    assert listed.stdout == "Downloaded 1 attachments\n  l2/k1 (10B)\n" and "1 of 2 keys are unknown" in listed.stderr


def test_an_empty_file_goes_up_and_down(client, tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    client("groups", "attachments", "upload", "empty")
    (tmp_path / "empty").unlink()
    assert client("groups", "attachments", "download", "empty").stdout == "Attachment of size 0B downloaded to empty\n"
    assert (tmp_path / "empty").read_bytes() == b""


def test_a_directory_that_cannot_be_written_leaves_nothing(client, tmp_path):
    (tmp_path / "data").write_text("x")
    client("groups", "attachments", "upload", "data")
    (tmp_path / "file").write_text("in the way")
    result = client("groups", "attachments", "download", "data", "-o", "file/below/data", expect=1)
    assert "file/below" in result.stderr


def test_a_full_output_is_an_error(tools, coordinator, client):
    client("auth")
    with open("/dev/full", "w", encoding="ascii") as full:
        result = subprocess.run([BINARY, "client", "-c", coordinator.url, "auth"], env=clean_environment(tools.directory), stdout=full,
                                stderr=subprocess.PIPE, text=True, timeout=30)
    assert result.returncode == 1 and "No space left" in result.stderr
    for arguments in (["client", "--help"], ["client", "tasks", "submit", "--help"], ["completion", "zsh"], ["--version"]):
        with open("/dev/full", "w", encoding="ascii") as full:
            result = subprocess.run([BINARY, *arguments], env=clean_environment(tools.directory), stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
        assert result.returncode == 1 and "cannot write to standard output" in result.stderr, arguments


# --- workers


def test_workers(client, worker):
    found = client("workers", "query").stdout.splitlines()
    assert found[0] == "Found 1 workers in group mitosis_admin" and found[1].startswith("UUID") and " idle " in found[2]
    uuid = client("-q", "workers", "query").stdout.strip()
    assert client("workers", "update-tags", uuid, "wired", "file").stdout == "Worker tags updated successfully\n"
    assert re.search(r"^Tags: +file, wired$", client("workers", "get", uuid).stdout, re.M)
    assert "not found" in client("workers", "get", NOBODY, expect=4).stderr
    assert client("workers", "cancel", uuid).stdout == "Worker cancelled successfully\n"
    wait_until(lambda: worker.process.poll() is not None, 20, "the end of the worker")


def test_cmd_runs_here(client):
    assert client("cmd", "--", "echo", "a  b", "|", "tr", "a", "x").stdout == "x b\n"
    client("cmd", "--", "exit", "7", expect=7)
    assert client("cmd").stdout == "" and client("quit").stdout == "" and client("exit").stdout == ""
