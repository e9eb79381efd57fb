"""Changes the database of a running coordinator as the recorded scenarios need it: `age` or `lock <group>`.

The first argument names the database: the path of an SQLite file or a PostgreSQL URL."""
from __future__ import annotations

import pathlib
import re
import sqlite3
import subprocess
import sys

from postgres_server import find_programs

TWO_HOURS = 2 * 3600 * 1_000_000


def change_sqlite(path: str, action: str, arguments: tuple[str, ...]) -> None:
    connection = sqlite3.connect(pathlib.Path(path), timeout=30)
    with connection:
        if action == "age":
            connection.execute("UPDATE attachments SET updated_at = updated_at - ?", (TWO_HOURS,))
            connection.execute("UPDATE artifacts SET updated_at = updated_at - ?", (TWO_HOURS,))
        else:
            changed = connection.execute("UPDATE groups SET state = 1 WHERE group_name = ?", arguments).rowcount
            assert changed == 1, arguments
    connection.close()


def change_postgres(url: str, action: str, arguments: tuple[str, ...]) -> None:
    if action == "age":
        statements = [f"UPDATE {table} SET updated_at = updated_at - interval '2 hours'" for table in ("attachments", "artifacts")]
    else:
        (group,) = arguments
        assert re.fullmatch(r"[A-Za-z0-9_.-]+", group), group
        statements = [f"UPDATE groups SET state = 1 WHERE group_name = '{group}' RETURNING 1"]
    for statement in statements:
        done = subprocess.run([str(find_programs() / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", url, "-c", statement], text=True, capture_output=True, check=True)
        assert action == "age" or done.stdout.strip() == "1", arguments


def main(database: str, action: str, *arguments: str) -> None:
    if action not in ("age", "lock"):
        raise ValueError(action)
    change = change_postgres if database.startswith(("postgres://", "postgresql://")) else change_sqlite
    change(database, action, arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
