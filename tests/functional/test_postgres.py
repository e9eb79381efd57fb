"""The coordinator on PostgreSQL: first start, what is missing and how to get it, and going back and forth between it and the original."""
from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import ROOT, Api, clean_environment, wait_until
from postgres_server import free_port, postgres_server  # noqa: F401 (a fixture)

ORIGINAL = os.environ.get("MITO_ORIGINAL", "")


def commands_in(text: str) -> list[str]:
    """The SQL that a message says to run."""
    return re.findall(r"^\s*((?:CREATE|GRANT|ALTER) .*;)\s*$", text, re.M)


def run_check(tools, *arguments):
    return tools.run("coordinator", "--check", "--data-dir", tools.directory / "data", *arguments)


@pytest.fixture
def database(postgres_server):
    return postgres_server.new_url()


def test_tasks_run_and_outlive_a_restart(tools, database):
    coordinator = tools.coordinator("--db", database)
    token = coordinator.api.login()
    worker = tools.worker(coordinator.url)
    uuid = coordinator.api.submit(token, ["echo", "hello"], terminal_output=True)
    assert coordinator.api.wait_for_result(token, uuid)["result"]["exit_status"] == 0
    worker.stop()
    waiting = coordinator.api.submit(token, ["true"])
    coordinator.stop()
    again = tools.coordinator("--db", database)
    assert again.api.call("GET", f"/tasks/{uuid}", token=token)["info"]["state"] == "Finished"
    tools.worker(again.url, name="second-worker")
    assert again.api.wait_for_result(token, waiting)["result"]["exit_status"] == 0
    assert "documented" not in again.output() and "original made this database" not in again.output()


def test_a_database_needs_no_other_scheme_than_libpq_knows(tools, postgres_server):
    name = postgres_server.new_database()
    socket = str(postgres_server.directory).replace("/", "%2F")
    url = f"postgresql:///{name}?host={socket}&port={postgres_server.port}&user={name}&application_name=over-the-socket&sslmode=prefer"
    coordinator = tools.coordinator("--db", url)
    coordinator.api.login()
    assert postgres_server.psql(f"SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = '{name}' AND application_name = 'over-the-socket'") == "t"


def test_guide_lines_then_what_the_check_says(tools, postgres_server):
    """The guide's psql lines leave out the right to create tables, which PostgreSQL 15 does not give to everybody."""
    name, role = f"guide_{os.getpid()}", f"username_{os.getpid()}"
    for line in (f"CREATE DATABASE {name};", f"CREATE USER {role} WITH PASSWORD 'password';", f"GRANT ALL PRIVILEGES ON DATABASE {name} TO {role};"):
        postgres_server.psql(line)
    url = postgres_server.url(name, role, "password")
    postgres_server.psql("REVOKE CREATE ON SCHEMA public FROM PUBLIC", name)  # As a new database of version 15 has it.
    checked = run_check(tools, "--db", url)
    assert checked.returncode == 1 and checked.stdout.startswith("WRONG"), checked.stdout + checked.stderr
    started = tools.run("coordinator", "--bind", "127.0.0.1:0", "--data-dir", tools.directory / "data", "--db", url)
    assert started.returncode != 0
    (sql,) = commands_in(checked.stdout)
    assert commands_in(started.stdout + started.stderr) == [sql]
    postgres_server.psql(sql, name)
    assert run_check(tools, "--db", url).returncode == 0
    tools.coordinator("--db", url).api.login()


def test_missing_database_and_role_are_answered_with_sql(tools, postgres_server):
    name = f"missing_{os.getpid()}"
    url = postgres_server.url(name, name, name)
    for _ in range(3):
        checked = run_check(tools, "--db", url)
        if checked.returncode == 0:
            break
        sql = commands_in(checked.stdout)
        assert sql, checked.stdout + checked.stderr
        for line in sql[:1]:
            postgres_server.psql(line.replace("<the password in the URL>", name))
    assert checked.returncode == 0, checked.stdout
    assert "made at the first start" in checked.stdout
    tools.coordinator("--db", url).api.login()
    assert "ok" in run_check(tools, "--db", url).stdout


