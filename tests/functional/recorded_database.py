"""Changes a running coordinator's SQLite file as the recorded scenarios need it: `age` or `lock <group>`."""
from __future__ import annotations

import pathlib
import sqlite3
import sys

TWO_HOURS = 2 * 3600 * 1_000_000


def main(database: str, action: str, *arguments: str) -> None:
    connection = sqlite3.connect(pathlib.Path(database), timeout=30)
    with connection:
        if action == "age":
            connection.execute("UPDATE attachments SET updated_at = updated_at - ?", (TWO_HOURS,))
            connection.execute("UPDATE artifacts SET updated_at = updated_at - ?", (TWO_HOURS,))
        elif action == "lock":
            changed = connection.execute("UPDATE groups SET state = 1 WHERE group_name = ?", arguments).rowcount
            assert changed == 1, arguments
        else:
            raise ValueError(action)
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
