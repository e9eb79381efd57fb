"""Where the roles write their logs, and how filters and colours are chosen."""
from __future__ import annotations

import datetime
import re

from conftest import wait_until

LINE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (TRACE|DEBUG| INFO| WARN|ERROR) \S+: .+"


def only_file(directory):
    """The one file below the directory, once it is there."""
    return wait_until(lambda: next((path for path in directory.rglob("*") if path.is_file()), None), 10, f"a file in {directory}")


def lines_are_well_formed(text, prefix=""):
    return all(re.fullmatch(prefix + LINE, line) for line in text.splitlines())


def test_console_lines_without_colour(tools):
    coordinator = tools.coordinator(extra={"NO_COLOR": ""})
    assert lines_are_well_formed(coordinator.output()), coordinator.output()


def test_rust_log_sets_the_level(tools):
    quiet = tools.start("coordinator", "--bind", "127.0.0.1:0", extra={"RUST_LOG": "error"}, name="quiet")
    wait_until(lambda: (tools.directory / "data" / "mitosis" / "mitosis.db").exists(), 10, "the database")
    assert quiet.stop() == 0 and quiet.output() == ""
    loud = tools.coordinator(extra={"RUST_LOG": "netmito=debug"}, name="loud")
    assert loud.api.call("GET", "/health") == {"status": "ok"}


def test_coordinator_log_file_of_each_day(tools, tmp_path):
    tools.coordinator("--file-log")
    path = only_file(tmp_path / "cache" / "mitosis" / "coordinator")
    today = datetime.datetime.now(datetime.timezone.utc).date()
    assert re.fullmatch(r"127\.0\.0\.1:0\.log\.\d{4}-\d\d-\d\d", path.name) and abs(datetime.date.fromisoformat(path.name[-10:]) - today).days <= 1
    wait_until(lambda: "listening on" in path.read_text(), 10, "the line in the file")
    assert lines_are_well_formed(path.read_text())


def test_coordinator_log_file_at_an_exact_path(tools, tmp_path):
    coordinator = tools.coordinator("--file-log", "--log-path", tmp_path / "logs" / "exact.log", extra={"MITO_FILE_LOG_LEVEL": "netmito=info"})
    assert coordinator.stop() == 0
    assert "listening on" in (tmp_path / "logs" / "exact.log").read_text()
    assert not (tmp_path / "cache" / "mitosis" / "coordinator").exists()


def test_a_log_file_that_cannot_be_written_is_refused(tools, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = tools.run("coordinator", "--bind", "127.0.0.1:0", "--file-log", "--log-path", tmp_path / "file" / "below" / "x.log", timeout=20)
    assert result.returncode == 1 and str(tmp_path / "file" / "below") in result.stderr


def test_worker_log_file_is_named_after_the_worker(tools, coordinator, tmp_path):
    worker = tools.worker(coordinator.url, "--file-log")
    uuid = re.search(r"Worker registered with ID: (\S+)", worker.output()).group(1)
    path = tmp_path / "cache" / "mitosis" / "worker" / f"{uuid}.log"
    wait_until(lambda: path.exists() and "Worker registered with ID" in path.read_text(), 10, "the worker's log file")
    assert worker.stop() == 0
    assert "graceful shutdown" in path.read_text() and lines_are_well_formed(path.read_text())


def test_workers_share_a_log_file(tools, coordinator, tmp_path):
    workers = [tools.worker(coordinator.url, "--file-log", "--shared-log") for _ in range(2)]
    uuids = [re.search(r"Worker registered with ID: (\S+)", worker.output()).group(1) for worker in workers]
    path = only_file(tmp_path / "cache" / "mitosis" / "worker")
    assert re.fullmatch(r"workers\.log\.\d{4}-\d\d-\d\d", path.name)
    wait_until(lambda: all(f"[worker:{uuid}] " in path.read_text() for uuid in uuids), 10, "lines of both workers")
    assert lines_are_well_formed(path.read_text(), r"\[worker:[0-9a-f-]{36}\] ")
