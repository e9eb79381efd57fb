"""`mito manager`: workers in the background of one machine."""
from __future__ import annotations

import os
import pathlib
import re
import signal

import pytest

from conftest import wait_until


@pytest.fixture
def manager(tools):
    """Runs `mito manager …`; whatever it left is killed."""
    def run(*arguments, extra=None):
        return tools.run("manager", *arguments, extra=extra)
    yield run
    for record in (tools.directory / "cache" / "mitosis" / "manager").glob("*.worker"):
        pid = int(re.search(r"^pid=(\d+)", record.read_text(), re.M).group(1))
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass


def options(fake, *more):
    return ["--coordinator", fake.url, "--user", "u", "--password", "very-secret", *more]


def pids(tools) -> list[int]:
    return sorted(int(path.name.split("-")[0]) for path in (tools.directory / "cache" / "mitosis" / "manager").glob("*.worker"))


def test_spawn_status_and_kill(tools, fake, manager):
    result = manager("spawn", "2", *options(fake, "--tags", "a,b", "--labels", "x", "--slots", "2"))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Spawned 2 workers in total" in result.stdout and "Current worker numbers: 2" in result.stdout
    fake.wait(lambda: len(fake.registrations) == 4, what="four registrations")
    assert sorted(fake.registrations[0]["tags"]) == ["a", "b"] and fake.registrations[0]["labels"] == ["x"]
    assert fake.result(fake.submit(["true"]))["exit_status"] == 0
    workers = pids(tools)
    assert len(workers) == 2
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    for record in (tools.directory / "cache" / "mitosis" / "manager").glob("*.worker"):
        fields = dict(line.split("=", 1) for line in record.read_text().splitlines())
        assert fields["boot"] == boot and fields["host"].split("/")[0] == os.uname().nodename and int(fields["pid"]) in workers
        assert "very-secret" not in record.read_text()
    for pid in workers:
        assert b"very-secret" not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        assert os.getsid(pid) == pid, "a session of its own"
    status = manager("status")
    assert status.returncode == 0 and status.stdout.splitlines()[-1] == "Total: 2"
    assert all(str(pid) in status.stdout for pid in workers) and "--tags=a,b" in status.stdout
    assert "very-secret" not in status.stdout
    killed = manager("kill")
    assert killed.returncode == 0 and "All mito workers have been killed" in killed.stdout
    assert fake.unregistered == 4
    assert not pids(tools) and manager("status").stdout == "Total: 0\n"
    assert "No mito workers found to kill" in manager("kill").stdout


def test_only_its_own_workers_are_known(tools, fake, manager):
    """Neither a worker started by hand, nor a record of another process, host or boot."""
    other = tools.worker(fake.url)
    assert manager("spawn", "1", *options(fake)).returncode == 0
    pid, = pids(tools)
    record, = (tools.directory / "cache" / "mitosis" / "manager").glob("*.worker")
    text = record.read_text()
    for field, value in (("start", "1"), ("boot", "another"), ("host", "elsewhere")):
        (record.parent / f"{other.pid}-{field}.worker").write_text(
            re.sub(rf"^{field}=.*$", f"{field}={value}", re.sub(r"^pid=.*$", f"pid={other.pid}", text, flags=re.M), flags=re.M))
    assert manager("status").stdout.splitlines()[-1] == "Total: 1"
    assert manager("kill").returncode == 0
    assert other.process.poll() is None
    wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists() or "Z" in pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1], what="the end")
    assert [path.name for path in record.parent.glob("*.worker")] == [f"{other.pid}-host.worker"], "what is of other hosts is left alone"


def test_force_ends_running_tasks(tools, fake, manager):
    """At once: neither the grace of the worker nor that of its tasks is waited for."""
    assert manager("spawn", "2", *options(fake, "--grace", "1h", "--kill-grace", "1h")).returncode == 0
    flags = [tools.directory / f"flag-{number}" for number in range(2)]
    for flag in flags:
        fake.submit(["sh", "-c", f"trap '' TERM; touch {flag}; sleep 600; :"])
    wait_until(lambda: all(flag.exists() for flag in flags), what="the commands")
    killed = manager("kill", "--force")
    assert killed.returncode == 0, killed.stdout
    assert fake.unregistered == 2 and not fake.results


def test_a_worker_that_cannot_start_is_reported(tools, fake, manager):
    fake.fault("POST", "/workers", 403, count=10)
    result = manager("spawn", "1", *options(fake))
    assert result.returncode == 1
    assert "ended instead of registering" in result.stdout + result.stderr
    assert "as the test wants" in result.stdout + result.stderr
    assert "Spawned 0 workers in total" in result.stdout and not pids(tools)


@pytest.mark.parametrize("arguments, message", [
    (["spawn"], "COUNT|count"),
    (["spawn", "many"], "many"),
    (["spawn", "1", "--slots", "0"], "slots"),
    (["spawn", "1", "--config", "/no/such.toml"], "/no/such.toml"),
    (["spawn", "1", "--no-such-option"], "no-such-option"),
    (["spwan", "1"], "spwan"),
    ([], "Usage"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_mistakes_are_told_once(manager, arguments, message):
    result = manager(*arguments)
    assert result.returncode == 2
    assert re.search(message, result.stdout + result.stderr)


def test_zero_workers(manager):
    result = manager("spawn", "0")
    assert result.returncode == 0 and "Cannot spawn 0 workers" in result.stdout + result.stderr


def test_help(manager):
    for arguments in (["--help"], ["spawn", "--help"], ["status", "--help"], ["kill", "--help"]):
        result = manager(*arguments)
        assert result.returncode == 0 and "Usage: mito manager" in result.stdout


def test_variables_of_the_service_are_kept_from_tasks(tools, fake, manager):
    assert manager("spawn", "1", *options(fake)).returncode == 0
    number = fake.submit(["env"], terminal_output=True)
    fake.result(number)
    seen = fake.stdout(number)
    assert "very-secret" not in seen and "NOTIFY_SOCKET" not in seen
    assert "MITO_FILE_LOG_LEVEL=info" in seen and "NO_COLOR=1" in seen
    assert manager("kill").returncode == 0
