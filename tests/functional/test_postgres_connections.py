"""Every way to name a PostgreSQL database and to reach it: TLS, key=value texts, sockets, services, libpq's environment; and no password in any log."""
from __future__ import annotations

import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import pytest

from postgres_server import MISSING, PostgresServer, find_programs, free_port, postgres_server  # noqa: F401 (a fixture)
from test_postgres import run_check


def openssl(*arguments, directory: pathlib.Path) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=directory, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def make_authority(directory: pathlib.Path, name: str) -> pathlib.Path:
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem", directory=directory)
    return directory / f"{name}.pem"


class TlsServer(PostgresServer):
    """Takes TLS connections only; its certificate is for `localhost`, by the authority `ca.pem`."""

    def __init__(self):
        self.secrets = pathlib.Path(tempfile.mkdtemp(prefix="mito-tls-"))
        self.ca, self.other_ca = make_authority(self.secrets, "ca"), make_authority(self.secrets, "other")
        (self.secrets / "names").write_text("subjectAltName=DNS:localhost\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr", directory=self.secrets)
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "server.pem",
                directory=self.secrets)
        if os.geteuid() == 0:  # The server refuses a key that is another user's.
            user = pwd.getpwnam("postgres")
            for path in (self.secrets, *self.secrets.iterdir()):
                os.chown(path, user.pw_uid, user.pw_gid)
            self.secrets.chmod(0o755)
        (self.secrets / "server.key").chmod(0o600)
        super().__init__(ssl="on", ssl_cert_file=str(self.secrets / "server.pem"), ssl_key_file=str(self.secrets / "server.key"))
        rules = self.data / "pg_hba.conf"
        rules.write_text("local all all trust\nhostssl all all all scram-sha-256\n")
        self.psql("SELECT pg_reload_conf()")

    def remove(self) -> None:
        super().remove()
        shutil.rmtree(self.secrets, ignore_errors=True)


@pytest.fixture(scope="module")
def tls_server():
    if not find_programs():
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    server = TlsServer()
    yield server
    server.remove()


def refusal(tools, database: str, **environment) -> str:
    """What --check and a start say of a database that cannot be used."""
    checked = tools.run("coordinator", "--check", "--data-dir", tools.directory / "data", "--db", database, extra=environment)
    started = tools.run("coordinator", "--bind", "127.0.0.1:0", "--data-dir", tools.directory / "data", "--db", database, extra={"RUST_LOG": "trace", **environment})
    assert checked.returncode == 1 and started.returncode != 0, checked.stdout + started.stdout
    return "\n".join([checked.stdout, checked.stderr, started.stdout, started.stderr])


# -- TLS -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_tls_as_libpq_has_it(tools, tls_server, mode):
    url = tls_server.new_url().replace("127.0.0.1", "localhost") + f"?hostaddr=127.0.0.1&sslmode={mode}"
    if mode != "require":
        url += f"&sslrootcert={tls_server.ca}"
    assert run_check(tools, "--db", url).returncode == 0
    coordinator = tools.coordinator("--db", url)
    token = coordinator.api.login()
    coordinator.api.submit(token, ["true"])
    name = url.split("?")[0].rsplit("/", 1)[1]
    sessions = tls_server.psql(f"SELECT count(*), bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = '{name}'")
    count, encrypted = sessions.split("|")
    assert int(count) >= 3 and encrypted == "t", "the writer, the turn and the readers"


def test_a_server_that_cannot_be_trusted_is_refused(tools, tls_server):
    url = tls_server.new_url().replace("127.0.0.1", "localhost") + "?hostaddr=127.0.0.1"
    told = refusal(tools, f"{url}&sslmode=verify-full&sslrootcert={tls_server.other_ca}")
    assert told.count("No TLS connection") == 2 and "certificate verify failed" in told and "sslrootcert" in told
    told = refusal(tools, url.replace("localhost", "elsewhere") + f"&sslmode=verify-full&sslrootcert={tls_server.ca}")
    assert "No TLS connection" in told and "does not match host name" in told
    told = refusal(tools, f"{url}&sslmode=verify-full&sslrootcert={tools.directory}/missing.pem")
    assert "missing.pem" in told and "does not exist" in told
    told = refusal(tools, f"{url}&sslmode=disable")
    assert "pg_hba.conf" in told and "sslmode" in told


def test_tls_that_the_server_does_not_have(tools, postgres_server):  # noqa: F811
    told = refusal(tools, postgres_server.new_url() + "?sslmode=require")
    assert "No TLS connection" in told and "server does not support SSL" in told


# -- ways to name it -------------------------------------------------------------------------------------

