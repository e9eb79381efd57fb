"""A task that leaves a process of another user: the worker may not signal it, and can end it only through a cgroup."""
from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal

import pytest

from conftest import wait_until
from test_worker_isolation import cgroup_parent, needs_cgroup, needs_root

pytestmark = [needs_root, pytest.mark.skipif(shutil.which("setpriv") is None, reason="there is no setpriv here")]


@pytest.fixture
def delegated(unprivileged):
    """A cgroup that is the user's to divide."""
    place = cgroup_parent() / f"test-{os.getpid()}"
    place.mkdir()
    for name in ("", "cgroup.procs", "cgroup.subtree_control"):
        os.chown(place / name, unprivileged.account.pw_uid, unprivileged.account.pw_gid)
    yield place
    unprivileged.tools.end()
    place.rmdir()


def leave_a_process_of_root(unprivileged, fake) -> tuple[int, int]:
    """(the number of a task, the process it leaves). The means is a program with the set-user-ID bit, in a directory closed to others."""
    become = unprivileged.directory / "become"
    shutil.copy(shutil.which("setpriv"), become)
    become.chmod(0o4755)
    pid = unprivileged.directory / "pid"
    number = fake.submit(["sh", "-c", f"{become} --reuid=0 --regid=0 --clear-groups sleep 600 & "
                                      f"until grep -q sleep /proc/$!/comm && grep -q '^Uid:.0.0.0' /proc/$!/status; do :; done; echo $! > {pid}; echo out"],
                         terminal_output=True)
    wait_until(lambda: pid.exists() and pid.read_text().endswith("\n"), what="the process of root")
    return number, int(pid.read_text())


def test_what_could_not_be_ended_is_named(unprivileged, fake):
    if os.statvfs(unprivileged.directory).f_flag & os.ST_NOSUID:
        pytest.skip("set-user-ID programs do not work here")
    worker = unprivileged.worker(fake.url, "--kill-grace", "100ms")
    number, pid = leave_a_process_of_root(unprivileged, fake)
    try:
        result = fake.result(number, timeout=40)
        assert pathlib.Path(f"/proc/{pid}").exists()
        assert (result["state"], result["exit_status"], result["msg"]) == ("Finished", 0, None)
        assert fake.stdout(number) == "out\n"
        assert result["detail"]["notes"] == [f"processes could not be ended: sleep ({pid})"]
        after = fake.result(fake.submit(["true"]))
        assert after["exit_status"] == 0 and not after["detail"].get("notes"), "the slot goes on, and the next task is not blamed"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    fake.idle()
    assert worker.stop() == 0


@needs_cgroup
def test_processes_of_other_users_are_ended_in_a_delegated_cgroup(unprivileged, delegated, fake):
    if not (delegated / "cgroup.kill").exists():
        pytest.skip("the kernel has no cgroup.kill")
    worker = unprivileged.worker(fake.url, "--kill-grace", "100ms", before=f"echo $$ > {delegated}/cgroup.procs")
    number, pid = leave_a_process_of_root(unprivileged, fake)
    try:
        result = fake.result(number)
        assert not pathlib.Path(f"/proc/{pid}").exists()
        assert result["exit_status"] == 0 and result["detail"]["notes"] == [f"processes the command left behind were ended: sleep ({pid})"]
        assert fake.result(fake.submit(["true"]))["exit_status"] == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    fake.idle()
    assert worker.stop() == 0 and not list(delegated.glob("mito-*"))
