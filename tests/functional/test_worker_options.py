"""Settings of a worker, one after the other, on real processes."""
from __future__ import annotations

import base64
import hashlib
import json
import os
import pathlib
import re
import signal
import time

import pytest

from conftest import wait_until


def start(tools, coordinator, *arguments, **options):
    return tools.worker(coordinator.url, "--grace", "0s", *arguments, **options)


# ------------------------------------------------------------------------------------------------- who it is, and to whom

def test_labels_tags_groups_and_name(tools, fake):
    fake.groups = {"one": "Write", "two": "Read"}
    start(tools, fake, "--labels", "b,a", "c", "--tags", "t", "--groups", "one,two:read", "--name", "desk")
    request = fake.registrations[0]
    assert sorted(request["labels"]) == ["a", "b", "c"] and request["tags"] == ["t"]
    assert sorted(request["groups"]) == ["one", "two:read"]
    info = request["info"]
    assert info["name"] == "desk" and info["host"] == os.uname().nodename and info["memory_bytes"] > 1 << 20
    assert os.uname().release in info["kernel"] and info["version"]


def test_a_configuration_file_variables_and_options(tools, fake):
    """Each before the one before it; --retain is taken, and logins keep other sessions in any case."""
    config = tools.directory / "worker.toml"
    config.write_text(f'[worker]\ncoordinator_addr = "{fake.url}"\nuser = "u"\npassword = "p"\nname = "of the file"\ntags = ["file"]\nlabels = ["file"]\nslots = 2\n')
    tools.start("worker", "--config", config, "--labels", "option", "--retain", "--lifetime", "1h",
                extra={"MITO_TAGS": "[variable]"}, name="worker").wait_for_output("Worker registered")
    fake.wait(lambda: len(fake.registrations) == 2, what="two slots")
    request = fake.registrations[0]
    assert (request["tags"], request["labels"], request["info"]["name"]) == (["variable"], ["option"], "of the file")
    assert next(json.loads(body) for method, path, body in fake.log if path == "/login")["retain"] is True


def test_a_group_that_does_not_exist_is_an_error(tools, fake):
    fake.groups = {"one": "Write"}
    result = tools.run("worker", "--coordinator", fake.url, "--user", "u", "--password", "p", "--groups", "one,ghost", timeout=20)
    assert result.returncode == 2 and "ghost" in result.stderr + result.stdout and "one" not in result.stderr.split("named")[-1]
    assert fake.unregistered == 1


def test_a_configuration_file_that_does_not_exist_is_an_error(tools, fake):
    result = tools.run("worker", "--coordinator", fake.url, "--config", "no-such.toml", timeout=20)
    assert result.returncode == 2 and "no-such.toml" in result.stderr + result.stdout
    assert not fake.registrations


@pytest.mark.parametrize("how", ["option", "variable", "password variable"])
def test_passwords_from_files(tools, fake, how):
    secret = tools.directory / "password"
    secret.write_text("from a file\n")
    digest = list(hashlib.md5(b"from a file").digest())
    arguments = ["worker", "--coordinator", fake.url, "--user", "u"]
    extra = {}
    if how == "option":
        arguments += ["--password-file", secret]
    elif how == "variable":
        extra["MITO_PASSWORD_FILE"] = str(secret)
    else:
        extra["MITO_PASSWORD"] = "from a file"
    worker = tools.start(*arguments, extra=extra, name="worker")
    worker.wait_for_output("Worker registered")
    login = next(json.loads(body) for method, path, body in fake.log if path == "/login")
    assert login["md5_password"] == digest and login["retain"] is True


def test_logs_of_a_worker(tools, fake):
    """Alone: a file of its own. Shared: one file a day, each line with its worker."""
    first = start(tools, fake, "--file-log")
    identity = first.wait_for_output(r"registered with ID: (\S+)").group(1)
    alone = tools.directory / "cache" / "mitosis" / "worker" / f"{identity}.log"
    wait_until(lambda: alone.exists() and "Worker is running" in alone.read_text(), what="the log")
    workers = [start(tools, fake, "--file-log", "--shared-log", "--log-path", tools.directory / "all.log") for _ in range(2)]
    day = time.strftime("%Y-%m-%d", time.gmtime())
    shared = tools.directory / f"all.log.{day}"
    for worker in workers:
        identity = worker.wait_for_output(r"registered with ID: (\S+)").group(1)
        wait_until(lambda: shared.exists() and f"[worker:{identity}] " in shared.read_text(), what="a line of each")
    assert all(line.startswith("[worker:") for line in shared.read_text().splitlines() if line)


# ------------------------------------------------------------------------------------------------------------- lifetimes

def test_an_asked_for_lifetime_drains(tools, fake):
    """The running task ends by itself and is delivered; no further one is taken; the exit code is that of a wanted end."""
    gate = tools.directory / "gate"
    os.mkfifo(gate)
    number = fake.submit(["sh", "-c", f"cat {gate}; echo late"], terminal_output=True)
    worker = start(tools, fake, "--lifetime", "2s")
    fake.wait(lambda: not fake.tasks, what="the task is taken")
    writer = open(gate, "w")
    begin = time.monotonic()
    wait_until(lambda: time.monotonic() - begin > 2.2, what="the end of the lifetime")
    fake.submit(["true"])
    assert worker.process.poll() is None
    writer.close()
    assert worker.process.wait(10) == 0
    assert fake.stdout(number) == "late\n" and len(fake.tasks) == 1 and fake.unregistered == 1
    assert fake.registrations[0]["lifetime"].startswith("7days"), "the token outlives the drain"


