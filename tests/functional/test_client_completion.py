"""The completion scripts in the shells that they are for: every command, options, and what only the coordinator knows."""
from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from conftest import BINARY, clean_environment
from terminal import Terminal
from test_golden import all_commands

ADMIN = "mitosis_admin"


def needs(shell: str):
    return pytest.mark.skipif(shutil.which(shell) is None and not os.environ.get("CI"), reason=f"{shell} is not installed: script/bootstrap --test")


@pytest.fixture
def script(tools):
    """Writes the script for a shell where that shell looks for it; the environment in which it is found, and `mito` with it."""
    def write(shell: str, name: str):
        folder = tools.directory / "scripts"
        folder.mkdir()
        (folder / name).write_text(tools.run("completion", shell).stdout)
        programs = tools.directory / "programs"
        programs.mkdir()
        (programs / "mito").symlink_to(BINARY)
        environment = clean_environment(tools.directory, {"PATH": f"{programs}:{os.environ['PATH']}", "TERM": "dumb", "LC_ALL": "C.UTF-8"})
        return folder / name, environment
    return write


def by_group(tools) -> dict[str, set[str]]:
    """The names of all commands, and of the groups in which they stand, by the line in front of them."""
    found: dict[str, set[str]] = {}
    for words in all_commands(tools):
        for at, name in enumerate(words):
            found.setdefault(" ".join(["mito client", *words[:at]]), set()).add(name)
    return found


def asked_for(coordinator) -> str:
    return f"mito client -c {coordinator.url} -u {ADMIN} -p {ADMIN}"


# --- fish


@pytest.fixture
def fish(tools, script):
    """What fish offers for lines: the words, each with what is said about it."""
    path, environment = script("fish", "mito.fish")

    def run(lines: list[str]) -> list[dict[str, str]]:
        asked = "source $argv[1]; for line in $argv[2..-1]; complete -C $line; echo ----; end"
        done = subprocess.run(["fish", "--no-config", "-c", asked, path, *lines], env=environment, cwd=tools.directory, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        found = done.stdout.split("----\n")[:-1]
        return [dict(line.partition("\t")[::2] for line in each.splitlines()) for each in found]
    return run


@needs("fish")
def test_fish_completes_every_command_and_its_options(tools, fish):
    groups = by_group(tools)
    for (line, names), found in zip(groups.items(), fish([f"{line} " for line in groups])):
        assert set(found) - {"help"} == names and all(found.values()), line  # each with its help
    lines = ["auth", "tasks submit", "groups attachments download", "admin users create", "workers cancel-many"]
    assert [list(found) for found in fish([f"mito client {line} --forma" for line in lines])] == [["--format"]] * len(lines)


@needs("fish")
def test_fish_completes_values(coordinator, admin, tools, fish):
    coordinator.api.call("POST", "/groups", {"group_name": "laboratory"}, admin)
    (tools.directory / "tasks.json").write_text("[]")
    asked = asked_for(coordinator)
    assert [list(found) for found in fish(["mito cl", "mito client tasks query -s canc", "mito client tasks query --state=canc",
                                           "mito client tasks submit-many -f tas", "mito client --format ya", f"{asked} groups get lab"])] == [
        ["client"], ["cancelled"], ["--state=cancelled"], ["tasks.json"], ["yaml"], ["laboratory"]]


# --- zsh


@pytest.fixture
def zsh(tools, script):
    """What is shown, and what the line becomes, when Tab is pressed in a zsh that found the script in its $fpath."""
    path, environment = script("zsh", "_mito")
    started = []

    def after_tab(line: str) -> tuple[str, str]:
        if not started:
            started.append(Terminal(["-f", "-i"], {**environment, "PS1": "", "PS2": ""}, tools.directory, 200, program=shutil.which("zsh")))
            setup = (f"fpath=({path.parent} $fpath); autoload -U compinit; compinit -u -D; setopt no_beep auto_list list_packed\n"
                     "show() { print -r -- \"=<$BUFFER>=\"; BUFFER= }; zle -N show; bindkey '^X' show; PS1='ready'\"> \"\n")
            started[0].send(setup)
            started[0].expect_next("ready> ")
        started[0].send(f"{line}\t\x18")
        shown = started[0].expect_next("=<")
        return shown, started[0].expect_next(">=").replace("\r\n", "")
    yield after_tab
    for each in started:
        each.end()


@needs("zsh")
def test_zsh_completes_every_command_and_its_options(tools, zsh):
    for line, names in by_group(tools).items():
        shown, became = zsh(f"{line} ")
        missing = [name for name in names if not re.search(rf"(?m)^{name} +-- \S", shown)]
        assert not missing or became == f"{line} {missing[0]} ", (line, shown)  # the only one is not listed but taken
    for line in ("mito client tasks submit", "mito client groups attachments download", "mito client auth"):
        assert zsh(f"{line} --forma")[1] == f"{line} --format "


@needs("zsh")
def test_zsh_completes_values(coordinator, admin, tools, zsh):
    coordinator.api.call("POST", "/groups", {"group_name": "laboratory"}, admin)
    (tools.directory / "tasks.json").write_text("[]")
    asked = asked_for(coordinator)
    for line, whole in (("mito cl", "mito client "), ("mito client tasks query -s canc", "mito client tasks query -s cancelled "),
                        ("mito client tasks query --state=canc", "mito client tasks query --state=cancelled "),
                        ("mito client tasks submit-many -f tas", "mito client tasks submit-many -f tasks.json "),
                        (f"{asked} groups get lab", f"{asked} groups get laboratory ")):
        assert zsh(line)[1] == whole


@pytest.mark.parametrize("shell, arguments, prepared", [
    pytest.param("bash", ["--norc", "-c"], "", marks=needs("bash")), pytest.param("fish", ["--no-config", "-c"], "", marks=needs("fish")),
    pytest.param("zsh", ["-f", "-c"], "autoload -U compinit; compinit -u -D; ", marks=needs("zsh"))])
def test_a_script_that_is_read_prints_nothing(tools, script, shell, arguments, prepared):
    path, environment = script(shell, "script")
    done = subprocess.run([shell, *arguments, f"{prepared}source {path}"], env=environment, cwd=tools.directory, text=True, capture_output=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
