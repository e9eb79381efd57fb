"""Runs what the guide and the README mark as runnable, block by block in one shell session for each page.

A block is marked by `<!-- run -->` on the line before its fence. The first mark of a page may be `<!-- run: coordinator -->`: then a coordinator is at
$MITO_COORDINATOR_ADDR, its admin is logged in and one worker runs. Otherwise (`<!-- run: empty -->`) a page starts its own things; MITO_BIND and
MITO_COORDINATOR_ADDR name a free port, so that a coordinator without options is found by a client without options.

console  `$ ` before commands and the expected output below; the command must succeed unless a line `error: ` is expected
sh       commands that must succeed
python   a program that must succeed; toml: settings that the program takes; json: must be JSON
"""
from __future__ import annotations

import contextlib
import json
import pathlib
import random
import re
import socket
import subprocess
import sys

import pytest

from conftest import BINARY, ROOT, Tools, clean_environment
from guide_page import Block, Page, PageError, commands_of, output_fits, read_page
from guide_session import Session, SessionError

PAGES = [path for path in (*sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "guide").glob("*.md")), ROOT / "README.md")
         if "<!-- run" in path.read_text()]


def free_port() -> int:
    """A port that nobody listens on, from below those that the system gives away by itself, so that nobody gets it meanwhile."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Stage:
    """Where a page plays: a session, and what stands around it."""

    def __init__(self, page: Page, directory: pathlib.Path):
        self.tools = Tools(directory)
        self.session = None
        home = directory / "home"
        home.mkdir()
        try:
            if page.stage == "coordinator":
                address = self.tools.coordinator().url
                extra = {"MITO_COORDINATOR_ADDR": address}
                self.tools.worker(address)
            else:
                bind = f"127.0.0.1:{free_port()}"
                extra = {"MITO_BIND": bind, "MITO_COORDINATOR_ADDR": f"http://{bind}"}
            self.session = Session(home, extra)
            if page.stage == "coordinator":
                code, printed = self.session.run("mito client login mitosis_admin mitosis_admin")
                assert code == 0, printed
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        try:
            if self.session:
                self.session.end()
        finally:
            self.tools.end()


def run_commands(session: Session, page: Page, block: Block) -> None:
    for command in commands_of(page.path, block):
        where = f"{page.path.relative_to(ROOT)}:{command.line}: $ {command.text}"
        try:
            code, printed = session.run(command.text)
        except SessionError as error:
            pytest.fail(f"{where}\n{error}", pytrace=False)
        if command.expected is None:
            if code != 0:
                pytest.fail(f"{where}\nended with {code} and printed:\n{printed}", pytrace=False)
            continue
        fails = any(line.startswith("error: ") for line in command.expected)
        if not output_fits(command.expected, printed.splitlines()) or (code != 0) != fails:
            expected = "\n".join(command.expected)
            pytest.fail(f"{where}\n--- expected{' to fail with' if fails else ''}:\n{expected}\n--- got, with exit code {code}:\n{printed}", pytrace=False)


def run_python(session: Session, page: Page, block: Block) -> None:
    program = session.home / f"block-at-line-{block.line}.py"
    program.write_text(block.text)
    code, printed = session.run(f"'{sys.executable}' '{program}'")
    if code != 0:
        pytest.fail(f"{page.path.relative_to(ROOT)}:{block.line}: the program ended with {code} and printed:\n{printed}", pytrace=False)


def known_keys() -> dict[str, set[str]]:
    """The settings of each role, from the generated reference."""
    keys: dict[str, set[str]] = {}
    role = ""
    for line in (ROOT / "docs" / "settings.md").read_text().splitlines():
        if found := re.match(r"## `\[(\w+)\]`", line):
            role = found[1]
        elif found := re.match(r"\| `(\w+)` \|", line):
            keys.setdefault(role, set()).add(found[1])
    return keys


#: For each role a line that ends soon: a file that cannot be taken is refused first, by its name and line, before what stands here is looked at.
READERS = {"coordinator": ["coordinator", "--io-threads", "none"], "worker": ["worker", "--coordinator", "no://address"], "client": ["client", "cmd", "--", "true"]}


def check_settings(session: Session, page: Page, block: Block) -> None:
    import tomllib
    where = f"{page.path.relative_to(ROOT)}:{block.line}"
    known = known_keys()
    try:
        document = tomllib.loads(block.text)
    except tomllib.TOMLDecodeError as error:
        pytest.fail(f"{where}: {error}", pytrace=False)
    any_role = set().union(*known.values())
    for role, table in document.items():
        allowed = any_role if role in ("default", "global") else known.get(role)
        if allowed is None:
            pytest.fail(f"{where}: there is no table [{role}]", pytrace=False)
        profiles = table.pop("profiles", {}) if role == "client" else {}
        for keys in (table, *profiles.values()):
            if unknown := set(keys) - allowed:
                pytest.fail(f"{where}: [{role}] has no setting {', '.join(sorted(unknown))}", pytrace=False)
    file = session.home / f"block-at-line-{block.line}.toml"
    file.write_text(block.text)
    for words in READERS.values():
        result = subprocess.run([BINARY, words[0], "--config", str(file), *words[1:]], cwd=session.home, env=clean_environment(session.home), text=True,
                                stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        if f"{file.name}:" in result.stderr:
            pytest.fail(f"{where}: mito {words[0]} says: {result.stderr}", pytrace=False)


def check_json(_session: Session, page: Page, block: Block) -> None:
    try:
        json.loads(block.text)
    except ValueError as error:
        pytest.fail(f"{page.path.relative_to(ROOT)}:{block.line}: {error}", pytrace=False)


RUNNERS = {"console": run_commands, "sh": run_commands, "python": run_python, "toml": check_settings, "json": check_json}


@pytest.mark.parametrize("path", PAGES, ids=[str(path.relative_to(ROOT)) for path in PAGES])
def test_page(path, tmp_path):
    page = read_page(path)
    for block in page.marked:
        if block.language not in RUNNERS:
            pytest.fail(f"{path.relative_to(ROOT)}:{block.line}: blocks that are run are one of {', '.join(RUNNERS)}, not {block.language!r}", pytrace=False)
    stage = Stage(page, tmp_path)
    try:
        for block in page.marked:
            RUNNERS[block.language](stage.session, page, block)
    finally:
        stage.end()


def test_most_pages_are_run():
    assert len(PAGES) > 8 and ROOT / "README.md" in PAGES


@pytest.mark.parametrize("expected, got, fits", [
    (["one"], ["one"], True),
    (["one"], ["one", ""], True),
    (["one"], ["one", "two"], False),
    (["one", "two"], ["one"], False),
    ([], ["one"], False),
    (["task ... submitted"], ["task 12 submitted"], True),
    (["task ... submitted"], ["task 12 refused"], False),
    (["a.c"], ["abc"], False),
    (["..."], [], True),
    (["...", "end"], ["a", "end", "b", "end"], True),
    (["begin", "...", "end"], ["begin", "end"], True),
    (["begin", "...", "end"], ["begin", "a", "end", "b"], False),
])
def test_how_output_is_compared(expected, got, fits):
    assert output_fits(expected, got) == fits


@pytest.mark.parametrize("text, words", [
    ("<!-- run -->\n\n```sh\ntrue\n```\n", "before a fence"),
    ("<!-- run: nowhere -->\n```sh\ntrue\n```\n", "names a stage"),
    ("<!-- run -->\n```sh\ntrue\n```\n<!-- run: empty -->\n```sh\ntrue\n```\n", "names a stage"),
    ("<!-- run me -->\n```sh\ntrue\n```\n", "not a mark"),
    ("<!-- run -->\n```sh\ntrue\n", "ends within"),
])
def test_marks_that_mark_nothing_are_errors(text, words, tmp_path):
    (tmp_path / "page.md").write_text(text)
    with pytest.raises(PageError, match=words):
        read_page(tmp_path / "page.md")


PAGE = """# A page
<!-- run -->
```console
$ here=$PWD; echo "one
> two" && cd /
one
...
$ pwd
/
$ sleep 300 & echo started
started
$ mito client frobnicate
error: ...frobnicate...
...
```
Not marked:
```sh
false
```
<!-- run -->
```sh
# a comment
test "$PWD" = / &&
  cat <<EOF
text
EOF
for n in 1 2; do
  echo $n
done
```
"""


def failure_of(text: str, directory: pathlib.Path) -> str:
    """What is said of a page with this text; empty when all of it holds."""
    (directory / "page.md").write_text(text)
    page = read_page(directory / "page.md")
    page.path = ROOT / "page.md"
    stage = Stage(page, directory)
    try:
        for block in page.marked:
            RUNNERS[block.language](stage.session, page, block)
    except pytest.fail.Exception as failure:
        return str(failure)
    finally:
        stage.end()
        assert not stage.session._left()
    return ""


@pytest.mark.parametrize("change, words", [
    (("", ""), ""),
    (("$ pwd\n/", "$ pwd\n/tmp"), r"page.md:8: \$ pwd\n--- expected:\n/tmp\n--- got, with exit code 0:\n/\n"),
    (("test \"$PWD\" = /", "test \"$PWD\" = /tmp"), r"page.md:23: .*\n.*\n(.*\n)*ended with 1"),
    (("error: ...", "..."), r"page.md:12: .*frobnicate\n--- expected:(.*\n)*--- got, with exit code 2"),
    (("```sh\nfalse", "<!-- run -->\n```toml\n[coordinator]\nbindd = 1"), "page.md:19: .coordinator. has no setting bindd"),
    (("```sh\nfalse", "<!-- run -->\n```toml\n[coordinator]\nretention = 1"), "page.md:19: mito coordinator says: .*retention"),
    (("```sh\nfalse", "<!-- run -->\n```toml\n[worker]\ntags = 7"), "page.md:19: mito worker says: .*tags: 7"),
    (("```sh\nfalse", "<!-- run -->\n```json\n{"), "page.md:19: Expecting"),
    (("```sh\nfalse", "<!-- run -->\n```python\nraise SystemExit(4)"), "page.md:19: the program ended with 4"),
    (("$ pwd\n/", "$ exit 3"), r"page.md:8: .*\n(.*\n)*ended the shell"),
])
def test_a_page_is_believed_in_nothing(change, words, tmp_path):
    said = failure_of(PAGE.replace(*change), tmp_path)
    assert re.fullmatch(words, said) if not words else re.search(words, said), said
