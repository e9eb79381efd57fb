"""Every command line that the documentation prints names commands and options that there are."""
from __future__ import annotations

import pathlib
import re
import shlex

import pytest

from conftest import ROOT
from guide_page import read_page
from program_help import mistake_in

#: Not the page that is the program's help itself.
PAGES = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "guide").glob("*.md")))
         if path.name != "reference-commands.md"]


def words_of(line: str) -> list[str] | None:
    """The words of the first command of a shell line; nothing when a quotation is open at its end."""
    line = re.sub(r"<[A-Za-z][\w .:|…-]*>", "WORD", line)  # <UUID>
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        tokens = list(lexer)
    except ValueError:
        return None
    words = []
    for token in tokens:
        if token and all(c in "();<>|&" for c in token):
            break
        words.append(token)
    return words


def lines_of(path: pathlib.Path):
    """(line number, words) of each command line of the program in a block of the page."""
    for block in read_page(path).blocks:
        prompted = [line.startswith("$ ") for line in block.lines]
        lines = [line.removeprefix("$ ") for line in block.lines]
        for number, line in enumerate(lines):
            is_output = any(prompted) and not prompted[number]
            if is_output or not re.match(r"mito(\s|$)", line.lstrip()):
                continue
            last = number
            while last + 1 < len(lines) and (line.endswith("\\") or words_of(line) is None):
                last += 1
                line = line.removesuffix("\\") + ("" if line.endswith("\\") else "\n") + lines[last].removeprefix("> ")
            words = words_of(line)
            assert words is not None, f"{path.relative_to(ROOT)}:{block.line + number}: a quotation is never closed: {line}"
            yield block.line + number, words


def inline_of(path: pathlib.Path):
    """(line number, words) of each command line of the program within the text; what stands for others, `[OPTIONS]` or COMMAND, is left out."""
    blocks = read_page(path).blocks
    inside = {number for block in blocks for number in range(block.line - 1, block.line + len(block.lines) + 1)}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if number not in inside:
            for code in re.findall(r"(?<!`)`(mito [^`]+)`(?!`)", line):
                words = words_of(re.sub(r"\[[A-Z]+\]|\b(COMMAND|ROLE)\b|…|\.\.\.", "", code.replace("\\|", "|")))
                if words:
                    yield number, words


@pytest.mark.parametrize("path", PAGES, ids=[str(path.relative_to(ROOT)) for path in PAGES])
def test_commands_and_options_exist(path):
    mistakes = [f"{path.relative_to(ROOT)}:{number}: {' '.join(words)}: {mistake}"
                for found, needs_command in ((lines_of(path), True), (inline_of(path), False)) for number, words in found
                if (mistake := mistake_in(words, needs_command))]
    assert not mistakes, "\n" + "\n".join(mistakes)


@pytest.mark.parametrize("line, mistake", [
    ("mito client tasks submit --wait -g grp --envs A=b -- sh -c 'x --frobnicate'", ""),
    ("mito client --coordinator http://x:5000 tasks query -q | mito frobnicate", ""),
    ("mito client tasks artifacts download <UUID> result -o result.tar.gz", ""),
    ("mito coordinator --bind 0.0.0.0:5000 --open-groups &", ""),
    ("mito coordinator set-password ann --password-file - --data-dir x", ""),
    ("mito worker -c http://x --tags a,b --slots=2", ""),
    ("mito help client tasks submit", ""),
    ("mito client -i", ""),
    ("mito manager spawn 4 -u ann", ""),
    ("mito client tasks frobnicate", "mito client tasks has no command frobnicate"),
    ("mito client tasks submit --frobnicate -- true", "mito client tasks submit has no option --frobnicate"),
    ("mito client tasks query -Z", "mito client tasks query has no option -Z"),
    ("mito worker --frobnicate", "mito worker has no option --frobnicate"),
    ("mito coordinator backup x --frobnicate", "mito coordinator backup has no option --frobnicate"),
    ("mito client tasks", "mito client tasks needs a command"),
    ("mito frobnicate", "mito has no command frobnicate"),
    ("mito help client frobnicate", "mito client has no command frobnicate"),
    ("mito client login --coordinator", "--coordinator has no value"),
])
def test_how_lines_are_checked(line, mistake):
    assert mistake_in(words_of(line), needs_command=True) == mistake


def test_lines_that_go_on_are_read_whole(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```sh\nmito client tasks submit \\\n  --wait -- sh -c 'one\ntwo' # end\nmito --version\n```\n")
    assert list(lines_of(page)) == [(2, ["mito", "client", "tasks", "submit", "--wait", "--", "sh", "-c", "one\ntwo"]), (5, ["mito", "--version"])]
