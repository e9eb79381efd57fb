"""The documentation as a site: builds strictly, needs no network, and its search finds what the pages say, also when they are opened as files."""
from __future__ import annotations

import functools
import html.parser
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT

MKDOCS = all(importlib.util.find_spec(module) for module in ("mkdocs", "markdown_it"))
pytestmark = pytest.mark.skipif(not MKDOCS and not os.environ.get("CI"), reason="mkdocs is not installed: script/bootstrap --test")
#: What makes a page load something, and with what.
LOADING = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("video", "src"), ("audio", "src"), ("object", "data"),
           ("embed", "src"), ("form", "action"), ("input", "src"), ("base", "href")}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    directory = tmp_path_factory.mktemp("site")
    built = subprocess.run([str(ROOT / "script" / "docs"), str(directory)], text=True, capture_output=True, timeout=300, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    assert built.stdout.endswith(f"docs: {directory}/index.html\n")
    return directory


@functools.lru_cache(maxsize=None)
def index_of(site: pathlib.Path) -> list[list[str]]:
    script = (site / "search-index.js").read_text()
    rows = re.fullmatch(r"globalThis\.guideIndex = (\[.*\]);\n", script, re.DOTALL)
    return json.loads(rows[1])


class Reader(html.parser.HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if (tag, name) in LOADING:
                self.loaded.append(value)
            elif name == "href":
                self.links.append(value)
            elif name == "id":
                self.ids.add(value)
            assert name != "style" and not name.startswith("on"), (tag, name)


@functools.lru_cache(maxsize=None)
def read(path: pathlib.Path) -> Reader:
    return Reader(path.read_text())


def test_every_page_is_there(site):
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    pages = {path.with_name("index.html") if path.name == "README.html" else path for path in pages}
    assert pages | {pathlib.Path("index.html")} == {path.relative_to(site) for path in site.rglob("*.html")}


def test_pages_load_nothing_from_elsewhere(site):
    for page in site.rglob("*.html"):
        for target in read(page).loaded:
            assert target == "data:," or (":" not in target and not target.startswith("/") and (page.parent / target).is_file()), (page, target)
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(|@import", style.read_text()), style
    for script in ("search.js",):
        assert not re.search(r"fetch\(|XMLHttpRequest|import\(|https?:", (site / script).read_text())


def test_links_between_pages_lead_somewhere(site):
    for page in site.rglob("*.html"):
        for link in read(page).links:
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.is_file(), (page, link)
            assert not anchor or anchor in read(target).ids, (page, link)


def test_every_page_is_in_the_index(site):
    indexed = {row[0].partition("#")[0] for row in index_of(site)}
    assert indexed == {str(page.relative_to(site)) for page in site.rglob("*.html")} - {"index.html"}
    for address, _, heading, _ in index_of(site):
        path, _, anchor = address.partition("#")
        assert anchor in read(site / path).ids and heading, address


def test_broken_links_fail(tmp_path):
    broken = ("nowhere.md", "../settings.md#no-such-anchor", "#no-such-heading", "../../no/such/file")
    shutil.copytree(ROOT / "tools" / "guide", tmp_path / "tools" / "guide")
    (tmp_path / "docs" / "guide").mkdir(parents=True)
    (tmp_path / "docs" / "settings.md").write_text("# Settings\n[here](guide/page.md#a)\n")
    (tmp_path / "docs" / "guide" / "page.md").write_text("# A\n" + "\n".join(f"[x]({link})" for link in broken))
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    built = subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict"], cwd=tmp_path, text=True, capture_output=True, timeout=300, check=False)
    said = built.stdout + built.stderr
    assert built.returncode != 0 and "Aborted with 4 warnings" in said, said
    for link in broken:
        assert f"'{link}'" in said, said


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} here")


def search(index: pathlib.Path, query: str) -> list[dict]:
    """What search.js finds, asked as the page asks it."""
    program = "".join(f"require({json.dumps(str(path))});" for path in (index, ROOT / "tools" / "guide" / "assets" / "search.js"))
    program += f"console.log(JSON.stringify(searchGuide(guideIndex, {json.dumps(query)})))"
    return json.loads(subprocess.run(["node", "-e", program], text=True, capture_output=True, timeout=60, check=True).stdout)


def test_the_search_finds_words(site):
    needs("node")
    index = site / "search-index.js"
    assert search(index, "heartbeat_timeout")[0]["address"].startswith("settings.html")
    assert search(index, "  TAG_matching, Documented ") and not search(index, "tag_matching frobnicate") and not search(index, " ")


def test_the_search_puts_the_best_first(tmp_path):
    needs("node")
    index = tmp_path / "index.js"
    rows = [["a#", "Alpha", "Alpha", "a worker here"], ["b#", "Workers", "Workers", ""], ["c#", "Alpha", "Tags", "a <b>coworker</b> " + "word " * 90],
            ["d#", "Alpha", "The worker", ""]]
    index.write_text(f"globalThis.guideIndex = {json.dumps(rows)};")
    assert [found["address"] for found in search(index, "Worker")] == ["d#", "b#", "a#", "c#"]
    extract = search(index, "word tags")[0]["extract"]
    assert extract.endswith(" …") and len(extract) < 220 and "<b>" in extract


def test_a_page_opened_as_a_file_shows_what_was_found(site, tmp_path):
    needs("chromium")
    page = next(iter(sorted((site / "guide").glob("*.html"))))
    shown = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={tmp_path}",
                            "--proxy-server=127.0.0.1:9", "--dump-dom", f"{page.as_uri()}?search=heartbeat_timeout"],
                           text=True, capture_output=True, timeout=120, check=False)
    found = re.search(r'<div id="found"[^>]*>(.*?)</div>', shown.stdout, re.DOTALL)
    assert found, shown.stderr[-2000:]
    assert 'href="../settings.html#' in found[1] and "heartbeat_timeout" in found[1]

