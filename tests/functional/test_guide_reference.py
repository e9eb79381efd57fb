"""The reference pages that are written from what the program says of itself. `MITO_ACCEPT=1` writes them anew.

The references of settings and errors are written by unit_cli, from declarations that only the program's own tests can see."""
from __future__ import annotations

import os
import re

from conftest import ROOT
from program_help import COMMON, all_commands, help_of

GUIDE = ROOT / "docs" / "guide"
HOW = "`MITO_BIN=build/release/bin/mito MITO_ACCEPT=1 .venv/bin/python -m pytest tests/functional/test_guide_reference.py`"

COMMANDS = f"""# Commands

Every command of `mito` with its arguments and options, as `--help` shows them. The options of coordinator and worker are settings, too: [settings](../settings.md)
has their keys in configuration files and in the environment. What commands write, and their exit codes: [the client](../client.md).

The [options of every command](#mito-client) of the client stand before the command, or in their long form behind it.

This page is written from the program's own declarations: {HOW}.
"""

METRICS = f"""# Metrics

Everything that `GET /metrics` of a coordinator shows, in the text format of Prometheus. It answers this machine only, or, with the setting `metrics_token`,
whoever sends that as a bearer token. Counters (`_total`) begin at 0 when the coordinator starts.

This page is written from what a coordinator answers: {HOW}.

| name | type | labels | meaning |
|---|---|---|---|
"""


def compare(name: str, expected: str) -> None:
    path = GUIDE / name
    if os.environ.get("MITO_ACCEPT"):
        path.write_text(expected)
    found = path.read_text() if path.exists() else ""
    assert found == expected, f"docs/guide/{name} is stale; the page says how to write it anew"


def test_commands():
    page = COMMANDS
    for found in all_commands():
        text = found.text if found.path == ("mito", "client") else found.own_text
        page += f"\n## {' '.join(found.path)}\n\n```text\n{text.rstrip()}\n```\n"
    assert page.count(COMMON) == 1 and len(all_commands()) > 60
    compare("reference-commands.md", page)


def test_the_help_of_a_group_names_its_commands():
    """What the page is made of is whole: groups lead to commands that have options of their own."""
    assert {"coordinator", "worker", "client", "manager", "dev", "completion"} == set(help_of(("mito",)).commands)
    assert set(help_of(("mito", "coordinator")).commands) == {"backup", "restore", "set-password"}
    assert "submit" in help_of(("mito", "client", "tasks")).commands and "--tags" in help_of(("mito", "client", "tasks", "submit")).options


def test_metrics(coordinator):
    status, _, body = coordinator.api.request("GET", "/metrics")
    assert status == 200
    text = body.decode()
    rows = []
    for name, meaning in re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE):
        kind = re.search(rf"^# TYPE {name} (\S+)$", text, re.MULTILINE)[1]
        labels = dict.fromkeys(label for sample in re.findall(rf"^{name}(?:_bucket)?\{{([^}}]*)\}}", text, re.MULTILINE)
                               for label in re.findall(r"(\w+)=", sample))
        cell = meaning.replace("|", "\\|")
        rows.append(f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels) or '–'} | {cell} |\n")
    assert len(rows) > 30 and len(rows) == len(set(rows))
    compare("reference-metrics.md", METRICS + "".join(rows))
