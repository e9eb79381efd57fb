"""What the original answered to about two thousand requests, asked of our coordinator (tests/recorded)."""
from __future__ import annotations

import pathlib
import shlex
import subprocess
import sys

import pytest

from conftest import ROOT
from postgres_server import postgres_server  # noqa: F401 (a fixture)
from s3_server import s3_server  # noqa: F401 (a fixture)

RECORDED = ROOT / "tests" / "recorded"
KEYS = RECORDED / "keys"
SCENARIOS = sorted(path.stem for path in (RECORDED / "scenarios").glob("*.py"))
# Scenarios for coordinators of another make.
NEEDS_REDIS = {"redis"}


def replay(coordinator, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(RECORDED / "replay.py"), "check", *arguments, "--url", coordinator.url]
    command.append("--any-transfer-status" if getattr(coordinator, "on_s3", False) else "--any-object-store")
    return subprocess.run(command, text=True, capture_output=True, timeout=300)


def database_command(coordinator, action: str) -> str:
    script = pathlib.Path(__file__).with_name("recorded_database.py")
    return shlex.join([sys.executable, str(script), coordinator.database, action])


@pytest.fixture(scope="module", params=["sqlite", "postgres-s3"])
def recorded_coordinator(request, tmp_path_factory):
    """One fresh coordinator for all scenarios: each uses names of its own."""
    from conftest import Tools
    tools = Tools(tmp_path_factory.mktemp("recorded"))
    url, engines = None, []
    if request.param == "postgres-s3":
        url = request.getfixturevalue("postgres_server").new_url()
        engines = ["--db", url, *request.getfixturevalue("s3_server").arguments("-recorded")]
    coordinator = tools.coordinator("--access-token-private-path", KEYS / "private.pem", "--access-token-public-path", KEYS / "public.pem",
                                    "--shutdown-secret", "the-secret-of-the-tests", *engines)
    coordinator.on_s3 = request.param == "postgres-s3"
    coordinator.database = url or str(coordinator.data / "mitosis.db")
    yield coordinator
    tools.end()


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name not in NEEDS_REDIS])
def test_answers_are_those_of_the_original(recorded_coordinator, scenario):
    coordinator = recorded_coordinator
    result = replay(coordinator, scenario, "--signing-key", str(KEYS / "private.pem"),
                    "--age-command", database_command(coordinator, "age"),
                    "--lock-group-command", database_command(coordinator, "lock") + ' "$1"',
                    "--shutdown-secret", "the-secret-of-the-tests")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "left out" not in result.stdout, result.stdout


def test_every_scenario_is_replayed():
    assert len(SCENARIOS) >= 18
    assert NEEDS_REDIS < set(SCENARIOS)
