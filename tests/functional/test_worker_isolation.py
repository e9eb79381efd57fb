"""Where and as whom a task runs: --isolate, --run-as, --memory-limit, cgroups. Needs a worker that runs as root for some."""
from __future__ import annotations

import os
import pathlib
import pwd
import tempfile

import pytest

from conftest import wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may run commands as another user")


def start(tools, coordinator, *arguments, **options):
    return tools.worker(coordinator.url, "--grace", "0s", *arguments, **options)


def cgroup_parent() -> pathlib.Path | None:
    """Where this process may make cgroups of version 2."""
    mount = next((line.split() for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if " - cgroup2 " in line), None)
    own = next((line[3:] for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")), None)
    if not mount or own is None:
        return None
    place = pathlib.Path(mount[4] + "/" + own.removeprefix(mount[3]).lstrip("/"))
    return place if os.access(place, os.W_OK) else None


needs_cgroup = pytest.mark.skipif(cgroup_parent() is None, reason="no cgroup v2 tree is writable here")


def test_isolated_tasks_see_a_defined_environment_and_an_empty_directory(tools, fake):
    start(tools, fake, "--isolate", "--pass-env", "KEEP,ALSO_*", extra={"OTHER": "x", "KEEP": "1", "ALSO_THIS": "2", "LC_TIME": "C", "TZ": "UTC", "KEEPER": "x"})
    first = fake.submit(["sh", "-c", "env; touch left; mkdir d; touch d/f"], terminal_output=True, envs={"OWN": "3"})
    second = fake.submit(["sh", "-c", "pwd; ls -A"], terminal_output=True)
    fake.result(first)
    fake.result(second)
    seen = dict(line.split("=", 1) for line in fake.stdout(first).splitlines())
    assert {"PATH", "HOME", "KEEP", "ALSO_THIS", "LC_TIME", "TZ", "OWN", "MITO_TASK_UUID"} <= set(seen)
    assert not {"OTHER", "KEEPER", "XDG_CACHE_HOME", "MITO_USER"} & set(seen)
    directory, *rest = fake.stdout(second).split()
    assert not rest, "nothing is left of the task before"
    assert pathlib.Path(directory) == pathlib.Path(seen["PWD"]) and directory != str(tools.directory)
    assert pathlib.Path(seen["MITO_RESULT_DIR"]).parent == pathlib.Path(directory).parent


@pytest.mark.parametrize("args", [["no-such-program"], ["sh", "-c", "./script-beside-the-worker"], ["/etc/passwd"]], ids=lambda args: args[-1])
def test_a_command_that_is_not_found_in_isolation_says_where_to_look(tools, fake, args):
    start(tools, fake, "--isolate")
    result = fake.result(fake.submit(args))
    assert result["exit_status"] in (126 * 256, 127 * 256)
    notes = " ".join(result["detail"]["notes"])
    assert "--isolate" in notes and "--pass-env" in notes and "PATH=" in notes


@needs_root
def test_commands_run_as_another_user(tools, fake):
    account = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        os.chmod(directory, 0o755)
        start(tools, fake, "--run-as", "nobody", "--work-dir", directory, "--isolate", "--kill-grace", "200ms")
        secret = tools.directory / "secret"
        secret.write_text("only for root")
        secret.chmod(0o600)
        number = fake.submit(["sh", "-c", 'id -u; id -g; echo $HOME $USER; echo x > "$MITO_RESULT_DIR/f"; echo y > here; ln -s ' + str(secret) +
                              ' "$MITO_RESULT_DIR/link"; printf {} > "$MITO_NEW_TASK"; grep -E "^(Groups|CapEff)" /proc/self/status'], terminal_output=True)
        result = fake.result(number)
        lines = fake.stdout(number).splitlines()
        assert lines[:2] == [str(account.pw_uid), str(account.pw_gid)]
        assert lines[2] == f"{account.pw_dir} nobody"
        assert int(lines[-1].split()[1], 16) == 0
        members = fake.members(number, "result")
        assert members["result/f"][1] == b"x\n"
        assert members["result/link"] == (b"2", str(secret)), "what the user may not read is not packed for them"
        assert result["msg"] == "SubmitNewTaskFailed"
        late = fake.submit(["sh", "-c", "trap '' TERM; setsid sleep 60 & sleep 60"], timeout="1s")
        assert fake.result(late)["msg"] == "ExecTimeout"
        assert fake.result(fake.submit(["true"]))["exit_status"] == 0


@needs_root
@pytest.mark.parametrize("arguments, message", [
    (["--run-as", "no-such-user"], "no user 'no-such-user'"),
    (["--run-as", "nobody:no-such-group"], "no group 'no-such-group'"),
    (["--run-as", "nobody", "--work-dir", "{private}"], "cannot reach the work directory"),
], ids=["user", "group", "directory"])
def test_a_user_that_cannot_be_is_refused_at_the_start(tools, fake, arguments, message):
    private = tools.directory / "private"
    private.mkdir(mode=0o700)
    result = tools.run("worker", "--coordinator", fake.url, "--user", "u", "--password", "p",
                       *[argument.format(private=private / "work") for argument in arguments], timeout=20)
    assert result.returncode == 2 and message in result.stdout + result.stderr
    assert not fake.registrations


@needs_root
def test_who_may_not_run_commands_as_others_is_told_so(unprivileged, fake):
    worker = unprivileged.worker(fake.url, "--run-as", "daemon", wait=False)
    assert worker.process.wait(20) == 2
    assert "this worker may not run commands as 'daemon': start it as root, or without --run-as" in worker.output()
    assert not fake.registrations


@pytest.mark.parametrize("limit", ["0", "64KiB"])
def test_a_memory_limit_under_which_nothing_runs_is_refused(tools, fake, limit):
    result = tools.run("worker", "--coordinator", fake.url, "--user", "u", "--password", "p", "--memory-limit", limit, timeout=20)
    assert result.returncode == 2 and "--memory-limit" in result.stdout + result.stderr
    assert not fake.registrations


def test_a_memory_limit_that_cannot_be_set_is_refused(unprivileged, fake):
    """More than the operating system lets this user have; a cgroup could bound it all the same."""
    worker = unprivileged.worker(fake.url, "--memory-limit", "64GiB", before="ulimit -v 16000000", wait=False)
    wait_until(lambda: worker.process.poll() is not None or fake.registrations, 20, "the start or its refusal")
    if "holds for each task as a whole" in worker.output():
        pytest.skip("cgroups can be limited here")
    assert worker.process.wait(20) == 2 and "the memory of tasks cannot be limited" in worker.output() and "ulimit -H -v" in worker.output()
    assert not fake.registrations


def test_a_memory_limit_holds(tools, fake):
    worker = start(tools, fake, "--memory-limit", "200MiB")
    worker.wait_for_output("The memory limit of .* holds for")
    small = fake.submit(["python3", "-c", "x = bytearray(20 << 20)"])
    large = fake.submit(["python3", "-c", "x = bytearray(400 << 20); print(len(x))"], terminal_output=True)
    assert fake.result(small)["exit_status"] == 0
    assert fake.result(large)["exit_status"] != 0 and fake.stdout(large) == ""
    assert fake.result(fake.submit(["true"]))["exit_status"] == 0


@needs_cgroup
def test_every_process_of_a_task_is_in_the_cgroup_of_its_slot(tools, fake):
    parent = cgroup_parent()
    worker = start(tools, fake, "--kill-grace", "100ms")
    number = fake.submit(["sh", "-c", "cat /proc/self/cgroup; (setsid sh -c 'cat /proc/self/cgroup' &) ; sleep 0.2"], terminal_output=True)
    fake.result(number)
    places = {line.split("::", 1)[1].rsplit("/", 1)[-1] for line in fake.stdout(number).splitlines() if line.startswith("0::")}
    assert len(places) == 1 and places.pop().startswith(f"mito-{worker.pid}-")
    assert list(parent.glob(f"mito-{worker.pid}-*"))
    # What multiplies faster than one can look is killed as well.
    bomb = fake.submit(["sh", "-c", "trap '' TERM; f() { trap '' TERM; sleep 0.05; setsid sh -c \"$BODY\" & }; for i in 1 2 3 4 5 6 7 8; do setsid sh -c \"$BODY\" & done; sleep 60"],
                       envs={"BODY": "trap '' TERM; while :; do setsid sleep 0.3 & wait; done"}, timeout="1s")
    result = fake.result(bomb)
    assert result["msg"] == "ExecTimeout" and not any("could not be ended" in note for note in result["detail"].get("notes", []))
    assert not [group for group in parent.glob(f"mito-{worker.pid}-*") if (group / "cgroup.procs").read_text().strip()]
    fake.idle()
    assert worker.stop() == 0
    assert not list(parent.glob(f"mito-{worker.pid}-*"))


@needs_cgroup
def test_the_cgroup_of_a_killed_worker_is_removed(tools, fake):
    parent = cgroup_parent()
    worker = start(tools, fake)
    flag = tools.directory / "flag"
    fake.submit(["sh", "-c", f"touch {flag}; sleep 60"])
    wait_until(flag.exists, what="the command")
    worker.kill()
    wait_until(lambda: not list(parent.glob(f"mito-{worker.pid}-*")), what="the end of the cgroup")
