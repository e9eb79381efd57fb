"""Where no cgroup of version 2 can be made: the supervisor of a slot, subreaper of all a task starts, ends everything alone."""
from __future__ import annotations

import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from conftest import wait_until
from test_worker_isolation import cgroup_parent, needs_root

# What a worker finds where the tree would be. Done in a mount namespace of its own.
PLACES = {
    "no tree": "for place in $(grep -- ' - cgroup2 ' /proc/self/mountinfo | cut -d' ' -f5); do umount -l $place; done",
    "read-only": "for place in $(grep -- ' - cgroup2 ' /proc/self/mountinfo | cut -d' ' -f5); do mount -o remount,bind,ro $place; done",
    "hidden": "for place in $(grep -- ' - cgroup2 ' /proc/self/mountinfo | cut -d' ' -f5); do mount -t tmpfs tmpfs $place; done",
}


def can_unshare() -> bool:
    return shutil.which("unshare") is not None and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


pytestmark = [needs_root, pytest.mark.skipif(os.geteuid() == 0 and not can_unshare(), reason="no mount namespace can be made here")]

# A daemon by two forks, one in a process group of its own, a child of the shell: all ignore SIGTERM and tell their numbers.
SPREAD = """
trap '' TERM
place=$PIDS
(setsid sh -c 'echo $$ > "$0/daemon"; sleep 600; :' "$place" &)
python3 -c 'import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.setpgid(0, 0)
open(sys.argv[1] + "/group", "w").write(f"{os.getpid()}\\n")
time.sleep(600)' "$place" &
(echo $(sh -c 'echo $PPID') > "$place/child"; sleep 600; :) &
until [ -s "$place/daemon" ] && [ -s "$place/group" ] && [ -s "$place/child" ]; do sleep 0.01; done
echo out
echo $$ > "$place/command"
"""


def start(tools, fake, place: str, *arguments):
    launcher = ["unshare", "-m", "sh", "-c", f'{PLACES[place]}; exec "$@"', "sh"]
    return tools.worker(fake.url, "--grace", "0s", "--kill-grace", "200ms", *arguments, launcher=launcher)


def submit(tools, fake, end: str, **fields) -> tuple[int, pathlib.Path]:
    place = tools.directory / f"pids-{end}"
    place.mkdir()
    last = {"by itself": "exit 3", "at its timeout": "sleep 600; :", "with its worker": "sleep 600; :"}[end]
    return fake.submit(["sh", "-c", SPREAD + last], envs={"PIDS": str(place)}, terminal_output=True, **fields), place


def pids(place: pathlib.Path) -> list[int]:
    return [int((place / name).read_text()) for name in ("command", "child", "group", "daemon")]


def started(place: pathlib.Path) -> list[int]:
    wait_until(lambda: (place / "command").exists() and (place / "command").read_text().endswith("\n"), what="the processes of the task")
    return pids(place)


def gone(numbers: list[int]) -> bool:
    return not [pid for pid in numbers if pathlib.Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize("place", PLACES)
def test_whatever_a_task_made_of_its_processes_is_ended(tools, fake, place):
    worker = start(tools, fake, place)
    number, by_itself = submit(tools, fake, "by itself")
    result = fake.result(number)
    assert result["exit_status"] == 768 and fake.stdout(number) == "out\n"
    assert gone(pids(by_itself))
    notes = " ".join(result["detail"]["notes"])
    assert "left behind were ended" in notes and all(f"({pid})" in notes for pid in pids(by_itself)[1:]), notes
    late, at_timeout = submit(tools, fake, "at its timeout", timeout="2s")
    result = fake.result(late)
    assert (result["msg"], result["exit_status"]) == ("ExecTimeout", 9)
    assert gone([int(file.read_text()) for file in at_timeout.iterdir() if file.read_text().strip()]), "those that were there by then"
    assert "could not be ended" not in " ".join(result["detail"].get("notes", []))
    _, with_worker = submit(tools, fake, "with its worker")
    numbers = started(with_worker)
    assert not (cgroup_parent() and list(cgroup_parent().glob(f"mito-{worker.pid}-*"))), "no cgroup was made"
    worker.signal(signal.SIGTERM)
    assert worker.process.wait(20) == 3
    assert gone(numbers)


def test_it_all_ends_with_a_worker_that_is_killed(tools, fake):
    worker = start(tools, fake, "no tree")
    _, place = submit(tools, fake, "with its worker")
    numbers = started(place)
    worker.kill()
    wait_until(lambda: gone(numbers), what="the end of everything")


def test_a_tree_in_another_place_is_found(tools, fake):
    """Which place it has depends on the system: below `/sys/fs/cgroup`, or `/sys/fs/cgroup/unified`."""
    parent = cgroup_parent()
    if parent is None:
        pytest.skip("no cgroup v2 tree is writable here")
    elsewhere = tools.directory / "elsewhere"
    elsewhere.mkdir()
    place = next(line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if " - cgroup2 " in line)
    worker = tools.worker(fake.url, "--grace", "0s", launcher=["unshare", "-m", "sh", "-c", f'mount --move {place} {elsewhere} 2>/dev/null || '
                                                              f'{{ mount --bind {place} {elsewhere} && umount -l {place}; }} && exec "$@"', "sh"])
    number = fake.submit(["sh", "-c", "cat /proc/self/cgroup"], terminal_output=True)
    fake.result(number)
    assert f"/mito-{worker.pid}-" in fake.stdout(number)
