#!/usr/bin/env python3
"""A transport study through Mitosis, on one machine: how TCP's congestion control algorithms fare with 1, 2 and 4 streams over loopback.

It starts a coordinator, two workers and an iperf3 server in a temporary directory, submits one task a measurement (every algorithm that the
kernel offers x streams x repetitions, in shuffled order), waits for each, so that no two measurements run side by side, downloads what
the tasks left in their result directories, prints a table, writes it as CSV and as a chart, and stops everything it started.
"""
from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

import report

STREAMS = (1, 2, 4)
STARTED = re.compile(r"listening on[^\n]*?:(\d+)")


class Failed(Exception):
    """Something the study needs did not work; the text says what."""


@dataclasses.dataclass(frozen=True)
class Run:
    """One measurement."""
    algorithm: str
    streams: int
    repetition: int

    def labels(self, study: str) -> list[str]:
        return [f"study={study}", f"algorithm={self.algorithm}", f"streams={self.streams}", f"repetition={self.repetition}"]


class Platform:
    """A coordinator and two workers of their own, in one directory."""

    def __init__(self, mito: pathlib.Path, directory: pathlib.Path):
        self.mito = mito
        self.directory = directory
        self._processes: list[subprocess.Popen] = []
        self.url = ""
        # Nothing of the user's own configuration, and nothing left in his home.
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(("MITO_", "XDG_"))}
        for name in ("config", "cache", "data"):
            self.environment[f"XDG_{name.upper()}_HOME"] = str(directory / name)
        self.environment["NO_COLOR"] = "1"

    def start(self) -> None:
        log = self._start("coordinator", "coordinator", "--bind", "127.0.0.1:0", "--data-dir", str(self.directory / "coordinator"))
        self.url = "http://127.0.0.1:" + self._wait_for(log, STARTED).group(1)
        self.environment["MITO_COORDINATOR_ADDR"] = self.url
        for number in (1, 2):
            log = self._start(f"worker-{number}", "worker", "--user", "mitosis_admin", "--password", "mitosis_admin")
            self._wait_for(log, re.compile("Worker registered with ID"))

    def start_server(self, program: str) -> int:
        """An iperf3 server on loopback; its port."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        log = self._launch("iperf3-server", [program, "--server", "--bind", "127.0.0.1", "--port", str(port), "--forceflush"])
        self._wait_for(log, re.compile("Server listening"))
        return port

    def client(self, *arguments: str, check: bool = True) -> str:
        """Standard output of `mito client …` as the admin."""
        command = [str(self.mito), "client", "--user", "mitosis_admin", "--password", "mitosis_admin", *arguments]
        done = subprocess.run(command, env=self.environment, cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if check and done.returncode:
            raise Failed(f"mito client {' '.join(arguments)} failed ({done.returncode}):\n{done.stderr}{done.stdout}")
        return done.stdout

    def stop(self) -> None:
        for process in reversed(self._processes):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in reversed(self._processes):
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, name: str, *arguments: str) -> pathlib.Path:
        return self._launch(name, [str(self.mito), *arguments])

    def _launch(self, name: str, command: list[str]) -> pathlib.Path:
        log = self.directory / f"{name}.log"
        with open(log, "wb") as out:
            self._processes.append(subprocess.Popen(command, env=self.environment, cwd=self.directory, stdin=subprocess.DEVNULL,
                                                    stdout=out, stderr=subprocess.STDOUT, start_new_session=True))
        return log

    def _wait_for(self, log: pathlib.Path, pattern: re.Pattern, timeout: float = 20.0) -> re.Match:
        process = self._processes[-1]
        deadline = time.monotonic() + timeout
        while True:
            text = log.read_text(errors="replace")
            if match := pattern.search(text):
                return match
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{log.stem} did not start:\n{text}")
            time.sleep(0.01)


def algorithms() -> list[str]:
    """The congestion control algorithms of the kernel that a program of this user may choose."""
    try:
        offered = pathlib.Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text(encoding="ascii").split()
    except OSError as error:
        raise Failed(f"this kernel does not tell its congestion control algorithms: {error}") from error
    usable = []
    for name in sorted(offered):
        with socket.socket() as probe, contextlib.suppress(PermissionError):
            probe.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode("ascii"))
            usable.append(name)
    return usable


def plan(names: list[str], repetitions: int, seed: int) -> list[Run]:
    runs = [Run(name, streams, repetition) for name in names for streams in STREAMS for repetition in range(1, repetitions + 1)]
    random.Random(seed).shuffle(runs)
    return runs


def measure(platform: Platform, runs: list[Run], study: str, port: int, seconds: float) -> None:
    """One task for each run, one after another."""
    width = len(str(len(runs)))
    for number, run in enumerate(runs, 1):
        what = f"{run.algorithm}, {run.streams} stream{'s' if run.streams > 1 else ''}, repetition {run.repetition}"
        print(f"\r\x1b[K  [{number:{width}}/{len(runs)}] {what}" if sys.stdout.isatty() else f"  [{number:{width}}/{len(runs)}] {what}",
              end="" if sys.stdout.isatty() else "\n", flush=True)
        command = (f'exec iperf3 --client 127.0.0.1 --port {port} --congestion {run.algorithm} --parallel {run.streams} --time {seconds:g} '
                   '--json > "$MITO_RESULT_DIR/iperf3.json"')
        platform.client("tasks", "submit", "--wait", "--timeout", "60s", "--labels", ",".join(run.labels(study)), "--", "sh", "-c", command)
    if sys.stdout.isatty():
        print("\r\x1b[K", end="")


def collect(platform: Platform, study: str, directory: pathlib.Path) -> dict[Run, dict]:
    """What each run measured, from the artifacts of the study's tasks."""
    tasks = json.loads(platform.client("--format", "json", "tasks", "query", "--labels", f"study={study}"))
    found = {}
    for task in tasks:
        labels = dict(label.split("=", 1) for label in task["labels"])
        run = Run(labels["algorithm"], int(labels["streams"]), int(labels["repetition"]))
        archive = directory / f"{run.algorithm}-{run.streams}-{run.repetition}.tar.gz"
        platform.client("tasks", "artifacts", "download", task["uuid"], "result", "--output", str(archive))
        with tarfile.open(archive) as tar:
            measured = json.load(tar.extractfile("result/iperf3.json"))
        if "error" in measured:
            raise Failed(f"iperf3 failed in task {task['uuid']}: {measured['error']}")
        found[run] = {"task": task, "sent": measured["end"]["sum_sent"], "received": measured["end"]["sum_received"]}
    return found


