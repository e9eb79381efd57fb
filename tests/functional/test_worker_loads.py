"""Tasks that are hard on a worker: floods of output, full disks, large files, many slots."""
from __future__ import annotations

import os
import pathlib
import time

import pytest

from conftest import wait_until


FULL = os.environ.get("MITO_TEST_FULL") == "1"


def start(tools, coordinator, *arguments, **options):
    return tools.worker(coordinator.url, "--grace", "0s", *arguments, **options)


def memory_peak(pid: int) -> int:
    line = next(line for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10


def test_ten_gibibytes_of_output_are_cut_and_their_end_kept(tools, fake):
    size = 10 << 30
    worker = start(tools, fake, "--output-limit", "1MiB")
    number = fake.submit(["sh", "-c", f"dd if=/dev/zero bs=1M count={size >> 20} status=none; echo the end"], terminal_output=True, timeout="10m")
    result = fake.result(number, timeout=300)
    data = fake.members(number, "std-log")["std-log/stdout.log"][1]
    assert data.endswith(b"the end\n") and len(data) < 1_100_000 and data.startswith(b"[the first ")
    assert str(size + 8 - (1 << 20)) in data[:100].decode(errors="replace")
    assert any("cut off" in note for note in result["detail"]["notes"])
    assert memory_peak(worker.pid) < 200 << 20


def test_large_resources(tools, fake):
    """2 GiB with MITO_TEST_FULL=1, which take that much of the disk; an eighth of it otherwise."""
    size = (2 << 30) if FULL else (256 << 20)
    fake.sparse_files["big"] = size
    worker = start(tools, fake)
    number = fake.submit(["sh", "-c", 'stat -c %s "$MITO_RESOURCE_DIR/in/big"; tail -c 4 "$MITO_RESOURCE_DIR/in/big" | od -An -tx1'], terminal_output=True,
                         resources=[{"remote_file": {"Attachment": {"key": "big"}}, "local_path": "in/big"}], timeout="10m")
    fake.result(number, timeout=300)
    assert fake.stdout(number).split() == [str(size), "00", "00", "00", "00"]
    assert memory_peak(worker.pid) < 200 << 20


def test_a_large_result_is_packed_and_sent_in_pieces(tools, fake):
    """Neither the files nor the archive are held in memory."""
    worker = start(tools, fake)
    number = fake.submit(["sh", "-c", 'cd "$MITO_RESULT_DIR"; truncate -s 128M hole; head -c 67108864 /dev/urandom > noise'])
    result = fake.result(number, timeout=120)
    assert result["exit_status"] == 0 and not result["detail"].get("notes")
    assert len(fake.artifacts[number, "result"]) > 64 << 20
    assert memory_peak(worker.pid) < 60 << 20


def test_sixty_four_idle_slots_use_no_cpu(tools, fake):
    """One process, one pool of connections, 64 registrations."""
    worker = start(tools, fake, "--slots", "64")
    fake.wait(lambda: sum(entry[0] == "GET" for entry in fake.log) >= 64, what="64 fetches")
    assert len(fake.registrations) == 64

    def cpu() -> float:
        fields = pathlib.Path(f"/proc/{worker.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before, begin = cpu(), time.monotonic()
    wait_until(lambda: time.monotonic() - begin > 2, what="two seconds")
    assert cpu() - before <= 0.1, "5% of a core at most, and that with the heartbeats of 64"


def test_a_full_disk_is_no_end(tools, fake):
    """A task that fills the disk of its directory: a small file system, where that can be made."""
    mount = tools.directory / "small"
    mount.mkdir()
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=8m tmpfs {mount} 2>/dev/null") != 0:
        pytest.skip("only root may mount a small file system")
    try:
        worker = start(tools, fake, "--work-dir", mount / "work", "--min-free", "1MiB")
        number = fake.submit(["sh", "-c", 'dd if=/dev/urandom of="$MITO_RESULT_DIR/big" bs=1M count=100; echo status $?; true'], terminal_output=True)
        result = fake.result(number, timeout=30)
        assert result["exit_status"] == 0
        assert "result.tar.gz is missing" in " ".join(result["detail"]["notes"]) and (number, "result") not in fake.artifacts
        output = fake.submit(["head", "-c", "20000000", "/dev/urandom"], terminal_output=True)
        result = fake.result(output, timeout=30)
        assert "stdout is incomplete" in " ".join(result["detail"]["notes"])
        assert fake.result(fake.submit(["true"]))["exit_status"] == 0, "the slot goes on"
        fake.idle()
        assert worker.stop() == 0
    finally:
        os.system(f"umount {mount}")
