"""A real PostgreSQL server for tests, in a directory of its own: fixtures for pytest, and a program for other tests.

As a program (`postgres_server.py`) it starts a server, prints the superuser's URL in one line, and stops the server when its standard input ends."""
from __future__ import annotations

import contextlib
import glob
import itertools
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time

try:
    import pytest
except ModuleNotFoundError:  # As a program it needs the standard library alone.
    pytest = None

MISSING = "PostgreSQL's server programs are missing: run script/bootstrap --test"
PASSWORD = "superuser's password"
_numbers = itertools.count(1)


def find_programs() -> pathlib.Path | None:
    """The folder with initdb and postgres, of the newest version that is installed."""
    def version(folder: pathlib.Path) -> int:
        digits = "".join(filter(str.isdigit, folder.parent.name))
        return int(digits) if digits else 0

    found = [pathlib.Path(name).parent for pattern in ("/usr/lib/postgresql/*/bin/initdb", "/usr/pgsql-*/bin/initdb") for name in glob.glob(pattern)]
    on_path = shutil.which("initdb")
    if on_path:
        found.append(pathlib.Path(on_path).resolve().parent)
    found = [folder for folder in found if (folder / "postgres").exists()]
    return max(found, key=version, default=None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class PostgresServer:
    """One server on a free port of loopback and a Unix socket. The superuser is `postgres`; over TCP passwords are asked for."""

    def __init__(self, **settings):
        self.programs = find_programs()
        assert self.programs, MISSING
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="mito-postgres-"))
        self.data = self.directory / "data"
        self.port = free_port()
        self.settings = {"fsync": "off", "full_page_writes": "off", "max_connections": "100", "autovacuum": "off", **settings}
        self._process: subprocess.Popen | None = None
        # The server refuses to run as root.
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
            self._as_user = ["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups", "--pdeathsig", "INT", "--"]
        password_file = self.directory / "password"
        password_file.write_text(PASSWORD + "\n")
        password_file.chmod(0o644)
        self._run("initdb", "-D", self.data, "-U", "postgres", "-N", "-E", "UTF8", "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=scram-sha-256",
                  "--pwfile", password_file)
        self.start()

    def _run(self, program: str, *arguments) -> None:
        done = subprocess.run([*self._as_user, str(self.programs / program), *map(str, arguments)], cwd=self.directory, text=True, capture_output=True)
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    def start(self) -> None:
        options = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
        with open(self.directory / "log", "ab") as log:
            self._process = subprocess.Popen([*self._as_user, str(self.programs / "postgres"), "-D", str(self.data), "-p", str(self.port), "-k", str(self.directory),
                                              "-c", "listen_addresses=127.0.0.1", *options], cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while subprocess.run([str(self.programs / "pg_isready"), "-q", "-h", str(self.directory), "-p", str(self.port)]).returncode != 0:
            assert self._process.poll() is None and time.monotonic() < deadline, f"PostgreSQL did not start:\n{self.log()}"
            time.sleep(0.05)

    def stop(self, how: str = "fast") -> None:
        """`fast` ends all sessions, `immediate` as after a crash."""
        if self._process and self._process.poll() is None:
            self._run("pg_ctl", "stop", "-D", self.data, "-m", how)
            self._process.wait(30)

    def remove(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")

    def url(self, database: str = "postgres", role: str = "postgres", password: str = PASSWORD, port: int | None = None) -> str:
        return f"postgres://{role}:{password.replace(' ', '%20')}@127.0.0.1:{port or self.port}/{database}"

    def psql(self, sql: str, database: str = "postgres", url: str | None = None) -> str:
        """What `psql -c` prints, unaligned and without headers."""
        where = [url] if url else ["-h", str(self.directory), "-p", str(self.port), "-U", "postgres", "-d", database]
        done = subprocess.run([str(self.programs / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *where, "-c", sql], text=True, capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def dump_schema(self, database: str) -> str:
        done = subprocess.run([str(self.programs / "pg_dump"), "--schema-only", "--no-owner", "--no-privileges", "-h", str(self.directory), "-p", str(self.port),
                               "-U", "postgres", database], text=True, capture_output=True, check=True)
        return done.stdout

    def new_database(self) -> str:
        """The name of a new database, which a role of the same name and password owns."""
        name = f"mitosis_{os.getpid()}_{next(_numbers)}"
        self.psql(f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
        self.psql(f"CREATE DATABASE {name} OWNER {name}")
        return name

    def new_url(self) -> str:
        """The URL of a new database, for its owner."""
        name = self.new_database()
        return self.url(name, name, name)


if pytest is not None:
    @pytest.fixture(scope="session")
    def postgres_server():
        """One server for all tests."""
        if not find_programs():
            if os.environ.get("CI"):
                pytest.fail(MISSING)
            pytest.skip(MISSING)
        server = PostgresServer()
        yield server
        server.remove()

    @pytest.fixture
    def own_postgres_server():
        """A server that the test may stop and kill."""
        if not find_programs():
            if os.environ.get("CI"):
                pytest.fail(MISSING)
            pytest.skip(MISSING)
        server = PostgresServer()
        yield server
        server.remove()


def main() -> None:
    if not find_programs():
        print(MISSING, file=sys.stderr)
        raise SystemExit(3)
    server = PostgresServer()
    try:
        print(server.url(), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            sys.stdin.read()
    finally:
        server.remove()


if __name__ == "__main__":
    main()
