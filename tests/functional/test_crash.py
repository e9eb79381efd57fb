"""`kill -9` of the coordinator at random moments of a load: no acknowledged task is lost, no result is recorded twice.

Here a few kills in a few seconds. The whole trial, 100 kills in ten minutes:

    MITO_CRASH_KILLS=100 MITO_CRASH_SECONDS=600 script/pytest -s -k test_killed_at_random_moments

`-s` shows the figures; MITO_CRASH_SEED repeats the moments and the kinds of requests of a trial, not its races.
"""
from __future__ import annotations

import contextlib
import json
import os
import random
import sqlite3
import time
import uuid

from crash_load import Load, number_from_environment

FINISHED, CANCELLED = 3, 4
KILLS = int(number_from_environment("MITO_CRASH_KILLS", 8))
SECONDS = number_from_environment("MITO_CRASH_SECONDS", 14)
SEED = int(number_from_environment("MITO_CRASH_SEED", 0)) or random.randrange(1, 1_000_000)


def rows_of(path):
    """What is in the file, by task, and what else the file says about itself."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        rows = {str(uuid.UUID(bytes=row[0])): row[1:] for row in database.execute(
            "SELECT uuid, archived, state, result, reporter_uuid, task_id FROM tasks")}
        count = database.execute("SELECT count(*) FROM tasks").fetchone()[0]
        numbers = database.execute(
            "SELECT task_count, (SELECT count(DISTINCT task_id) FROM tasks WHERE group_id = groups.id),"
            " (SELECT max(task_id) FROM tasks WHERE group_id = groups.id) FROM groups WHERE group_name = 'mitosis_admin'").fetchone()
        sound = database.execute("PRAGMA integrity_check").fetchone()[0]
    assert sound == "ok"
    assert count == len(rows)
    return rows, numbers


def audit(load: Load, path) -> int:
    """Compares what was answered with what is stored; the number of tasks."""
    rows, (task_count, different, largest) = rows_of(path)
    assert task_count == different == largest == len(rows), "numbers have gaps or repeat"
    for user in load.users:
        for name, number in user.acknowledged.items():
            assert name in rows, f"the acknowledged task {name} is lost"
            assert rows[name][4] == number, f"task {name} has another number than was answered"
    told: dict[str, str] = {}
    for worker in load.workers:
        for name in worker.told:
            other = told.setdefault(name, worker.uuid)
            assert other == worker.uuid, f"task {name} was given to two workers"
        assert len(worker.told) == len(set(worker.told)), "a task was handed out again after its result was recorded"
        for name, (state, exit_status) in worker.reported.items():
            archived, stored_state, result, reporter, _ = rows[name]
            assert archived == 1 and stored_state == (FINISHED if state == "Finished" else CANCELLED), f"{name}: {rows[name]}"
            assert json.loads(result) == {"exit_status": exit_status, "msg": None}, f"another result of {name} is recorded"
            assert str(uuid.UUID(bytes=reporter)) == worker.uuid, f"another worker's result of {name} is recorded"
    not_over = [name for name, row in rows.items() if not row[0]]
    assert not not_over, f"{len(not_over)} tasks never ended, {not_over[0]} is in state {rows[not_over[0]][1]}"
    assert set(told) == set(rows), "a task ended without having been run"
    return len(rows)


def kill_while_it_starts(tools, port, data, moment):
    process = tools.start("coordinator", "--bind", f"127.0.0.1:{port}", "--data-dir", data, name="killed-at-start")
    time.sleep(moment)
    process.kill()


def test_killed_at_random_moments(tools):
    moments = random.Random(SEED)
    coordinator = tools.coordinator()
    load = Load(coordinator.port, coordinator.api.login(), seed=SEED)
    longest_start = 0.0
    kills = 0
    begin = time.monotonic()
    while kills < KILLS:
        left = SECONDS - (time.monotonic() - begin)
        time.sleep(moments.uniform(0, 2 * max(left, 0) / (KILLS - kills)))
        load.check()
        coordinator.kill()
        kills += 1
        if kills < KILLS and moments.random() < 0.2:
            kill_while_it_starts(tools, coordinator.port, coordinator.data, moments.uniform(0, 0.2))
            kills += 1
        started = time.monotonic()
        coordinator = tools.coordinator(port=coordinator.port, name=f"coordinator-after-{kills}")
        longest_start = max(longest_start, time.monotonic() - started)
    load.end()
    elapsed = time.monotonic() - begin
    path = coordinator.data / "mitosis.db"
    assert coordinator.stop() == 0
    tasks = audit(load, path)
    assert load.repeats > 0, "no request met a dead coordinator"
    print(f"\nseed {SEED}: {kills} kills in {elapsed:.0f} s; {tasks} tasks stored, {load.submitted} acknowledged, {load.ended} results, "
          f"{load.repeats} requests repeated; longest start {longest_start:.2f} s; none lost, none doubled")


def test_the_audit_notices_what_a_crash_must_not_do(tools):
    """Each promise broken by hand in the file: the audit says so."""
    coordinator = tools.coordinator()
    load = Load(coordinator.port, coordinator.api.login(), users=1, workers=2, seed=1)
    while load.ended < 20:
        load.check()
        time.sleep(0.01)
    load.end()
    path = coordinator.data / "mitosis.db"
    assert coordinator.stop() == 0
    audit(load, path)
    original = path.read_bytes()
    victim = "(SELECT min(id) FROM tasks)"
    for edit in (f"DELETE FROM tasks WHERE id = {victim}",
                 f"UPDATE tasks SET archived = 0 WHERE id = {victim}",
                 f"UPDATE tasks SET result = '{{\"exit_status\":-1,\"msg\":null}}' WHERE id = {victim}",
                 f"UPDATE tasks SET reporter_uuid = zeroblob(16) WHERE id = {victim}",
                 f"UPDATE tasks SET task_id = task_id + 1000000 WHERE id = {victim}"):
        path.write_bytes(original)
        for left_over in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.remove(f"{path}{left_over}")
        with contextlib.closing(sqlite3.connect(path)) as database:
            assert database.execute(edit).rowcount == 1
            database.commit()
        try:
            audit(load, path)
        except AssertionError:
            continue
        raise AssertionError(f"the audit does not notice: {edit}")
