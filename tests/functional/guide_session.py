"""A shell session in which the blocks of one page run from top to bottom, as somebody who follows the page would type them."""
from __future__ import annotations

import contextlib
import os
import pathlib
import select
import signal
import subprocess
import time
import uuid

from conftest import BINARY, ROOT, clean_environment, wait_until

PATIENCE = 60.0  # seconds for one command


class SessionError(AssertionError):
    """A command did not come to its end."""


class Session:
    """bash in a fresh HOME, with `mito` on PATH. What it leaves running is ended with it."""

    def __init__(self, home: pathlib.Path, extra: dict):
        self.home = home
        self._mark = f"MITO_GUIDE_SESSION={uuid.uuid4()}"
        environment = clean_environment(home, extra)
        for name in [name for name in environment if name.startswith("XDG_")]:
            del environment[name]
        key, value = self._mark.split("=")
        environment.update({key: value, "PATH": f"{pathlib.Path(BINARY).resolve().parent}:{environment['PATH']}",
                            "PYTHONPATH": str(ROOT / "sdk" / "python"), "PYTHONDONTWRITEBYTECODE": "1"})
        self._told, tell = os.pipe()
        self._tell = tell
        self._scripts = home.parent / f"{home.name}-commands"
        self._scripts.mkdir()
        self._count = 0
        self._shell = subprocess.Popen(["bash", "--norc", "--noprofile"], cwd=home, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, pass_fds=(tell,), start_new_session=True)
        os.close(tell)

    def run(self, text: str) -> tuple[int, str]:
        """Exit code and output (both streams, as a terminal shows them) of one command, which may leave things running."""
        self._count += 1
        script, out = self._scripts / f"{self._count}.sh", self._scripts / f"{self._count}.out"
        script.write_text(text + "\n")
        line = f". '{script}' >>'{out}' 2>&1 </dev/null {self._tell}>&-; echo $? >&{self._tell}\n"
        self._shell.stdin.write(line.encode())
        self._shell.stdin.flush()
        code = self._next_code(text, out)
        return code, out.read_text(errors="replace")

    def _next_code(self, text: str, out: pathlib.Path) -> int:
        deadline = time.monotonic() + PATIENCE
        answer = b""
        while not answer.endswith(b"\n"):
            ready, _, _ = select.select([self._told], [], [], max(0.0, deadline - time.monotonic()))
            printed = out.read_text(errors="replace") if out.exists() else ""
            if not ready:
                raise SessionError(f"{text}\ndid not end within {PATIENCE:g} s; it printed:\n{printed}")
            piece = os.read(self._told, 64)
            if not piece:
                raise SessionError(f"{text}\nended the shell; it printed:\n{printed}")
            answer += piece
        return int(answer)

    def _left(self) -> list[int]:
        """Processes of this session that still run, known by their environment."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and self._mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
        return found

    def end(self) -> None:
        self._shell.stdin.close()
        for number, patience in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 15.0)):
            for pid in self._left():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            with contextlib.suppress(AssertionError):
                wait_until(lambda: self._shell.poll() is not None and not self._left(), patience, "the end of the session")
                break
        self._shell.wait(15)
        os.close(self._told)
