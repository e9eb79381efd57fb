"""The client on a terminal: prompts, hidden passwords, Ctrl-C, tables that fit."""
from __future__ import annotations

import os

import pytest

from conftest import clean_environment
from terminal import Terminal


@pytest.fixture
def terminal(tools, coordinator):
    started = []

    def start(*arguments, columns=80, **variables):
        started.append(Terminal(["client", "-c", coordinator.url, *arguments], clean_environment(tools.directory, variables), tools.directory, columns))
        return started[-1]
    yield start
    for each in started:
        each.end()


def test_name_and_password_are_asked_for(terminal):
    shown = terminal("auth")
    shown.expect("Local credential not found or invalid, need to login\r\nUsername: ")
    shown.send("mitosis_admin\n")
    shown.expect("Please Input Password: ")
    shown.send("mitosis_admin\n")
    assert shown.wait() == 0
    assert shown.output.endswith(b"Currently logged in as mitosis_admin\r\n")
    assert shown.output.count(b"mitosis_admin") == 2  # the name, and not the password


def test_only_what_is_missing_is_asked_for(terminal):
    shown = terminal("-p", "mitosis_admin", "auth")
    shown.expect("Username: ")
    shown.send("mitosis_admin\n")
    assert shown.wait() == 0 and b"Password" not in shown.output
    shown = terminal("admin", "users", "create", "bob")
    shown.expect("Please Input Password of new user: ")
    shown.send("bob-pw\n")
    assert shown.wait() == 0 and b"Successfully created user" in shown.output


def test_ctrl_c_at_a_question(terminal):
    shown = terminal("-u", "mitosis_admin", "auth")
    shown.expect("Please Input Password: ")
    shown.send("\x03")
    assert shown.wait() == 130


def test_tables_fit_the_terminal(terminal, coordinator, admin):
    for _ in range(3):
        coordinator.api.submit(admin, ["echo", "word " * 60], tags=["no-worker-has-this"])
    shown = terminal("-u", "mitosis_admin", "-p", "mitosis_admin", "tasks", "query", columns=100)
    assert shown.wait() == 0
    lines = shown.output.decode().splitlines()
    assert lines[0] == "Found 3 tasks in group mitosis_admin"
    assert all(len(line) <= 100 for line in lines) and "…" in lines[2]


def test_what_others_wrote_cannot_disturb_the_terminal(terminal, coordinator, admin):
    coordinator.api.submit(admin, ["echo", "\x1b[2J\nX"], tags=["none"], labels=["\x1b]0;title\x07"])
    shown = terminal("-u", "mitosis_admin", "-p", "mitosis_admin", "tasks", "query", columns=200)
    assert shown.wait() == 0 and b"\x1b" not in shown.output and b"\\x1b" in shown.output


def test_the_progress_bar_is_for_terminals(terminal, tools):
    (tools.directory / "big").write_bytes(os.urandom(8_000_000))
    shown = terminal("-u", "mitosis_admin", "-p", "mitosis_admin", "groups", "attachments", "upload", "--pb", "big")
    assert shown.wait(30) == 0
    assert b"\x1b[K" in shown.output and b"Attachment uploaded successfully" in shown.output


def test_ctrl_c_while_a_directory_is_packed(terminal, tools):
    """One that takes long: a file with a hole of many gigabytes, which packs to next to nothing."""
    (tools.directory / "huge").mkdir()
    with open(tools.directory / "huge" / "hole", "wb") as hole:
        hole.truncate(1 << 40)
    places = tools.directory / "temporary"
    places.mkdir()
    shown = terminal("-u", "mitosis_admin", "-p", "mitosis_admin", "groups", "attachments", "upload", "--pb", "huge", TMPDIR=str(places))
    shown.expect("Packing huge")
    shown.send("\x03")
    assert shown.wait() == 130
    assert shown.output.endswith(b"\r\x1b[Kinterrupted\r\n") and list(places.iterdir()) == []


@pytest.mark.parametrize("columns", [40, 60])
def test_help_and_progress_fit_a_narrow_terminal(terminal, tools, columns):
    shown = terminal("tasks", "submit", "--help", columns=columns)
    assert shown.wait() == 0
    lines = shown.output.decode().splitlines()
    assert [line for line in lines if len(line) > columns and " " in line.strip() and not line.startswith("Usage:")] == []
    (tools.directory / "a-file-with-a-rather-long-name").write_bytes(os.urandom(8_000_000))
    shown = terminal("-u", "mitosis_admin", "-p", "mitosis_admin", "groups", "attachments", "upload", "--pb", "a-file-with-a-rather-long-name", columns=columns)
    assert shown.wait(30) == 0
    drawn = [part.partition("\r")[0] for part in shown.output.decode().split("\x1b[K")[1:]]
    assert drawn and all(len(line) < columns for line in drawn[:-1]), drawn
