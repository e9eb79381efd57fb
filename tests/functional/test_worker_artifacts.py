"""What becomes of the files a task leaves: those that cannot be packed, and those whose upload is disturbed."""
from __future__ import annotations

import hashlib
import io
import os
import pathlib
import signal
import tarfile
import urllib.request

from conftest import wait_until
from tcp_gate import Gate


def notes_of(result: dict) -> dict:
    """Path -> what is said about it."""
    return dict(note.split(": ", 1) for note in result["detail"]["notes"])


def test_unreadable_files_are_named_and_the_others_kept(unprivileged, fake):
    unprivileged.worker(fake.url)
    number = fake.submit(["sh", "-c", 'cd "$MITO_RESULT_DIR"; mkdir d closed; for f in a d/unreadable d/kept closed/f unreadable z; do echo $f > $f; done; '
                                      'chmod 0 unreadable d/unreadable closed; id -u'], terminal_output=True)
    second = fake.submit(["sh", "-c", 'ls -A "$MITO_RESULT_DIR"'], terminal_output=True)
    result = fake.result(number)
    assert fake.stdout(number).strip() != "0", "root may read everything"
    assert (result["state"], result["exit_status"], result["msg"]) == ("Finished", 0, None)
    members = fake.members(number, "result")
    assert list(members) == ["result", "result/a", "result/d", "result/d/kept", "result/z"]
    assert members["result/d/kept"][1] == b"d/kept\n" and members["result/z"][1] == b"z\n"
    assert notes_of(result) == {f"result/{name}": "left out: Permission denied" for name in ("closed", "d/unreadable", "unreadable")}
    assert fake.result(second)["exit_status"] == 0 and fake.stdout(second) == "", "and nothing of it is left for the next task"


def test_files_that_vanish_or_shrink_while_they_are_packed_are_named(tools, fake):
    """The worker is held still while it packs the first of them."""
    size = 32 << 20
    worker = tools.worker(fake.url, "--grace", "0s")
    place = tools.directory / "place"
    number = fake.submit(["sh", "-c", f'cd "$MITO_RESULT_DIR"; head -c {size} /dev/urandom > big; mkdir gone; echo x > gone/f; echo x > vanished; echo z > z; pwd > {place}'])

    def held_within() -> pathlib.Path | None:
        archive = next(tools.directory.rglob("result.tar.gz"), None)
        if archive is None or archive.stat().st_size < 64 << 10:
            return None
        worker.signal(signal.SIGSTOP)
        return archive

    archive = wait_until(held_within, what="the archive")
    try:
        wait_until(lambda: " T " in pathlib.Path(f"/proc/{worker.pid}/stat").read_text(), what="the worker's halt")
        assert archive.stat().st_size < size, "it was too late"
        top = pathlib.Path(place.read_text().strip())
        os.truncate(top / "big", 0)
        (top / "vanished").unlink()
        (top / "gone" / "f").unlink()
        (top / "gone").rmdir()
    finally:
        worker.signal(signal.SIGCONT)
    result = fake.result(number)
    assert (result["state"], result["exit_status"], result["msg"]) == ("Finished", 0, None)
    assert notes_of(result) == {"result/big": "incomplete: it became shorter", "result/gone": "left out: No such file or directory",
                                "result/vanished": "left out: No such file or directory"}
    members = fake.members(number, "result")
    assert list(members) == ["result", "result/big", "result/z"] and members["result/z"][1] == b"z\n"
    assert len(members["result/big"][1]) == size, "the archive is whole"


def test_an_upload_that_is_cut_in_its_midst_is_repeated(tools, coordinator, admin):
    gate = Gate(coordinator.port)
    try:
        worker = tools.worker(f"http://127.0.0.1:{gate.port}", "--grace", "5s")
        gate.break_within(2 << 20, times=4)  # the HTTP client itself repeats what fails on connections it had kept
        uuid = coordinator.api.submit(admin, ["sh", "-c", 'cd "$MITO_RESULT_DIR"; head -c 4194304 /dev/urandom > f; sha256sum f | cut -d" " -f1 > sum; echo whole'],
                                      terminal_output=True)
        assert coordinator.api.wait_for_result(admin, uuid)["result"] == {"exit_status": 0, "msg": None}
        assert gate.broken == 4 and "Upload of result.tar.gz failed" in worker.output()
        sizes = {entry["content_type"]: entry["size"] for entry in coordinator.api.call("GET", f"/tasks/{uuid}", token=admin)["artifacts"]}
        assert set(sizes) == {"result", "std-log"}
        members = {}
        for kind, size in sizes.items():
            url = coordinator.api.call("GET", f"/tasks/{uuid}/download/artifacts/{kind}", token=admin)["url"]
            with urllib.request.urlopen(url, timeout=30) as answer:
                data = answer.read()
            assert len(data) == size
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                members.update({member.name: tar.extractfile(member).read() for member in tar if member.isreg()})
        assert hashlib.sha256(members["result/f"]).hexdigest() == members["result/sum"].decode().strip()
        assert members["std-log/stdout.log"] == b"whole\n"
        assert worker.stop() == 0
    finally:
        gate.end()


def test_an_upload_that_stands_still_is_repeated(tools, fake):
    fake.fault("PUT", "/store/", "hang")
    worker = tools.worker(fake.url, "--grace", "0s", "--stall-timeout", "1s")
    number = fake.submit(["echo", "text"], terminal_output=True)
    assert fake.result(number)["msg"] is None
    assert fake.stdout(number) == "text\n"
    assert worker.output().count("Upload of std-log.tar.gz failed") == 1