def summarise(platform: Platform, found: dict[Run, dict]) -> list[report.Row]:
    cells = collections.defaultdict(list)
    for run, measured in found.items():
        answer = json.loads(platform.client("--format", "json", "tasks", "get", measured["task"]["uuid"]))
        times = answer["info"] | answer["detail"]
        created, started, finished = (report.seconds(times[key]) for key in ("created_at", "started_at", "finished_at"))
        cells[(run.algorithm, run.streams)].append((measured["received"]["bits_per_second"] / 1e9, measured["sent"].get("retransmits", 0),
                                                    started - created, finished - started))
    rows = []
    for (algorithm, streams), values in sorted(cells.items()):
        speeds, retransmits, queued, ran = zip(*values)
        rows.append(report.Row(algorithm, streams, len(values), statistics.fmean(speeds), report.half_interval(speeds),
                               statistics.fmean(retransmits), statistics.fmean(queued), statistics.fmean(ran)))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mito", type=pathlib.Path, default=pathlib.Path("build/release/bin/mito"), help="the program (default %(default)s)")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("demo-results"), help="folder for the results (default ./%(default)s)")
    parser.add_argument("--repetitions", type=int, default=3, help="of each measurement (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=1, help="length of a measurement (default %(default)g)")
    parser.add_argument("--seed", type=int, default=None, help="of the order (default: a new one each time)")
    options = parser.parse_args()
    if options.repetitions < 1 or options.seconds <= 0:
        parser.error("--repetitions and --seconds must be positive")
    mito = options.mito.resolve()
    iperf3 = shutil.which("iperf3")
    if not mito.exists():
        parser.error(f"{mito} does not exist: run script/build")
    if not iperf3:
        parser.error("iperf3 is missing: run script/bootstrap --demo")

    began = time.monotonic()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="mitosis-demo-") as temporary:
        directory = pathlib.Path(temporary)
        platform = Platform(mito, directory)
        try:
            platform.start()
            port = platform.start_server(iperf3)
            names = algorithms()
            runs = plan(names, options.repetitions, seed)
            print(f"A coordinator at {platform.url} and two workers are up.")
            print(f"{len(runs)} measurements: {', '.join(names)} x {', '.join(map(str, STREAMS))} streams x {options.repetitions} repetitions, "
                  f"{options.seconds:g} s each, in the order of seed {seed}.")
            study = f"{seed}-{os.getpid()}"
            measure(platform, runs, study, port, options.seconds)
            rows = summarise(platform, collect(platform, study, directory))
        except Failed as error:
            print(f"\ndemo: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("\ndemo: interrupted", file=sys.stderr)
            return 130
        finally:
            platform.stop()

    print(report.table(rows))
    options.output.mkdir(parents=True, exist_ok=True)
    csv_path, html_path = options.output / "congestion-control.csv", options.output / "congestion-control.html"
    report.write_csv(csv_path, rows)
    report.write_html(html_path, rows, f"{len(runs)} measurements of {options.seconds:g} s over loopback, seed {seed}")
    print(f"Everything is stopped after {time.monotonic() - began:.0f} s. The results are in\n  {csv_path.resolve()}\n  {html_path.resolve()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
