"""Faults under a load: nothing is lost or doubled, and workers of the original's kind live through each that lasts under 30 s."""
from __future__ import annotations

import os
import subprocess

import pytest

from conftest import wait_until
from original_worker import OriginalLoad, audit, rows_in_postgres, rows_in_sqlite
from postgres_server import own_postgres_server, postgres_server  # noqa: F401 (fixtures)
from redis_server import RedisServer
from redis_server import need as need_redis
from s3_server import own_s3_server  # noqa: F401 (a fixture)
from tcp_gate import Gate


@pytest.fixture
def gate(postgres_server):
    gate = Gate(postgres_server.port)
    yield gate
    gate.end()


def load_on(coordinator) -> OriginalLoad:
    return OriginalLoad(coordinator.port, coordinator.api.login())


def finish(load: OriginalLoad, server, name: str) -> None:
    load.run_until_ended(50)
    load.end()
    assert audit(load, rows_in_postgres(server, name)) > 100


def test_postgres_stops_and_starts(tools, own_postgres_server):
    server = own_postgres_server
    name = server.new_database()
    load = load_on(tools.coordinator("--db", server.url(name, name, name)))
    load.run_until_ended(50)
    for how, seconds in (("fast", 1.0), ("immediate", 3.0)):
        server.stop(how)
        load.run_for(seconds)
        server.start()
        load.run_until_ended(50)
    finish(load, server, name)


def test_a_stream_of_terminated_sessions(tools, postgres_server):
    name = postgres_server.new_database()
    load = load_on(tools.coordinator("--db", postgres_server.url(name, name, name)))
    load.run_until_ended(50)
    for _ in range(12):
        postgres_server.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        load.run_until_ended(10)
    finish(load, postgres_server, name)


def test_connections_cut_in_the_middle_of_a_commit(tools, postgres_server, gate):
    name = postgres_server.new_database()
    load = load_on(tools.coordinator("--db", postgres_server.url(name, name, name, gate.port)))
    load.run_until_ended(20)
    for number in range(10):
        # A connection names its statements once; the next one does so again.
        (gate.break_after if number % 2 else gate.break_before)(b"COMMIT")
        gate.cut()
        wait_until(lambda: gate.broken > number, 30, "the cut")
        load.run_until_ended(10)
    finish(load, postgres_server, name)


def test_a_network_that_refuses_and_stalls(tools, postgres_server, gate):
    name = postgres_server.new_database()
    load = load_on(tools.coordinator("--db", postgres_server.url(name, name, name, gate.port)))
    load.run_until_ended(20)
    gate.shut()
    load.run_for(2)
    gate.open()
    load.run_until_ended(20)
    gate.stall()
    load.run_for(3)
    gate.open()
    finish(load, postgres_server, name)


def test_s3_refuses_and_stalls(tools, postgres_server, own_s3_server):
    name = postgres_server.new_database()
    load = load_on(tools.coordinator("--db", postgres_server.url(name, name, name), *own_s3_server.arguments()))
    load.run_until_ended(50)
    own_s3_server.freeze()
    load.run_until_ended(50)
    own_s3_server.thaw()
    own_s3_server.kill()
    load.run_until_ended(50)
    own_s3_server.start()
    finish(load, postgres_server, name)


def test_redis_killed(tools, postgres_server):
    need_redis()
    redis = RedisServer()
    try:
        name = postgres_server.new_database()
        load = load_on(tools.coordinator("--db", postgres_server.url(name, name, name), "--redis", redis.url))
        load.run_until_ended(50)
        redis.freeze()
        load.run_until_ended(50)
        redis.thaw()
        redis.kill()
        load.run_until_ended(50)
        redis.start()  # Without its users.
        finish(load, postgres_server, name)
    finally:
        redis.remove()


def test_disk_of_sqlite_full(tools, tmp_path):
    """A small file system of its own, filled to the last byte and emptied again."""
    volume = tmp_path / "volume"
    volume.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(volume)], capture_output=True).returncode == 0
    if not mounted:
        pytest.skip("mounting a small file system needs root with the right to mount")
    try:
        coordinator = tools.coordinator("--db", f"sqlite:{volume / 'mitosis.db'}")
        load = load_on(coordinator)
        load.run_until_ended(50)
        filler = volume / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        wait_until(lambda: "away" in coordinator.output(), 20, "the full disk to be noticed")
        load.run_for(3)
        filler.unlink()
        load.run_until_ended(50)
        load.end()
        coordinator.stop()
        assert audit(load, rows_in_sqlite(volume / "mitosis.db")) > 100
    finally:
        try:
            tools.end()
        finally:
            subprocess.run(["umount", "-l", str(volume)], check=False)
