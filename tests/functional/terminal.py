"""A program on a pseudo-terminal of its own."""
from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

from conftest import BINARY


class Terminal:
    """`mito` (or another program) with the arguments, on a terminal."""

    def __init__(self, arguments, environment, directory, columns=80, program=BINARY):
        self.output = b""
        self.seen = 0
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execve(program, [os.path.basename(program), *map(str, arguments)], environment)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def expect(self, text, timeout=10.0):
        """Waits until the text was written, ever."""
        deadline = time.monotonic() + timeout
        while text.encode() not in self.output:
            assert self._read(deadline - time.monotonic()), f"{text!r} did not come, but {self.output!r}"

    def expect_next(self, text, timeout=10.0):
        """Waits until the text was written behind what the call before waited for; what stands between the two."""
        deadline = time.monotonic() + timeout
        while (at := self.output.find(text.encode(), self.seen)) < 0:
            assert self._read(deadline - time.monotonic()), f"{text!r} did not come, but {self.output[self.seen:]!r}"
        between = self.output[self.seen:at].decode(errors="replace")
        self.seen = at + len(text.encode())
        return between

    def wait_until_raw(self, timeout=10.0):
        """Until the program takes keys itself: an editor sets its terminal a moment after the prompt, and before, the kernel keeps Ctrl-R and the like."""
        deadline = time.monotonic() + timeout
        while termios.tcgetattr(self.master)[3] & termios.ICANON:
            assert time.monotonic() < deadline, f"the terminal was not set: {self.output[self.seen:]!r}"
            time.sleep(0.005)

    def send(self, text):
        os.write(self.master, text.encode())

    def wait(self, timeout=10.0):
        """The exit code; all that was written is in `output` then."""
        deadline = time.monotonic() + timeout
        while self._read(deadline - time.monotonic()):
            pass
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        while not ended:
            assert time.monotonic() < deadline, f"no end in time: {self.output!r}"
            time.sleep(0.02)
            ended, status = os.waitpid(self.pid, os.WNOHANG)
        os.close(self.master)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def end(self):
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self.master)

    def _read(self, timeout):
        assert timeout > 0, f"no end in time: {self.output!r}"
        ready, _, _ = select.select([self.master], [], [], timeout)
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # the other end is closed
            return False
        self.output += data
        return bool(data)
