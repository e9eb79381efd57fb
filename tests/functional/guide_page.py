"""What the pages of the documentation contain: fenced blocks, marks of blocks that are run, commands and the output that is printed below them."""
from __future__ import annotations

import dataclasses
import pathlib
import re
import subprocess

MARK = re.compile(r"\s*<!--\s*run(?::\s*(\S+))?\s*-->\s*$")
ANY_MARK = re.compile(r"<!--\s*run\b")
FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})\s*(?P<language>[^\s`]*)[^`]*$")
STAGES = ("coordinator", "empty")


class PageError(AssertionError):
    """A page breaks the rules by which it is read."""


@dataclasses.dataclass
class Block:
    """A fenced block. `line` is the number of its first line of content in the page."""
    line: int
    language: str
    lines: list[str]
    marked: bool

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


@dataclasses.dataclass
class Command:
    """What is typed at once, and the lines that are printed below it; None where the page says nothing of its output."""
    line: int
    text: str
    expected: list[str] | None


@dataclasses.dataclass
class Page:
    path: pathlib.Path
    stage: str
    blocks: list[Block]

    @property
    def marked(self) -> list[Block]:
        return [block for block in self.blocks if block.marked]


def read_page(path: pathlib.Path) -> Page:
    """The blocks of a page. A mark stands on the line before a fence; the first one may say on which stage the page plays."""
    blocks: list[Block] = []
    stage, mark, fence, indent = None, None, "", 0
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if fence:
            if re.fullmatch(rf"\s*{re.escape(fence[0])}{{{len(fence)},}}\s*", line):
                fence = ""
            else:
                blocks[-1].lines.append(line[min(indent, len(line) - len(line.lstrip(" "))):])
            continue
        opening = FENCE.match(line)
        if opening:
            fence, indent = opening["fence"], len(opening["indent"])
            blocks.append(Block(number + 1, opening["language"], [], mark is not None))
        elif mark is not None:
            raise PageError(f"{path}:{mark[0]}: a mark must stand on the line before a fence")
        mark = None
        found = MARK.match(line)
        if found and not opening:
            mark = (number, found[1])
            if found[1] and (stage is not None or found[1] not in STAGES):
                raise PageError(f"{path}:{number}: only the first mark of a page names a stage, which is one of {', '.join(STAGES)}")
            stage = stage or found[1] or "empty"
        elif ANY_MARK.search(line) and not opening and "`" not in line:
            raise PageError(f"{path}:{number}: not a mark; write <!-- run --> alone on its line")
    if fence or mark is not None:
        raise PageError(f"{path}: ends within a fence or behind a mark")
    return Page(path, stage or "empty", blocks)


def is_complete(script: str) -> bool:
    """Whether a shell would run these lines now, rather than wait for more."""
    if re.search(r"(?<!\\)(\\\\)*\\$", script):
        return False
    checked = subprocess.run(["bash", "-n"], input=script + "\n", capture_output=True, text=True, check=False)
    return checked.returncode == 0 and "here-document" not in checked.stderr


def commands_of(page: pathlib.Path, block: Block) -> list[Command]:
    """The commands of a `console` or `sh` block, each as long as a shell would read on."""
    commands: list[Command] = []
    waiting: list[str] = []
    for number, line in enumerate(block.lines, block.line):
        if waiting:
            waiting.append(line.removeprefix("> ") if block.language == "console" else line)
        elif block.language == "console":
            if not line.startswith("$ "):
                if not commands:
                    raise PageError(f"{page}:{number}: a console block begins with a command, `$ `")
                commands[-1].expected.append(line)
                continue
            waiting = [line[2:]]
        elif not line.strip() or line.lstrip().startswith("#"):
            continue
        else:
            waiting = [line]
        if is_complete("\n".join(waiting)):
            commands.append(Command(number + 1 - len(waiting), "\n".join(waiting), [] if block.language == "console" else None))
            waiting = []
    if waiting:
        raise PageError(f"{page}:{block.line}: the block ends within a command: {waiting[0]!r}")
    return commands


def line_fits(expected: str, got: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in expected.rstrip().split("..."))
    return re.fullmatch(pattern, got.rstrip()) is not None


def output_fits(expected: list[str], got: list[str]) -> bool:
    """Whether `got` is what the page shows: `...` within a line stands for anything, a line `...` for any lines. Empty lines at the end do not count."""
    def stripped(lines: list[str]) -> list[str]:
        last = max((i for i, line in enumerate(lines) if line.strip()), default=-1)
        return lines[:last + 1]

    expected, got = stripped(expected), stripped(got)
    reached = {0}  # how many lines of `got` the expected ones so far can stand for
    for line in expected:
        if line.strip() == "...":
            reached = set(range(min(reached), len(got) + 1)) if reached else reached
        else:
            reached = {i + 1 for i in reached if i < len(got) and line_fits(line, got[i])}
    return len(got) in reached
