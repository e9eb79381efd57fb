"""The credential file that the command line, workers and SDKs of a user share: one `user:token` a line."""

from __future__ import annotations

import os
import pathlib
import sys
import tempfile
from typing import Optional


def default_path() -> pathlib.Path:
    """`mitosis/credentials` in the user's configuration directory."""
    if sys.platform == "darwin":
        base = pathlib.Path.home() / "Library" / "Application Support"
    elif sys.platform == "win32":
        base = pathlib.Path(os.environ.get("LOCALAPPDATA") or pathlib.Path.home() / "AppData" / "Local") / "mitosis"
    else:
        base = pathlib.Path(os.environ.get("XDG_CONFIG_HOME") or pathlib.Path.home() / ".config")
    return base / "mitosis" / "credentials"


def find(path: pathlib.Path, user: Optional[str]) -> Optional[tuple[str, str]]:
    """(user, token) of that user; of the first line when no user is named. None when there is no such line or file."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    for line in lines if user is not None else lines[:1]:
        name, colon, token = line.strip().partition(":")
        if colon and token and (user is None or name == user):
            return name, token
    return None


def store(path: pathlib.Path, user: str, token: str) -> None:
    """Replaces or appends the user's line. The file appears complete or not at all, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        lines = []
    entry = f"{user}:{token}"
    kept = [line.strip() for line in lines]
    places = [index for index, line in enumerate(kept) if line.startswith(f"{user}:")]
    if places:
        kept[places[0]] = entry
        kept = [line for index, line in enumerate(kept) if index not in places[1:]]
    else:
        kept.append(entry)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".credentials-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write("\n".join(kept))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
