"""What `mito` says of its own commands and options: its help, read once for each command."""
from __future__ import annotations

import dataclasses
import functools
import re
import subprocess
import tempfile
import pathlib

from conftest import BINARY, clean_environment

COMMON = "\nOptions of every command:\n"


@dataclasses.dataclass(frozen=True)
class Option:
    name: str
    takes_value: bool
    takes_many: bool


@dataclasses.dataclass(frozen=True)
class Help:
    path: tuple[str, ...]
    text: str
    commands: tuple[str, ...]
    options: dict[str, Option]

    @property
    def own_text(self) -> str:
        """Without the options that every command of the client has."""
        start = self.text.find(COMMON)
        if start < 0:
            return self.text
        end = self.text.find("\n\n", start)
        return self.text[:start] + (self.text[end + 1:] if end >= 0 else "")


@functools.lru_cache(maxsize=None)
def _home() -> pathlib.Path:
    return pathlib.Path(tempfile.mkdtemp(prefix="mito-help-"))


def _rows(text: str, title: str) -> list[str]:
    """First words of the lines of a section, without those that only go on."""
    found = re.search(rf"^{title}:\n((?:  .*\n)+)", text, re.MULTILINE)
    return re.findall(r"^ {2,6}(\S.*)$", found[1], re.MULTILINE) if found else []


def _options(text: str) -> dict[str, Option]:
    options = {}
    for title in ("Options", "Options of every command"):
        for row in _rows(text, title):
            found = re.match(r"(?:-(\w), )?(--[\w-]+)(?:[ =](<[^>]+>(\.\.\.)?))?", row)
            if found:
                for name in filter(None, (found[2], found[1] and f"-{found[1]}")):
                    options.setdefault(name, Option(name, found[3] is not None, found[4] is not None))
    return options


def _tasks_of_coordinator(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`mito coordinator ([a-z][a-z-]*)\b", " ".join(text.split())))


@functools.lru_cache(maxsize=None)
def help_of(path: tuple[str, ...]) -> Help | None:
    """The help of `mito`, `mito client`, `mito client tasks` …; nothing when there is no such command."""
    result = subprocess.run([BINARY, *path[1:], "--help"], cwd=_home(), env=clean_environment(_home()), text=True, stdin=subprocess.DEVNULL,
                            capture_output=True, timeout=60, check=False)
    named = re.search(r"^(?:Usage: )?" + re.escape(" ".join(path)) + r"(?=[\s\[<]|$)", result.stdout, re.MULTILINE)
    if result.returncode != 0 or not named:
        return None
    text = result.stdout
    commands = [re.split(r"\s{2,}", row)[0] for title in ("Commands", "Roles") for row in _rows(text, title)]
    options = _options(text)
    if path == ("mito", "coordinator"):
        commands += _tasks_of_coordinator(text)
        options.update({name: Option(name, False, False) for name in re.findall(r"With `(--[\w-]+)`", text)})  # shown in words only
    elif path[:2] == ("mito", "coordinator"):  # a task: its own options, and those of the coordinator
        options = {**help_of(path[:2]).options, **{name: Option(name, True, False) for name in re.findall(r"\[(--[\w-]+)", text)}}
    return Help(path, text, tuple(name for name in commands if name != "help"), options)


def all_commands(path: tuple[str, ...] = ("mito",)) -> list[Help]:
    """The whole tree, each group before what it has."""
    here = help_of(path)
    assert here is not None, path
    return [here, *(found for name in here.commands for found in all_commands((*path, name)))]


def mistake_in(words: list[str], needs_command: bool) -> str:
    """What is wrong with a command line that begins with `mito`: commands and options that do not exist. Empty when nothing is."""
    here = help_of(("mito",))
    words = list(words[1:])
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    is_settled = False
    while words:
        word = words.pop(0)
        if word == "--":
            break
        if re.match(r"--?[A-Za-z]", word):
            name = word.partition("=")[0] if word.startswith("--") else word[:2]
            is_settled = is_settled or name in ("-h", "--help", "-V", "--version", "-i", "--interactive")
            option = here.options.get(name)
            if option is None:
                return f"{' '.join(here.path)} has no option {name}"
            if option.takes_value and "=" not in word and (word.startswith("--") or len(word) == 2):
                if not words:
                    return f"{name} has no value"
                words.pop(0)
                while option.takes_many and words and not words[0].startswith("-"):
                    words.pop(0)
            continue
        if not here.commands or (below := help_of((*here.path, word))) is None:
            if here.commands and here.path != ("mito", "coordinator"):
                return f"{' '.join(here.path)} has no command {word}"
            continue
        here = below
    if needs_command and here.commands and not is_settled and here.path != ("mito", "coordinator"):
        return f"{' '.join(here.path)} needs a command"
    return ""
