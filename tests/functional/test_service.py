"""What a service manager hears of coordinator and worker (sd_notify), and the units in deploy/systemd."""
from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess

import pytest

from conftest import ROOT, wait_until

UNITS = ROOT / "deploy" / "systemd"


@pytest.fixture
def manager(tmp_path):
    """A socket as systemd's, and what came in on it."""
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ear.bind(str(tmp_path / "notify"))
    ear.setblocking(False)
    heard = []

    def listen(text):
        def came():
            try:
                while True:
                    heard.append(ear.recv(4096).decode())
            except BlockingIOError:
                return any(text in message for message in heard)
        wait_until(came, 20, f"{text!r} (so far {heard})")
        return heard
    yield {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}, listen
    ear.close()


def test_a_coordinator_says_when_it_serves_and_that_it_lives(tools, manager):
    environment, listen = manager
    coordinator = tools.coordinator(extra=environment)
    assert any("READY=1\nSTATUS=serving http://127.0.0.1" in message for message in listen("READY=1"))
    listen("WATCHDOG=1")
    coordinator.signal(signal.SIGTERM)
    listen("STOPPING=1")


def test_a_worker_says_when_it_is_registered(tools, coordinator, manager):
    environment, listen = manager
    tools.worker(coordinator.url, extra=environment)
    assert any("READY=1\nSTATUS=registered as" in message for message in listen("READY=1"))
    listen("WATCHDOG=1")


def test_tasks_do_not_inherit_the_managers_socket(tools, coordinator, admin, manager):
    environment, _ = manager
    tools.worker(coordinator.url, extra=environment)
    uuid = coordinator.api.submit(admin, ["sh", "-c", "test -z \"$NOTIFY_SOCKET$WATCHDOG_USEC$MITO_LAUNCHER\""])
    assert coordinator.api.wait_for_result(admin, uuid)["result"]["exit_status"] == 0


def test_the_admins_first_password_comes_from_a_file(tools, tmp_path):
    (tmp_path / "password").write_text("from a file\nnot this\n")
    coordinator = tools.coordinator("--admin-password-file", tmp_path / "password")
    assert coordinator.api.login("mitosis_admin", "from a file")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "other").mkdir()
    other = tools.coordinator("--admin-password-file", tmp_path / "empty", directory=tmp_path / "other")
    assert other.api.login()
    done = tools.run("coordinator", "--bind", "127.0.0.1:0", "--data-dir", tmp_path / "third", "--admin-password-file", tmp_path / "missing")
    assert done.returncode != 0 and "admin_password_file" in done.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is missing")
@pytest.mark.parametrize("unit", sorted(path.name for path in UNITS.glob("*.service")))
def test_units_are_well_formed(unit, tmp_path):
    # As installed, with a program and manual pages that are there on any machine.
    text = (UNITS / unit).read_text().replace("/usr/bin/mito", "/bin/true").replace("Documentation=man:mito(1)", "")
    path = tmp_path / unit.replace("@", "@one")
    path.write_text(text)
    checked = subprocess.run(["systemd-analyze", "verify", str(path)], text=True, capture_output=True)
    complaints = [line for line in checked.stderr.splitlines() if unit.split(".")[0].split("@")[0] in line]
    assert checked.returncode == 0 and not complaints, checked.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is missing")
@pytest.mark.parametrize("unit, most", [("mito-coordinator.service", 2.5), ("mito-worker@.service", 8.5)])
def test_units_leave_no_more_exposed_than_they_need(unit, most):
    """A worker runs what measurements need, raw sockets and settings of the network among it; the machine's own parts are out of its reach."""
    checked = subprocess.run(["systemd-analyze", "security", "--offline=true", str(UNITS / unit)], text=True, capture_output=True)
    exposure = re.search(r"Overall exposure level for [^:]*: ([\d.]+)", checked.stdout)
    assert exposure and float(exposure.group(1)) < most, checked.stdout[-400:] + checked.stderr


def test_workers_keep_what_tasks_need_and_give_up_the_rest():
    unit = (UNITS / "mito-worker@.service").read_text()
    for line in ("Type=notify", "Delegate=yes", "LoadCredential=worker-password:/etc/mitosis/worker-password", "ProtectKernelModules=yes", "ProtectSystem=full"):
        assert f"\n{line}\n" in unit, line
    for forbidding in ("MemoryDenyWriteExecute", "PrivateNetwork", "RestrictAddressFamilies", "NoNewPrivileges", "SystemCallFilter", "ProtectProc"):
        assert f"\n{forbidding}=" not in unit, f"{forbidding} would keep tasks from working"
