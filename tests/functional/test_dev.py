"""`mito dev`: the commands it prints work as they stand, and nothing is left behind."""
from __future__ import annotations

import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import time

import pytest

from conftest import BINARY, clean_environment, wait_until


@pytest.fixture
def dev(tools, tmp_path):
    """Starts `mito dev` with temporary files below the test's directory; returns the process and its printed lines."""
    (tmp_path / "tmp").mkdir()

    def start(*arguments, extra=None, name="dev"):
        process = tools.start("dev", *arguments, extra={"TMPDIR": str(tmp_path / "tmp")} | (extra or {}), name=name)
        process.wait_for_output("Ctrl-C stops it", timeout=30)
        return process
    return start


def printed_commands(process):
    return [shlex.split(line) for line in process.output().splitlines() if line.startswith("  mito client ")]


def run_printed(tools, words, extra=None):
    assert words[0] == "mito"
    return subprocess.run([BINARY, *words[1:]], env=clean_environment(tools.directory, extra), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60)


def children_of(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_the_printed_commands_work(tools, dev, tmp_path):
    process = dev("--port", "0")
    commands = printed_commands(process)
    assert len(commands) == 3
    submitted, queried, workers = (run_printed(tools, words) for words in commands)
    assert (submitted.returncode, submitted.stdout) == (0, "Hello, Mitosis!\n"), submitted
    assert queried.returncode == 0 and queried.stdout.startswith("Found 1 tasks in group mitosis_admin\n") and " ok " in queried.stdout
    assert workers.returncode == 0 and workers.stdout.startswith("Found 1 workers in group mitosis_admin\n")
    assert "Admin login: mitosis_admin / mitosis_admin" in process.output()
    url = re.search(r"http://127\.0\.0\.1:\d+", process.output()).group()
    assert tools.client(url, "auth").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cleans_everything(dev, tmp_path, number):
    process = dev("--port", "0")
    children = children_of(process.pid)
    assert len(children) == 2
    process.signal(number)
    assert process.process.wait(20) == 0
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not [child for child in children if pathlib.Path(f"/proc/{child}").exists()]


def test_a_running_task_is_stopped_too(tools, dev):
    process = dev("--port", "0", "--slots", "2")
    client = printed_commands(process)[0]
    for _ in range(2):
        words = client[:client.index("tasks")] + ["-q", "tasks", "submit", "--", "sleep", "4711"]
        assert run_printed(tools, words).returncode == 0
    query = client[:client.index("tasks")] + ["tasks", "query", "-s", "running", "--count"]
    wait_until(lambda: "Found 2 tasks" in run_printed(tools, query).stdout, 20, "both tasks running")
    process.signal(signal.SIGINT)
    assert process.process.wait(30) == 0
    assert subprocess.run(["pgrep", "-f", "^sleep 4711"], check=False, capture_output=True).returncode == 1


def test_its_processes_end_when_it_is_killed(dev):
    process = dev("--port", "0")
    children = children_of(process.pid)
    process.kill()

    def gone(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            return True
    wait_until(lambda: all(gone(child) for child in children), 30, "the end of its processes")


def test_a_data_directory_is_kept(tools, dev, tmp_path):
    first = dev("--data-dir", tmp_path / "kept", "--port", "0", name="first")
    assert run_printed(tools, printed_commands(first)[0]).returncode == 0
    assert first.stop() == 0
    second = dev("--data-dir", tmp_path / "kept", "--port", "0", name="second")
    assert run_printed(tools, printed_commands(second)[1]).stdout.startswith("Found 1 tasks")
    assert second.stop() == 0
    assert (tmp_path / "kept" / "coordinator.log").exists()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_nothing_of_the_users_settings_counts(tools, dev, tmp_path):
    settings = tmp_path / "config" / "mitosis"
    settings.mkdir(parents=True)
    (settings / "config.toml").write_text('[coordinator]\nbind = "127.0.0.1:1"\ndb_url = "nonsense:"\nadmin_user = "someone"\n')
    extra = {"MITO_COORDINATOR_ADDR": "http://127.0.0.1:1", "MITO_TAGS": "a", "MITO_USER": "someone", "MITO_BIND": "127.0.0.1:1"}
    process = dev("--port", "0", extra=extra)
    (settings / "config.toml").unlink()
    result = run_printed(tools, printed_commands(process)[0], extra={"MITO_COORDINATOR_ADDR": extra["MITO_COORDINATOR_ADDR"]})
    assert result.stdout == "Hello, Mitosis!\n", result
    assert not (settings / "credentials").exists()


def test_a_port_in_use_is_named(tools, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = tools.run("dev", "--port", port, extra={"TMPDIR": str(tmp_path)}, timeout=30)
    assert result.returncode == 1 and str(port) in result.stderr and "coordinator" in result.stderr
    assert not list(tmp_path.glob("mito-dev-*"))


def test_another_port_when_the_usual_one_is_taken(tools, dev):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 5000))
            taken.listen()
        except OSError:
            pass  # then somebody else has it, which serves as well
        process = dev()
        assert "http://127.0.0.1:5000" not in process.output()
        assert run_printed(tools, printed_commands(process)[0]).returncode == 0


@pytest.mark.parametrize("arguments, text", [(["--port", "70000"], "65535"), (["--port", "x"], "--port"), (["--slots", "0"], "--slots"),
                                             (["--slot", "1"], "did you mean '--slots'"), (["extra"], "unexpected argument 'extra'")])
def test_bad_options(tools, arguments, text):
    result = tools.run("dev", *arguments, timeout=10)
    assert result.returncode == 2 and text in result.stderr


def test_it_is_ready_soon(tools, tmp_path):
    """The limit is generous, because other tests may have the machine; what was measured is printed with -s."""
    begin = time.monotonic()
    process = tools.start("dev", "--port", "0", extra={"TMPDIR": str(tmp_path)})
    process.wait_for_output("Mitosis is ready")
    print(f"mito dev was ready after {time.monotonic() - begin:.2f} s on {os.cpu_count()} cores")
    assert time.monotonic() - begin < 5