def ways(server, name: str, directory: pathlib.Path) -> dict[str, tuple[str, dict]]:
    """(--db, environment) by what they try."""
    service = directory / "services.conf"
    service.write_text(f"[mitosis]\nhost={server.directory}\nport={server.port}\ndbname={name}\nuser={name}\napplication_name=by_service\n")
    passwords = directory / "pgpass"
    passwords.write_text(f"127.0.0.1:{server.port}:*:{name}:{name}\n")
    passwords.chmod(0o600)
    here = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port)}
    return {
        "key=value": (f"host=127.0.0.1 port={server.port} dbname={name} user={name} password='{name}' connect_timeout=7", {}),
        "blanks around the sign": (f"dbname = {name} host = 127.0.0.1 port = {server.port} user = {name} password = {name}", {}),
        "a socket": (f"host={server.directory} port={server.port} dbname={name} user={name}", {}),
        "a socket in a URL": (f"postgresql://{name}@/{name}?host={server.directory}&port={server.port}", {}),
        "several hosts": (f"postgres://{name}:{name}@127.0.0.1:{free_port()},127.0.0.1:{server.port}/{name}?target_session_attrs=read-write", {}),
        "a service": ("service=mitosis", {"PGSERVICEFILE": str(service)}),
        "a service of the environment": ("postgresql:///", {"PGSERVICEFILE": str(service), "PGSERVICE": "mitosis"}),
        "the environment": (f"dbname={name}", {**here, "PGUSER": name, "PGPASSWORD": name, "PGAPPNAME": "by_environment"}),
        "the environment alone": ("postgres:///", {**here, "PGUSER": name, "PGPASSWORD": name, "PGDATABASE": name}),
        "a password file": (f"user={name} dbname={name}", {**here, "PGPASSFILE": str(passwords)}),
    }


def test_every_way_to_name_the_database(tools, postgres_server):  # noqa: F811
    name = postgres_server.new_database()
    for what, (database, environment) in ways(postgres_server, name, tools.directory).items():
        checked = tools.run("coordinator", "--check", "--data-dir", tools.directory / "data", "--db", database, extra=environment)
        assert checked.returncode == 0, f"{what}: {checked.stdout}{checked.stderr}"
        assert f"{name} at " in checked.stdout and f"as {name}" in checked.stdout, f"{what}: {checked.stdout}"


@pytest.mark.parametrize("what, application", [("a socket", "mitosis"), ("a service", "by_service"), ("the environment", "by_environment")])
def test_a_coordinator_on_such_a_database(tools, postgres_server, what, application):  # noqa: F811
    name = postgres_server.new_database()
    database, environment = ways(postgres_server, name, tools.directory)[what]
    coordinator = tools.coordinator(extra={**environment, "MITO_DB_URL": database})
    token = coordinator.api.login()
    tools.worker(coordinator.url)
    coordinator.api.wait_for_result(token, coordinator.api.submit(token, ["true"]))
    assert postgres_server.psql(f"SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = '{name}'") == application
    coordinator.stop()
    (tools.directory / "config.toml").write_text(f'[coordinator]\ndb_url = "{database}"\n')
    again = tools.coordinator("--config", tools.directory / "config.toml", extra=environment)
    assert len(again.api.call("POST", "/tasks/query", {"count": False}, token)["tasks"]) == 1


# -- secrets ---------------------------------------------------------------------------------------------

SECRET = "hunter2-of-the-database"


@pytest.mark.parametrize("database", [
    "postgres://role:{secret}@[::1/database", "postgres://role:{secret}@127.0.0.1:{port}/database", "postgres://role:{secret}@127.0.0.1:x/database",
    "postgres://role:{secret}@127.0.0.1/database?nonsense=1", "postgres://role:%zz{secret}@127.0.0.1/database",
    "host=127.0.0.1 port={port} password={secret}", "host=127.0.0.1 password={secret} {secret}", "hots=127.0.0.1 password={secret}", "host=127.0.0.1 password='{secret}",
    "mysql://role:{secret}@127.0.0.1/database", "service=none password={secret}", "host=127.0.0.1 sslmode=bogus password={secret}"])
def test_no_password_in_what_is_said_of_a_wrong_database(tools, database):
    arguments = ["--data-dir", tools.directory / "data", "--db", database.format(secret=SECRET, port=free_port())]
    for command in (["--check"], ["--bind", "127.0.0.1:0"]):
        done = tools.run("coordinator", *command, *arguments, extra={"RUST_LOG": "trace", "PGSERVICEFILE": "/nonexistent"})
        assert done.returncode != 0
        said = done.stdout + done.stderr
        assert len(said.strip()) > 30 and SECRET not in said and "hunter2" not in said, said


def test_no_password_in_the_log_of_a_coordinator(tools, postgres_server):  # noqa: F811
    name = postgres_server.new_database()
    postgres_server.psql(f"ALTER ROLE {name} PASSWORD '{SECRET}'")
    coordinator = tools.coordinator("--db", f"host=127.0.0.1 port={postgres_server.port} dbname={name} user={name} password={SECRET}", extra={"RUST_LOG": "trace"})
    coordinator.api.submit(coordinator.api.login(), ["true"])
    # Its sessions end, and it says so.
    postgres_server.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    coordinator.api.login()
    coordinator.stop()
    assert f"{name} at 127.0.0.1:{postgres_server.port} as {name}" in coordinator.output()
    assert SECRET not in coordinator.output()