def test_an_idle_worker_ends_with_its_lifetime(tools, fake):
    worker = start(tools, fake, "--lifetime", "1s")
    assert worker.process.wait(5) == 0
    assert fake.unregistered == 1


def test_a_registration_is_renewed_before_its_token_ends(tools, fake):
    fake.token_life = 4
    start(tools, fake)
    fake.wait(lambda: len(fake.registrations) == 2, timeout=6, what="a second registration")
    assert fake.unregistered == 1
    assert fake.result(fake.submit(["true"]))["exit_status"] == 0


# -------------------------------------------------------------------------------------------------------------- overlap


@pytest.mark.parametrize("overlap", [False, True], ids=["undisturbed", "overlap"])
def test_uploads_of_the_last_task_and_the_next_command(tools, fake, overlap):
    """By default a measurement has the machine for itself."""
    fake.store_delay = 1.0
    start(tools, fake, *(["--overlap"] if overlap else []))
    stamp = "date +%s.%N"
    first = fake.submit(["sh", "-c", stamp], terminal_output=True)
    second = fake.submit(["sh", "-c", stamp], terminal_output=True)
    fake.result(first)
    fake.result(second)
    begin = float(fake.stdout(second))
    stored = fake.stored_at[first, "std-log"]
    assert (begin < stored) == overlap
    assert float(fake.stdout(first)) < begin, "one command at a time"


def test_only_one_command_runs_at_a_time_with_overlap(tools, fake):
    start(tools, fake, "--overlap", "--slots", "2")
    marks = tools.directory / "marks"
    marks.mkdir()
    script = f"touch {marks}/$$; ls {marks} | wc -l; sleep 0.05; rm {marks}/$$"
    numbers = [fake.submit(["sh", "-c", script], terminal_output=True) for _ in range(12)]
    for number in numbers:
        fake.result(number)
    assert max(int(fake.stdout(number)) for number in numbers) <= 2


# -------------------------------------------------------------------------------------------------- uploads and downloads

def test_uploads_carry_a_checksum(tools, fake):
    start(tools, fake)
    number = fake.submit(["echo", "text"], terminal_output=True)
    fake.result(number)
    data = fake.artifacts[number, "std-log"]
    assert fake.checksums[number, "std-log"] == base64.b64encode(hashlib.md5(data).digest()).decode()


def test_an_archive_is_the_same_each_time(tools, fake):
    start(tools, fake, "--slots", "2")
    script = 'cd "$MITO_RESULT_DIR"; for f in z a m/x m/b; do mkdir -p $(dirname $f); echo $f > $f; done; find . -exec touch -h -d @1000000 {} +'
    numbers = [fake.submit(["sh", "-c", script]) for _ in range(2)]
    for number in numbers:
        fake.result(number)
    first, second = (fake.artifacts[number, "result"] for number in numbers)
    assert first == second
    assert list(fake.members(numbers[0], "result")) == ["result", "result/a", "result/m", "result/m/b", "result/m/x", "result/z"]


def test_what_cannot_be_packed_is_named(tools, fake):
    start(tools, fake)
    number = fake.submit(["python3", "-c", "import os, socket; os.chdir(os.environ['MITO_RESULT_DIR']); open('kept', 'w').write('x'); os.symlink('/no/where', 'out'); "
                                           "os.mkfifo('fifo'); s = socket.socket(socket.AF_UNIX); s.bind('sock')"])
    result = fake.result(number)
    members = fake.members(number, "result")
    assert "result/kept" in members and result["exit_status"] == 0
    notes = "\n".join(result["detail"]["notes"])
    for name in ("result/out", "result/fifo", "result/sock"):
        assert name in notes and name not in members


# ------------------------------------------------------------------------------------------------------------- the result

def test_what_is_measured_of_a_task(tools, fake):
    start(tools, fake)
    number = fake.submit(["python3", "-c", "import time; x = bytearray(64 << 20); x[::4096] = b'x' * len(x[::4096]); b = time.process_time()\nwhile time.process_time() - b < 0.3: pass"])
    before = time.time()
    detail = fake.result(number)["detail"]
    usage = detail["usage"]
    assert 0.3 <= usage["cpu_seconds"] < 5 and usage["wall_seconds"] >= usage["cpu_seconds"] * 0.5
    assert 64 << 20 <= usage["peak_memory_bytes"] < 512 << 20
    assert re.match(r"\d{4}-\d\d-\d\d \d", detail["started_at"]) and detail["finished_at"] > detail["started_at"]
    assert before > 0


def test_a_third_signal_leaves_at_once(tools, fake):
    fake.fault("DELETE", "/workers", "hang", count=100)
    worker = tools.worker(fake.url)
    worker.signal(signal.SIGTERM)
    fake.wait(lambda: any(entry[0] == "DELETE" for entry in fake.log), what="its farewell")
    worker.signal(signal.SIGTERM)
    worker.wait_for_output("Second signal received")
    worker.signal(signal.SIGTERM)
    assert worker.process.wait(10) == 1


def test_signals_and_exit_codes(tools, fake):
    """The second of either kind ends what runs."""
    worker = tools.worker(fake.url, "--grace", "1h", "--kill-grace", "1h")
    pid = tools.directory / "pid"
    fake.submit(["sh", "-c", f"trap '' TERM; echo $$ > {pid}; sleep 60; sleep 60"])
    wait_until(lambda: pid.exists() and pid.read_text().endswith("\n"), what="the command")
    worker.signal(signal.SIGINT)
    worker.wait_for_output("Ctrl.C received")
    worker.signal(signal.SIGTERM)
    assert worker.process.wait(10) == 3
    assert not pathlib.Path(f"/proc/{int(pid.read_text())}").exists()
