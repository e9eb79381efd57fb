"""Every link in every Markdown file of the tree leads to a file and a heading that are there. Links to elsewhere are looked at, not followed."""
from __future__ import annotations

import functools
import importlib.util
import os
import pathlib
import re
import sys
from urllib.parse import unquote, urlsplit

import pytest

from conftest import ROOT

if importlib.util.find_spec("markdown_it") is None and not os.environ.get("CI"):
    pytest.skip("markdown-it-py is not installed: script/bootstrap --test", allow_module_level=True)
sys.path.insert(0, str(ROOT / "tools" / "guide"))
from markdown_page import anchor_of, tree_of  # noqa: E402

NOT_OURS = {"build", "demo-results", "node_modules"}


def pages() -> list[pathlib.Path]:
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if name not in NOT_OURS and (not name.startswith(".") or name == ".github"))
        found += [pathlib.Path(folder, name) for name in sorted(files) if name.endswith(".md")]
    return found


@functools.lru_cache(maxsize=None)
def read(path: pathlib.Path):
    return tree_of(path.read_text())


@functools.lru_cache(maxsize=None)
def anchors(path: pathlib.Path) -> frozenset[str]:
    return frozenset(filter(None, (element.get("id") for element in read(path).iter())))


def mistake_in(page: pathlib.Path, link: str) -> str:
    """What is wrong with a link; empty when nothing is."""
    parts = urlsplit(link)
    if parts.scheme == "mailto":
        return "" if re.fullmatch(r"[^@\s]+@[\w-]+(\.[\w-]+)+", parts.path) else "no mail address"
    if parts.scheme or parts.netloc:
        good = parts.scheme in ("http", "https") and re.fullmatch(r"[\w-]+(\.[\w-]+)+|localhost", parts.hostname or "") and not re.search(r"\s", link)
        return "" if good else "not a well-formed address"
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if parts.path.startswith("/") or ROOT.resolve() not in (target, *target.parents):
        return "leads out of the tree"
    if not target.exists():
        return "there is no such file"
    if parts.fragment and (target.suffix != ".md" or unquote(parts.fragment) not in anchors(target)):
        return "there is no such heading"
    return ""


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page):
    mistakes = []
    for element in read(page).iter():
        link = element.get("href") if element.tag == "a" else element.get("src") if element.tag == "img" else None
        if link is not None and (mistake := mistake_in(page, link)):
            mistakes.append(f"{page.relative_to(ROOT)}: {link}: {mistake}")
    assert not mistakes, "\n" + "\n".join(mistakes)


@pytest.mark.parametrize("link, mistake", [
    ("README.md", ""), ("docs/settings.md#coordinator", ""), ("docs", ""), ("https://example.org/a?b#c", ""), ("mailto:a@example.org", ""),
    ("nowhere.md", "there is no such file"), ("docs/settings.md#nowhere", "there is no such heading"), ("script/test#L3", "there is no such heading"),
    ("../elsewhere", "leads out of the tree"), ("/etc/passwd", "leads out of the tree"), ("https:/example.org", "not a well-formed address"),
    ("https://exa mple.org", "not a well-formed address"), ("ftp://example.org", "not a well-formed address"), ("mailto:a", "no mail address"),
])
def test_how_links_are_checked(link, mistake):
    assert mistake_in(ROOT / "README.md", link) == mistake


@pytest.mark.parametrize("heading, anchor", [("Start & stop", "start--stop"), ("1. mito dev, explained", "1-mito-dev-explained"), ("A_b-c (d)", "a_b-c-d"),
                                             ("Größe – und »mehr« → weniger", "größe--und-mehr--weniger")])
def test_anchors_are_those_of_github(heading, anchor):
    """The same cases as in tests/unit/guide."""
    assert anchor_of(heading) == anchor