def test_check_tells_what_does_not_belong_to_the_database(tools, database):
    coordinator = tools.coordinator("--db", database)
    keys = ["--access-token-private-path", coordinator.data / "private.pem", "--access-token-public-path", coordinator.data / "public.pem"]
    right = run_check(tools, "--db", database, *keys)
    assert right.returncode == 0 and f"keys: {coordinator.data / 'private.pem'}" in right.stdout, right.stdout
    wrong = run_check(tools, "--db", database)
    lines = wrong.stdout.splitlines()
    assert wrong.returncode == 1 and [line.split(":")[0].split() for line in lines if line.startswith(("ok", "WRONG"))] == [
        ["ok", "database"], ["WRONG", "keys"], ["ok", "objects"]], wrong.stdout
    assert "another key pair" in wrong.stdout
    moved = run_check(tools, "--db", database, *keys, "--s3", "http://127.0.0.1:9", "--s3-access-key", "key", "--s3-secret-key", "secret")
    assert moved.returncode == 1 and "in another store: data directory then" in moved.stdout and "--accept-object-store" in moved.stdout


def test_check_names_a_server_that_does_not_answer(tools):
    checked = run_check(tools, "--db", f"postgres://a:b@127.0.0.1:{free_port()}/c")
    assert checked.returncode == 1
    assert "cannot be reached" in checked.stdout and "127.0.0.1" in checked.stdout
    assert len(checked.stdout.strip().splitlines()[0]) > 20


def test_another_key_is_refused_with_the_remedy(tools, database):
    tools.coordinator("--db", database).stop()
    started = tools.run("coordinator", "--bind", "127.0.0.1:0", "--data-dir", tools.directory / "elsewhere", "--db", database)
    assert started.returncode != 0
    assert "another key pair" in started.stdout + started.stderr


# The original and we, on one database.

class Original:
    """A coordinator of the original, with an S3 server of its own."""

    def __init__(self, directory: pathlib.Path, database: str):
        self.directory, self.database = directory, database
        self.port, self.s3_port = free_port(), free_port()
        self.api = Api(self.port)
        objects = directory / "s3"
        objects.mkdir(exist_ok=True)
        rclone = shutil.which("rclone") or str(ROOT / ".venv" / "bin" / "rclone")
        with open(directory / "s3.log", "ab") as log:
            self._s3 = subprocess.Popen([rclone, "serve", "s3", "--auth-key", "mitosis_access,mitosis_secret", "--addr", f"127.0.0.1:{self.s3_port}", str(objects)],
                                        stdout=log, stderr=log)
        wait_until(self._s3_answers, 20, "the S3 server")
        self._process: subprocess.Popen | None = None

    def _s3_answers(self) -> bool:
        with contextlib.suppress(OSError):
            Api(self.s3_port).request("GET", "/", timeout=2)
            return True
        return False

    def start(self) -> "Original":
        with open(self.directory / "original.log", "ab") as log:
            self._process = subprocess.Popen([ORIGINAL, "coordinator", "--bind", f"127.0.0.1:{self.port}", "--db", self.database,
                                              "--s3", f"http://127.0.0.1:{self.s3_port}", "--s3-access-key", "mitosis_access", "--s3-secret-key", "mitosis_secret"],
                                             cwd=self.directory, env=clean_environment(self.directory), stdout=log, stderr=log)
        wait_until(lambda: self._process.poll() is not None or self._answers(), 60, "the original's start")
        assert self._process.poll() is None, self.log()
        return self

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.api.request("GET", "/health", timeout=2)[0] == 200
        return False

    def log(self) -> str:
        return (self.directory / "original.log").read_text(errors="replace")

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def end(self) -> None:
        self.stop()
        self._s3.kill()
        self._s3.wait()


