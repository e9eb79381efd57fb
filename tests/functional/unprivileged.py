"""Programs that run as a user without rights, whoever runs the tests."""
from __future__ import annotations

import os
import pathlib
import pwd
import shutil
import tempfile

from conftest import BINARY, Tools


class Unprivileged:
    """A directory of the user `nobody` and what is started there as them. Without root's rights: the tests' own user."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="mito-test-", dir="/var/tmp"))
        self.tools = Tools(self.directory)
        self._changes_user = os.geteuid() == 0
        if self._changes_user:
            self.account = pwd.getpwnam("nobody")
            # The tree the program was built in may be closed to others.
            self._binary = shutil.copy(BINARY, self.directory / "mito")
            os.chown(self.directory, self.account.pw_uid, self.account.pw_gid)

    def launcher(self, before: str = ":") -> list:
        """For Process. `before` is done in a shell with the rights of the tests' user, in the process that becomes the program."""
        if not self._changes_user:
            return ["sh", "-c", f'{before}; exec "$@"', "sh"]
        change = f"setpriv --reuid={self.account.pw_uid} --regid={self.account.pw_gid} --clear-groups"
        return ["sh", "-c", f'{before}; shift; exec {change} -- "$0" "$@"', str(self._binary)]

    def worker(self, url: str, *arguments, before: str = ":", **options):
        return self.tools.worker(url, "--grace", "5s", *arguments, launcher=self.launcher(before), **options)

    def end(self) -> None:
        try:
            self.tools.end()
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)
