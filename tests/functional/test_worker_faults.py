"""A worker against a coordinator that misbehaves, and against one that knows only what the original does."""
from __future__ import annotations

import json
import os
import pathlib
import signal
import time

import pytest

from conftest import wait_until


def start(tools, coordinator, *arguments, **options):
    return tools.worker(coordinator.url, "--grace", "0s", *arguments, **options)


def cache(tools) -> pathlib.Path:
    return tools.directory / "cache" / "mitosis"


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of those it made."""
    total = 0
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(entry.name) == pid or int(fields[1]) == pid:
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


# ---------------------------------------------------------------------------------------------------- the ordinary life

def test_registers_and_completes_with_one_request_per_task(tools, fake):
    for _ in range(20):
        fake.submit(["true"])
    start(tools, fake, "--tags", "a,b", "--name", "bench")
    fake.wait(lambda: len(fake.results) == 20, what="20 results")
    request = fake.registrations[0]
    assert sorted(request["tags"]) == ["a", "b"]
    assert {"wait", "complete", "detail", "state"} <= set(request["features"])
    assert request["lease"] == "30s"
    assert request["info"]["name"] == "bench" and request["info"]["host"] and request["info"]["cores"] >= 1
    calls = [entry for entry in fake.log if entry[1].startswith("/workers/tasks")]
    fetches = [entry for entry in calls if entry[0] == "GET"]
    assert len(fetches) <= 2, "the next task comes with the answer to the last"
    assert len(calls) - len(fetches) == 20
    result = fake.results[1]
    assert result["exit_status"] == 0 and result["msg"] is None and result["state"] == "Finished"
    assert result["detail"]["usage"]["wall_seconds"] >= 0 and result["detail"]["started_at"]


def test_artifacts_of_a_task(tools, fake):
    start(tools, fake)
    number = fake.submit(["sh", "-c", 'cd "$MITO_RESULT_DIR"; mkdir -p d empty; echo x > d/f; ln -s d/f link; ln -s nowhere dangling; '
                                      'mkfifo fifo; echo e > "$MITO_EXEC_DIR/log"; echo out; echo err >&2; exit 3'], terminal_output=True)
    result = fake.result(number)
    assert result["exit_status"] == 768
    members = fake.members(number, "result")
    assert list(members) == ["result", "result/d", "result/d/f", "result/dangling", "result/empty", "result/link"]
    assert members["result/d/f"][1] == b"x\n"
    assert members["result/link"] == (b"2", "d/f") and members["result/dangling"] == (b"2", "nowhere")
    assert "result/fifo" in result["detail"]["notes"][0]
    assert list(fake.members(number, "exec-log")) == ["exec-log", "exec-log/log"]
    output = fake.members(number, "std-log")
    assert list(output) == ["std-log/stdout.log", "std-log/stderr.log"]
    assert output["std-log/stdout.log"][1] == b"out\n" and output["std-log/stderr.log"][1] == b"err\n"


def test_environment_of_a_task(tools, fake):
    start(tools, fake, extra={"MITO_PASSWORD": "secret", "OTHER": "kept"})
    number = fake.submit(["env"], terminal_output=True, envs={"A": "1", "MITO_EXEC_DIR": "no"}, upstream="550e8400-e29b-41d4-a716-446655440000")
    fake.result(number)
    seen = dict(line.split("=", 1) for line in fake.stdout(number).splitlines())
    assert seen["A"] == "1" and seen["OTHER"] == "kept"
    assert "MITO_PASSWORD" not in seen and "MITO_USER" not in seen
    root = pathlib.Path(seen["MITO_RESULT_DIR"]).parent
    assert root.parent == cache(tools)
    assert seen["MITO_EXEC_DIR"] == str(root / "exec") and seen["MITO_RESOURCE_DIR"] == str(root / "resource")
    assert seen["MITO_NEW_TASK"] == str(root / "new_task.json")
    assert seen["MITO_UPSTREAM_TASK_UUID"] == "550e8400-e29b-41d4-a716-446655440000"


@pytest.mark.parametrize("args, status, output", [
    (["sh", "-c", "exit 1"], 256, ""),
    (["sh", "-c", "kill -9 $$"], 9, ""),
    (["A=5", "sh", "-c", "echo $A"], 0, "5\n"),
    (["-i", "B=6", "env"], 0, "B=6\n"),
    (["-u", "HOME", "sh", "-c", "echo ${HOME-gone}"], 0, "gone\n"),
    (["no-such-program"], 32512, ""),
    (["A=1", "no-such-program"], 32512, ""),
    (["/etc/passwd"], 32256, ""),
    (["/"], 32256, ""),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_command_words_and_wait_status(tools, fake, args, status, output):
    start(tools, fake)
    number = fake.submit(args, terminal_output=True)
    assert fake.result(number)["exit_status"] == status
    assert fake.stdout(number) == output
    if args == ["no-such-program"]:
        assert "no-such-program" in fake.members(number, "std-log")["std-log/stderr.log"][1].decode()
        assert "No such file or directory" in fake.result(number)["detail"]["reason"]


@pytest.mark.parametrize("args", [["true", "x" * (3 << 20)], ["true", "a\0b"]], ids=["too long", "NUL"])
def test_a_command_that_cannot_be_started_is_a_result(tools, fake, args):
    start(tools, fake)
    number = fake.submit(args)
    result = fake.result(number)
    assert result["exit_status"] == 32256 and result["state"] == "Finished"
    assert "could not be started" in result["detail"]["reason"]
    assert fake.result(fake.submit(["true"]))["exit_status"] == 0


def test_directories_are_made_anew_for_every_task(tools, fake):
    start(tools, fake)
    first = fake.submit(["sh", "-c", 'touch "$MITO_RESULT_DIR/left" "$MITO_RESOURCE_DIR/left"; rmdir "$MITO_EXEC_DIR"; mkdir "$MITO_RESULT_DIR/d"; '
                                     'chmod 0 "$MITO_RESULT_DIR/d"'])
    second = fake.submit(["sh", "-c", 'ls -A "$MITO_RESULT_DIR" "$MITO_EXEC_DIR" "$MITO_RESOURCE_DIR" | grep -v :$'], terminal_output=True)
    fake.result(first)
    fake.result(second)
    assert fake.stdout(second).strip() == ""
    assert (second, "result") not in fake.artifacts, "empty directories make no artifact"


def test_resources_are_downloaded(tools, fake):
    fake.files["set.bin"] = os.urandom(200_000)
    start(tools, fake)
    number = fake.submit(["sh", "-c", 'cp "$MITO_RESOURCE_DIR/in/set" "$MITO_RESULT_DIR/"'],
                         resources=[{"remote_file": {"Attachment": {"key": "set.bin"}}, "local_path": "in/set"}])
    fake.result(number)
    assert fake.members(number, "result")["result/set"][1] == fake.files["set.bin"]
    missing = fake.submit(["true"], resources=[{"remote_file": {"Attachment": {"key": "ghost"}}, "local_path": "x"}])
    result = fake.result(missing)
    assert (result["state"], result["msg"], result["exit_status"]) == ("Cancelled", "ResourceNotFound", 0)


@pytest.mark.parametrize("path", ["/etc/motd", "../x", "a/../../x", "a/", ".."])
def test_resources_stay_in_their_directory(tools, fake, path):
    fake.files["f"] = b"x"
    start(tools, fake)
    result = fake.result(fake.submit(["true"], resources=[{"remote_file": {"Attachment": {"key": "f"}}, "local_path": path}]))
    assert (result["state"], result["msg"]) == ("Cancelled", "ResourceForbidden")
    assert "does not name a file in the resource directory" in result["detail"]["reason"]
    assert not any("/store/" in entry[1] for entry in fake.log)


def test_a_download_that_stands_still_is_begun_again(tools, fake):
    fake.files["f"] = b"x"
    fake.fault("GET", "/store/", "hang")
    start(tools, fake, "--stall-timeout", "1s")
    number = fake.submit(["sh", "-c", 'cat "$MITO_RESOURCE_DIR/f"'], resources=[{"remote_file": {"Attachment": {"key": "f"}}, "local_path": "f"}], terminal_output=True)
    assert fake.result(number)["exit_status"] == 0 and fake.stdout(number) == "x"


def test_all_inputs_of_a_task_have_a_time(tools, fake):
    fake.fault("GET", "/workers/tasks/", 503, count=10_000)
    start(tools, fake, "--resource-timeout", "1s")
    number = fake.submit(["true"], resources=[{"remote_file": {"Attachment": {"key": "f"}}, "local_path": "f"}])
    result = fake.result(number)
    assert (result["state"], result["msg"]) == ("Cancelled", "FetchResourceTimeout")


def test_a_task_submits_another(tools, fake):
    start(tools, fake)
    task = {"group_name": "g", "tags": [], "labels": [], "timeout": "1m", "priority": 0, "task_spec": {"args": ["true"]}}
    number = fake.submit(["sh", "-c", 'printf %s "$TASK" > "$MITO_NEW_TASK"'], envs={"TASK": json.dumps(task)})
    assert fake.result(number)["msg"] is None
    names = [op if isinstance(op, str) else next(iter(op)) for _, op in fake.reports]
    assert names == ["Finish", "Submit", "Complete"]
    broken = fake.submit(["sh", "-c", 'echo { > "$MITO_NEW_TASK"'])
    assert fake.result(broken)["msg"] == "SubmitNewTaskFailed"


def test_states_of_a_long_task_are_sent(tools, fake):
    start(tools, fake)
    for _ in range(5):
        fake.submit(["true"])
    gate = tools.directory / "gate"
    os.mkfifo(gate)
    number = fake.submit(["cat", gate])
    fake.wait(lambda: "ExecSpawned" in fake.states, what="the state")
    gate.write_text("go")
    fake.result(number)
    assert len(fake.states) <= 3, "short tasks send none"


# ------------------------------------------------------------------------------------------------------------ processes

def test_timeout_ends_the_whole_tree(tools, fake):
    start(tools, fake, "--kill-grace", "300ms")
    pids = tools.directory / "pids"
    number = fake.submit(["sh", "-c", f"trap '' TERM; echo before; (trap '' TERM; echo $$ >> {pids}; setsid sh -c 'trap \"\" TERM; echo $$ >> {pids}; sleep 60'"
                                      f" & sleep 60) & sleep 60 & echo $! >> {pids}; wait; wait; sleep 60"], timeout="1s", terminal_output=True)
    result = fake.result(number)
    assert (result["state"], result["msg"], result["exit_status"]) == ("Cancelled", "ExecTimeout", 9)
    assert fake.stdout(number) == "before\n", "output is kept on a timeout"
    numbers = [int(line) for line in pids.read_text().split()]
    assert len(numbers) == 3
    assert not [pid for pid in numbers if pathlib.Path(f"/proc/{pid}").exists()]


def test_a_command_that_heeds_sigterm_ends_at_its_timeout(tools, fake):
    start(tools, fake)
    number = fake.submit(["sh", "-c", "trap 'echo cleaned; exit 5' TERM; sleep 60 & wait"], timeout="1s", terminal_output=True)
    result = fake.result(number)
    assert (result["msg"], result["exit_status"]) == ("ExecTimeout", 5 * 256)
    assert fake.stdout(number) == "cleaned\n"


def test_a_grandchild_that_holds_the_output_does_not_delay_the_end(tools, fake):
    start(tools, fake)
    number = fake.submit(["sh", "-c", "sleep 60 & echo done"], terminal_output=True)
    result = fake.result(number, timeout=10)
    assert result["exit_status"] == 0 and result["msg"] is None
    assert fake.stdout(number) == "done\n"
    assert "left behind" in result["detail"]["notes"][0]


def test_output_is_bounded_and_its_tail_kept(tools, fake):
    worker = start(tools, fake, "--output-limit", "64KiB")
    number = fake.submit(["sh", "-c", "head -c 50000000 /dev/zero | tr '\\0' x; echo end"], terminal_output=True)
    result = fake.result(number)
    text = fake.stdout(number)
    assert text.endswith("xend\n") and len(text) < 70_000 and text.startswith("[the first ")
    assert any("cut off" in note for note in result["detail"]["notes"])
    peak = next(line for line in pathlib.Path(f"/proc/{worker.pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 200_000


def test_output_goes_to_the_disk_as_it_is_produced(tools, fake):
    start(tools, fake)
    gate = tools.directory / "gate"
    os.mkfifo(gate)
    number = fake.submit(["sh", "-c", f"echo so far; echo also >&2; cat {gate}; echo end"], terminal_output=True)

    def written(name: str) -> str:
        return "".join(file.read_text() for file in (cache(tools) / "spool").glob(f"*/{name}"))

    wait_until(lambda: (written("stdout.log"), written("stderr.log")) == ("so far\n", "also\n"), what="the output")
    gate.write_text("")
    fake.result(number)
    assert fake.stdout(number) == "so far\nend\n"
    wait_until(lambda: not list((cache(tools) / "spool").glob("*/std*")), what="the end of what was delivered")


def test_a_task_has_no_descriptors_of_the_worker(tools, fake):
    start(tools, fake)
    number = fake.submit(["sh", "-c", "ls -x /proc/self/fd; cat; ps -o sid= -p $$; echo $$"], terminal_output=True)
    fake.result(number)
    *descriptors, session, pid = fake.stdout(number).split()
    assert descriptors == ["0", "1", "2", "3"]  # the last is the directory that ls reads
    assert session == pid


def test_slots_run_side_by_side(tools, fake):
    gate = tools.directory / "gate"
    os.mkfifo(gate)
    worker = start(tools, fake, "--slots", "4")
    fake.wait(lambda: len(fake.registrations) == 4, what="four registrations")
    numbers = [fake.submit(["sh", "-c", f"read line < {gate}; pwd"]) for _ in range(4)]
    fake.wait(lambda: not fake.tasks, what="four tasks taken")
    wait_until(lambda: len(children_of_supervisors(worker.pid)) == 4, what="four commands")
    with open(gate, "w") as out:
        out.write("go\n" * 4)
    # a FIFO hands what it holds to any reader; those that got nothing see its end
    for number in numbers:
        fake.result(number)


def test_slots_share_their_connections(tools, fake):
    for _ in range(200):
        fake.submit(["true"])
    start(tools, fake, "--slots", "4")
    fake.wait(lambda: len(fake.results) == 200, timeout=60, what="200 results")
    assert len(fake.registrations) == 4 and fake.connections <= 4 * 2 + 8


def children_of_supervisors(worker: int) -> list[int]:
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
    supervisors = {pid for pid, parent in parents.items() if parent == worker}
    return [pid for pid, parent in parents.items() if parent in supervisors]


def test_an_idle_worker_uses_no_cpu(tools, fake):
    worker = start(tools, fake, "--slots", "8")
    fake.wait(lambda: sum(entry[0] == "GET" for entry in fake.log) >= 8, what="eight fetches")
    before, begin = cpu_seconds(worker.pid), time.monotonic()
    wait_until(lambda: time.monotonic() - begin > 2, what="two seconds")
    assert cpu_seconds(worker.pid) - before <= 0.05


def test_an_idle_worker_starts_a_task_at_once(tools, fake):
    start(tools, fake)
    fake.wait(lambda: any(entry[0] == "GET" and "wait=" in entry[1] for entry in fake.log), what="the first fetch")
    best = 10.0
    for _ in range(10):
        begin = time.time()
        number = fake.submit(["date", "+%s.%N"], terminal_output=True)
        fake.result(number)
        best = min(best, float(fake.stdout(number)) - begin)
        fake.wait(lambda: fake.log[-1][0] == "GET", what="the next fetch")
    assert best < 0.1


# --------------------------------------------------------------------------------------------------------------- faults

FAULTS = [500, 502, 503, 404, 400, 403, 429, "reset", "cut", "garbage"]


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fetch_that_fails_is_repeated(tools, fake, kind):
    fake.fault("GET", "/workers/tasks", kind, count=3)
    start(tools, fake)
    assert fake.result(fake.submit(["true"]))["exit_status"] == 0


@pytest.mark.parametrize("path", ["/login", "/workers"])
def test_a_coordinator_that_cannot_serve_yet_is_waited_for(tools, fake, path):
    for kind in (502, 503, 500, 429):
        fake.fault("POST", path, kind)
    worker = start(tools, fake)
    assert worker.output().count("Registration failed: ") == 4
    assert fake.result(fake.submit(["true"]))["exit_status"] == 0


def test_waiting_for_a_coordinator_ends_with_a_signal(tools, fake):
    fake.fault("POST", "/workers", 503, count=10_000)
    worker = start(tools, fake, wait=False)
    worker.wait_for_output("Registration failed: .*as the test wants")
    worker.signal(signal.SIGTERM)
    assert worker.process.wait(10) != 0, "it never worked"


@pytest.mark.parametrize("kind", [500, 502, 429, "reset", "cut", "garbage"])
@pytest.mark.parametrize("after", [False, True], ids=["unheard", "heard"])
def test_a_report_that_is_not_answered_is_repeated(tools, fake, kind, after):
    fake.fault("POST", "/workers/tasks", kind, count=2, contains="Complete", after=after)
    start(tools, fake)
    number, second = fake.submit(["sh", "-c", "exit 2"]), fake.submit(["true"])
    assert fake.result(number)["exit_status"] == 512
    if not after:  # the fake coordinator forgets a task it has handed out with a lost answer; a real one does not
        fake.result(second)


@pytest.mark.parametrize("kind", [500, "reset", "garbage", 404])
def test_a_heartbeat_that_fails_does_no_harm(tools, fake, kind):
    fake.fault("POST", "/workers/heartbeat", kind, count=3)
    start(tools, fake, "--heartbeat-interval", "50ms")
    fake.wait(lambda: fake.heartbeats >= 3, what="heartbeats after the fault")
    assert fake.result(fake.submit(["true"]))["exit_status"] == 0
    assert len(fake.registrations) == 1


@pytest.mark.parametrize("kind", [500, 503, "reset", 403])
def test_an_upload_that_fails_is_repeated(tools, fake, kind):
    fake.fault("PUT", "/store/", kind, count=2)
    start(tools, fake)
    number = fake.submit(["echo", "text"], terminal_output=True)
    assert fake.result(number)["msg"] is None
    assert fake.stdout(number) == "text\n"


def test_a_store_whose_name_is_not_known_is_tried_again(tools, fake):
    """A label of more than 63 characters is refused by every resolver, and by none after a wait."""
    fake.places = [f"http://{'x' * 64}.invalid"] * 2
    worker = start(tools, fake)
    number = fake.submit(["echo", "text"], terminal_output=True)
    assert fake.result(number)["msg"] is None and fake.stdout(number) == "text\n"
    assert "Upload of std-log.tar.gz failed: " in worker.output() and not fake.places


def test_a_coordinator_whose_name_is_not_known(tools):
    name = "x" * 64 + ".invalid"
    result = tools.run("worker", "--coordinator", f"http://{name}:5000", "--user", "u", "--password", "p", timeout=20)
    assert result.returncode not in (0, None) and name in result.stdout + result.stderr


def test_a_refused_artifact_is_named_and_the_task_committed(tools, fake):
    fake.fault("POST", "/workers/tasks", 403, contains='"Upload":{"content_type":"result"')
    start(tools, fake)
    number = fake.submit(["sh", "-c", 'echo x > "$MITO_RESULT_DIR/f"; echo out'], terminal_output=True)
    result = fake.result(number)
    assert result["exit_status"] == 0 and "result.tar.gz is missing" in result["detail"]["notes"][0]
    assert fake.stdout(number) == "out\n"


def test_a_task_that_was_taken_away_is_dropped(tools, fake):
    fake.fault("POST", "/workers/tasks", 404, contains="Complete")
    start(tools, fake)
    fake.submit(["true"])
    assert fake.result(fake.submit(["true"]))["exit_status"] == 0


def test_a_result_outlives_an_outage_of_the_coordinator(tools, fake):
    start(tools, fake, "--heartbeat-interval", "100ms")
    gate = tools.directory / "gate"
    os.mkfifo(gate)
    number = fake.submit(["sh", "-c", f"cat {gate}; echo kept"], terminal_output=True)
    fake.wait(lambda: not fake.tasks, what="the task is taken")
    writer = open(gate, "w")  # blocks until the command reads
    fake.stop()
    writer.close()
    wait_until(lambda: "A report on task" in worker_output(tools), what="a report that fails")
    fake.start()
    assert fake.result(number)["exit_status"] == 0
    assert fake.stdout(number) == "kept\n"
    assert len(fake.registrations) == 1


def worker_output(tools) -> str:
    return next(process for process in tools._processes if process.arguments[1] == "worker").output()


@pytest.mark.parametrize("where", ["fetch", "heartbeat", "report"])
def test_a_removed_worker_kills_its_task_and_ends(tools, fake, where):
    worker = start(tools, fake, "--heartbeat-interval", "50ms" if where == "heartbeat" else "5m")
    if where != "fetch":
        pid = tools.directory / "pid"
        fake.submit(["sh", "-c", f"echo $$ > {pid}; " + ("sleep 60" if where == "heartbeat" else "sleep 0.1")])
        wait_until(lambda: pid.exists() and pid.read_text().endswith("\n"), what="the command")
    with fake.changed:
        fake.workers.clear()
        fake.changed.notify_all()
    if where == "fetch":
        fake.submit(["true"])
    wait_until(lambda: worker.process.poll() is not None, 30, "the end of the worker")
    assert worker.process.returncode == 4
    assert not fake.results
    if where == "heartbeat":
        assert not pathlib.Path(f"/proc/{int(pid.read_text())}").exists()
    assert not list(cache(tools).glob("*-*")), "its directory is gone"


@pytest.mark.parametrize("how", ["always", "lost"])
def test_a_worker_that_was_lost_registers_again(tools, fake, how):
    start(tools, fake, "--reconnect", how)
    if how == "lost":
        fake.wait(lambda: any("wait=" in entry[1] for entry in fake.log), what="a fetch")
        fake.stop()
        wait_until(lambda: "Fetching a task failed" in worker_output(tools), what="a failed fetch")
    with fake.changed:
        fake.workers.clear()
        fake.changed.notify_all()
    if how == "lost":
        fake.start()
    else:
        fake.submit(["true"])
    fake.wait(lambda: len(fake.registrations) == 2, what="a second registration")
    assert fake.result(fake.submit(["true"]))["exit_status"] == 0


# ---------------------------------------------------------------------------------------------------------------- stops

def test_sigterm_lets_a_task_finish(tools, fake):
    worker = tools.worker(fake.url, "--grace", "30s")
    gate = tools.directory / "gate"
    os.mkfifo(gate)
    number = fake.submit(["cat", gate])
    fake.submit(["true"])
    writer = open(gate, "w")
    worker.signal(signal.SIGTERM)
    worker.wait_for_output("Wait for resource cleanup")
    writer.close()
    assert worker.process.wait(20) == 0
    assert fake.results[number]["exit_status"] == 0 and not fake.results[number].get("next")
    assert fake.unregistered == 1 and len(fake.tasks) == 1
    assert not list(cache(tools).glob("*-*"))


@pytest.mark.parametrize("second", [False, True], ids=["grace over", "second signal"])
def test_sigterm_ends_a_task_that_goes_on(tools, fake, second):
    worker = tools.worker(fake.url, "--grace", "30s" if second else "100ms", "--kill-grace", "30s" if second else "100ms")
    pid = tools.directory / "pid"
    fake.submit(["sh", "-c", f"trap '' TERM; echo $$ > {pid}; sleep 60; sleep 60"])
    wait_until(lambda: pid.exists() and pid.read_text().endswith("\n"), what="the command")
    worker.signal(signal.SIGTERM)
    if second:
        worker.wait_for_output("Wait for resource cleanup")
        worker.signal(signal.SIGTERM)
    assert worker.process.wait(10) == 3
    assert not pathlib.Path(f"/proc/{int(pid.read_text())}").exists()
    assert not fake.results and fake.unregistered == 1


def test_sigterm_while_the_coordinator_hangs(tools, fake):
    fake.fault("GET", "/workers/tasks", "hang", count=100)
    fake.fault("DELETE", "/workers", "hang", count=100)
    worker = start(tools, fake)
    fake.wait(lambda: any(entry[0] == "GET" for entry in fake.log), what="a fetch")
    begin = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - begin < 6


def test_a_killed_worker_takes_its_task_with_it(tools, fake):
    worker = start(tools, fake)
    pid = tools.directory / "pid"
    fake.submit(["sh", "-c", f"setsid sh -c 'echo $$ > {pid}; sleep 60' & wait"])
    wait_until(lambda: pid.exists() and pid.read_text().endswith("\n"), what="the command")
    worker.kill()
    wait_until(lambda: not pathlib.Path(f"/proc/{int(pid.read_text())}").exists(), what="the end of the command")


# ------------------------------------------------------------------------------------------------------------- original

def test_against_the_originals_coordinator(tools, original):
    start(tools, original, "--polling-interval", "50ms")
    number = original.submit(["sh", "-c", 'echo x > "$MITO_RESULT_DIR/f"; echo out'], terminal_output=True)
    assert original.result(number) == {"exit_status": 0, "msg": None}
    ops = [op if isinstance(op, str) else next(iter(op)) for _, op in original.reports]
    assert ops == ["Finish", "Upload", "Upload", "Commit"]
    assert not any("wait" in entry[1] or entry[1].endswith("/state") for entry in original.log)
    assert original.stdout(number) == "out\n"
    late = original.submit(["sleep", "60"], timeout="1s")
    assert original.result(late) == {"exit_status": 15, "msg": "ExecTimeout"}
    ops = [op if isinstance(op, str) else next(iter(op)) for task, op in original.reports if task == late]
    assert ops == ["Cancel", "Commit"]


def test_what_is_to_say_goes_among_the_logs_there(tools, original):
    start(tools, original, "--polling-interval", "50ms")
    number = original.submit(["no-such-program"])
    assert original.result(number) == {"exit_status": 32512, "msg": None}
    detail = json.loads(original.members(number, "exec-log")["exec-log/mitosis.json"][1])
    assert "No such file or directory" in detail["reason"]


def test_polls_at_its_interval(tools, original):
    start(tools, original, "--polling-interval", "300ms")
    begin = time.monotonic()
    original.wait(lambda: sum(entry[0] == "GET" and entry[1] == "/workers/tasks" for entry in original.log) >= 4, what="four polls")
    assert time.monotonic() - begin > 0.6


# ----------------------------------------------------------------------------------------------------------- bad start

@pytest.mark.parametrize("arguments, message", [
    (["--groups", "lab:boss"], "boss"),
    (["--groups", "a b"], "group"),
    (["--coordinator", "ftp://x"], "http"),
    (["--password-file", "/no/such/file"], "/no/such/file"),
    (["--slots", "0"], "slots"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_bad_settings_are_named(tools, arguments, message):
    result = tools.run("worker", "--user", "u", *arguments, timeout=20)
    assert result.returncode not in (0, None)
    assert message in result.stdout + result.stderr


def test_a_coordinator_that_is_not_there(tools):
    result = tools.run("worker", "--coordinator", "http://127.0.0.1:1", "--user", "u", "--password", "p", timeout=20)
    assert result.returncode not in (0, None)
    assert "127.0.0.1:1" in result.stdout + result.stderr