@pytest.fixture
def original(tmp_path, database):
    if not pathlib.Path(ORIGINAL).is_file():
        pytest.skip("the original is not installed: name its program in MITO_ORIGINAL")
    for command in (["genpkey", "-algorithm", "ed25519", "-out", "private.pem"], ["pkey", "-in", "private.pem", "-pubout", "-out", "public.pem"]):
        subprocess.run(["openssl", *command], cwd=tmp_path, check=True, capture_output=True)
    original = Original(tmp_path, database)
    yield original
    original.end()


def drain_like_the_original(api: Api, token: str, count: int) -> list[str]:
    """What a worker of the original does with `count` tasks; the uuids in its order."""
    worker = api.call("POST", "/workers", {"tags": [], "labels": [], "groups": ["mitosis_admin"], "lifetime": None}, token)["token"]
    done: list[str] = []

    def next_task():
        return api.call("GET", "/workers/tasks", token=worker)

    for _ in range(count):
        task = wait_until(next_task, 30, "a task")
        api.call("POST", "/workers/tasks", {"id": task["id"], "op": "Finish"}, worker)
        api.call("POST", "/workers/tasks", {"id": task["id"], "op": {"Commit": {"exit_status": 0, "msg": None}}}, worker)
        done.append(task["uuid"])
    return done


def schema_of(dump: str) -> list[str]:
    """The statements of a dump without what is ours alone."""
    statements = []
    for statement in re.split(r";\n", "\n".join(line for line in dump.splitlines() if not line.startswith(("--", "\\")))):
        kept = [line.rstrip(",") for line in statement.strip().splitlines() if line.strip() and not re.match(r"\s+mito_", line)]
        if kept and not re.search(r"public\.mito_", statement):
            statements.append("\n".join(kept))
    return sorted(statements)


def test_our_schema_is_that_of_the_original(tools, original, postgres_server):
    original.start().stop()
    ours = postgres_server.new_url()
    tools.coordinator("--db", ours).stop()
    name = lambda url: url.rsplit("/", 1)[1]
    assert schema_of(postgres_server.dump_schema(name(ours))) == schema_of(postgres_server.dump_schema(name(original.database)))
    rows = "SELECT version FROM seaql_migrations ORDER BY version"
    assert postgres_server.psql(rows, name(ours)) == postgres_server.psql(rows, name(original.database))


OURS = ["DROP TABLE mito_schema, mito_writer, mito_facts, mito_workers, mito_task_details",
        "ALTER TABLE active_tasks DROP COLUMN mito_losses, DROP COLUMN mito_watch", "ALTER TABLE archived_tasks DROP COLUMN mito_losses, DROP COLUMN mito_watch"]
MIGRATIONS = [  # of the original, newest first, each with what takes it back
    ("m20251031_000001", ["DROP INDEX \"idx_archived_tasks-reporter_uuid\"", "ALTER TABLE archived_tasks DROP COLUMN reporter_uuid"]),
    ("m20250915_111689", [f"ALTER TABLE {table} DROP COLUMN upstream_task_uuid, DROP COLUMN downstream_task_uuid" for table in ("active_tasks", "archived_tasks")]),
    ("m20250911_025409", ["DROP INDEX \"idx_workers-tags_gin\", \"idx_active_tasks-tags_gin\""]),
    ("m20250910_205347", ["ALTER TABLE workers DROP COLUMN labels"]),
    ("m20250910_192001", ["DROP INDEX idx_groups_creator_id, idx_workers_creator_id, idx_workers_state_heartbeat, idx_group_worker_group_role, "
                          "idx_group_worker_worker_id, idx_attachments_group_id, idx_artifacts_task_id"]),
    ("m20240424_055034", []),  # makes the admin
]


