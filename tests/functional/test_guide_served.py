"""The guide as the coordinator serves it: without login, from the binary alone, whole in itself."""
from __future__ import annotations

import html.parser
import json
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import ROOT, Tools

HTML, CSS, SCRIPT = "text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8"


class Reader(html.parser.HTMLParser):
    """What a page links to and loads, and its anchors."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.tags: list[tuple] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "a":
            self.links.append(attributes["href"])
        elif "src" in attributes or (tag == "link" and "href" in attributes):
            self.loaded.append(attributes.get("src") or attributes["href"])
        if "id" in attributes:
            self.ids.add(attributes["id"])
        assert "style" not in attributes and not any(name.startswith("on") for name in attributes), (tag, attrs)


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    tools = Tools(tmp_path_factory.mktemp("guide"))
    yield tools.coordinator().api
    tools.end()


def get(api, path: str, kind: str = HTML) -> str:
    status, headers, body = api.request("GET", path)
    assert (status, headers.get("content-type")) == (200, kind), (path, status, body[:200])
    return body.decode()


@pytest.fixture(scope="module")
def pages(api) -> dict[str, Reader]:
    """All pages that the navigation leads to, by the names of their files."""
    names = [link for link in Reader(get(api, "/docs/guide/")).links if re.fullmatch(r"[\w-]+\.html", link)]
    return {name: Reader(get(api, f"/docs/guide/{name}")) for name in dict.fromkeys(names)}


def test_every_page_of_the_guide_is_served(pages):
    written = [path.stem for path in (ROOT / "docs" / "guide").glob("*.md")] + [path.stem for path in (ROOT / "docs").glob("*.md")]
    names = {"index" if name == "README" else name for name in written} | {f"{name}-reference" for name in written if written.count(name) > 1}
    assert {f"{name}.html" for name in names} == set(pages)
    assert len(pages) > 10


def test_links_lead_somewhere(api, pages):
    for name, page in pages.items():
        for link in page.links:
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            if path == "../../openapi.json":
                assert api.request("GET", "/openapi.json")[0] == 200
                continue
            target = path or name
            assert target in pages, (name, link)
            assert not anchor or anchor in pages[target].ids, (name, link)


def test_pages_load_nothing_from_elsewhere(api, pages):
    for name, page in pages.items():
        assert set(page.loaded) == {"data:,", "style.css", "search-index.js", "search.js"}, name
    for name, kind in (("style.css", CSS), ("search-index.js", SCRIPT), ("search.js", SCRIPT)):
        text = get(api, f"/docs/guide/{name}", kind)
        assert name == "search-index.js" or not re.search(r"https?:|url\(|@import|fetch\(", text), name
    assert "prefers-color-scheme:dark" in get(api, "/docs/guide/style.css", CSS)
    _, headers, _ = api.request("GET", "/docs/guide/")
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; script-src 'self'")


def test_names_with_and_without_ending(api):
    page = get(api, "/docs/guide/settings")
    assert page == get(api, "/docs/guide/settings.md") == get(api, "/docs/guide/settings.html") and "heartbeat_timeout" in page
    assert get(api, "/docs/guide/index.html") == get(api, "/docs/guide/README.md") == get(api, "/docs/guide/")


def test_without_the_slash_links_still_start_at_the_guide(api):
    with_slash, without = get(api, "/docs/guide/"), get(api, "/docs/guide")
    assert without.replace('<base href="guide/">', "") == with_slash and "<base" not in with_slash


@pytest.mark.parametrize("name", ["nowhere", "nowhere.md", "style", "search.css", "..", "%2e%2e%2fsettings", "settings.md.md", "settings.html.md", "Settings", "%00", "a%22b"])
def test_unknown_pages(api, name):
    status, headers, body = api.request("GET", f"/docs/guide/{name}")
    assert status == 404 and headers["content-type"] == "application/json"
    assert json.loads(body)["msg"].endswith(" of the guide not found")


@pytest.mark.parametrize("path", ["/docs/guide//", "/docs/guide/settings/", "/docs/guide/a/b"])
def test_unknown_paths(api, path):
    assert api.request("GET", path)[::2] == (404, b"")


@pytest.mark.parametrize("path", ["/docs/guide", "/docs/guide/", "/docs/guide/settings"])
def test_other_methods(api, path):
    _, shown, body = api.request("GET", path)
    status, headers, nothing = api.request("HEAD", path)
    assert (status, nothing, headers["content-length"], headers["content-type"]) == (200, b"", str(len(body)), shown["content-type"])
    for method in ("POST", "PUT", "DELETE"):
        status, headers, nothing = api.request(method, path)
        assert (status, headers["allow"], nothing) == (405, "GET,HEAD", b"")
    status, headers, _ = api.request("OPTIONS", path)
    assert (status, headers["allow"], headers["access-control-allow-origin"]) == (200, "GET,HEAD", "*")


def test_every_page_is_in_the_index(api, pages):
    script = get(api, "/docs/guide/search-index.js", SCRIPT)
    rows = json.loads(re.sub(r",\n\];\n$", "]", script.removeprefix("globalThis.guideIndex = ")))
    assert {row[0].partition("#")[0] for row in rows} == set(pages)
    for address, _, heading, _ in rows:
        name, _, anchor = address.partition("#")
        assert heading and anchor in pages[name].ids, address


def test_the_search_finds_words(api, tmp_path):
    if shutil.which("node") is None:
        pytest.skip("there is no node here")
    for name in ("search-index.js", "search.js"):
        (tmp_path / name).write_text(get(api, f"/docs/guide/{name}", SCRIPT))
    program = "require('./search-index.js');require('./search.js');console.log(JSON.stringify(searchGuide(guideIndex, 'heartbeat_timeout')))"
    found = json.loads(subprocess.run(["node", "-e", program], cwd=tmp_path, text=True, capture_output=True, timeout=60, check=True).stdout)
    assert any(result["address"].startswith("settings.html#") for result in found)


def test_marks_of_the_sources_are_not_shown(pages, api):
    for name in pages:
        assert "&lt;!--" not in get(api, f"/docs/guide/{name}"), name


def test_a_browser_shows_what_was_found(api, tmp_path: pathlib.Path):
    if shutil.which("chromium") is None:
        pytest.skip("there is no chromium here")
    shown = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={tmp_path}",
                            "--no-proxy-server", "--dump-dom", f"http://127.0.0.1:{api.port}/docs/guide/settings?search=heartbeat_timeout"],
                           text=True, capture_output=True, timeout=120, check=False)
    found = re.search(r'<div id="found"[^>]*>(.*?)</div>', shown.stdout, re.DOTALL)
    assert found and 'href="settings.html#' in found[1], shown.stderr[-2000:]