def test_every_migration_state_of_the_original_is_brought_up_to_date(tools, postgres_server):
    """From the newest back to the first, with a user and a task that were there before."""
    def dump(name: str) -> list[str]:
        return schema_of(postgres_server.dump_schema(name))

    def take_back(name: str, statements: list[str]) -> None:
        for statement in statements:
            postgres_server.psql(statement, name)

    made = postgres_server.new_database()
    coordinator = tools.coordinator("--db", postgres_server.url(made, made, made))
    token = coordinator.api.login()
    waiting = coordinator.api.submit(token, ["true"])
    coordinator.stop()
    keys = ["--access-token-private-path", coordinator.data / "private.pem", "--access-token-public-path", coordinator.data / "public.pem"]
    newest, versions = dump(made), postgres_server.psql("SELECT version FROM seaql_migrations ORDER BY version", made)
    assert len(versions.split()) == len(MIGRATIONS) + 1
    take_back(made, OURS)
    for version, statements in [("none", []), *MIGRATIONS]:
        take_back(made, [*statements, f"DELETE FROM seaql_migrations WHERE version LIKE '{version}%'"])
        name = f"{made}_without_{version}"
        postgres_server.psql(f"CREATE DATABASE {name} TEMPLATE {made} OWNER {made}")
        url = postgres_server.url(name, made, made)
        checked = run_check(tools, "--db", url)
        assert checked.returncode == 0 and "made by the original; it is taken over at the first start" in checked.stdout, checked.stdout
        again = tools.coordinator("--db", url, *keys)
        assert "original made this database" in again.output()
        # Tokens count still, and what was queued is done.
        assert drain_like_the_original(again.api, token, 1) == [waiting], version
        assert again.api.call("GET", f"/tasks/{waiting}", token=token)["info"]["state"] == "Finished"
        again.stop()
        assert dump(name) == newest, version
        assert postgres_server.psql("SELECT version FROM seaql_migrations ORDER BY version", name) == versions


def test_a_database_goes_from_the_original_to_us_and_back(tools, original, database):
    original.start()
    token = original.api.login()
    original.api.call("POST", "/admin/users", {"username": "alice", "md5_password": list(range(16)), "admin": False}, token)
    old = [original.api.submit(token, ["true"], spec={"watch": None}) for _ in range(3)]
    assert drain_like_the_original(original.api, token, 1) == old[:1]
    original.stop()

    ours = tools.coordinator("--db", database, "--access-token-private-path", original.directory / "private.pem",
                             "--access-token-public-path", original.directory / "public.pem")
    assert "original made this database" in ours.output() and "strict" in ours.output()
    # Tokens and passwords go on to count.
    assert ours.api.call("GET", f"/tasks/{old[0]}", token=token)["info"]["state"] == "Finished"
    ours.api.call("POST", "/login", {"username": "alice", "md5_password": list(range(16)), "retain": True})
    new = [ours.api.submit(token, ["true"]) for _ in range(3)]
    assert drain_like_the_original(ours.api, token, 3) == [*old[1:], new[0]]
    ours.stop()

    original.start()
    last = original.api.submit(token, ["true"])
    assert sorted(drain_like_the_original(original.api, token, 3)) == sorted([*new[1:], last])
    for uuid in (*old, *new, last):
        info = original.api.call("GET", f"/tasks/{uuid}", token=token)["info"]
        assert info["state"] == "Finished" and info["result"]["exit_status"] == 0, info
    original.stop()

    again = tools.coordinator("--db", database, "--access-token-private-path", original.directory / "private.pem",
                              "--access-token-public-path", original.directory / "public.pem", name="again")
    assert again.api.call("GET", f"/tasks/{last}", token=token)["info"]["state"] == "Finished"
    assert drain_like_the_original(again.api, token, 0) == []


def test_the_original_opens_what_we_made(tools, original, database):
    keys = ["--access-token-private-path", original.directory / "private.pem", "--access-token-public-path", original.directory / "public.pem"]
    ours = tools.coordinator("--db", database, *keys)
    token = ours.api.login()
    left = [ours.api.submit(token, ["true"], priority=number) for number in range(3)]
    ours.stop()
    original.start()
    assert original.api.login()
    assert sorted(drain_like_the_original(original.api, token, 3)) == sorted(left)
