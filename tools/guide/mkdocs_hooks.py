"""What makes mkdocs build the site of docs/: GitHub's Markdown, the navigation from the index of the guide, a search without network."""
from __future__ import annotations

import json
import os
import pathlib
import posixpath
import sys
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import markdown
from mkdocs.structure.files import File

sys.path.insert(0, os.path.dirname(__file__))
from markdown_page import sections_of, tree_of  # noqa: E402

ASSETS = pathlib.Path(__file__).parent / "assets"
INDEXES = ("guide/README.md", "guide/index.md")
REDIRECT = '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={0}"><title>Mitosis</title></head>' \
           '<body><a href="{0}">The guide</a></body></html>\n'


def leads_outside(page: str, target: str, docs: pathlib.Path) -> bool:
    """Whether a link of a page leads to a file of the source tree that is no page of the site."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not parts.path:
        return False
    path = docs / posixpath.dirname(page) / unquote(parts.path)
    return path.exists() and (path.is_dir() or docs.resolve() not in path.resolve().parents)


class GitHubParser:
    """Stands in for the parser of Python-Markdown, which reads lists and HTML otherwise than GitHub does. `page` is the one that comes next."""

    def __init__(self, docs: pathlib.Path):
        self.docs, self.page = docs, ""

    def parseDocument(self, lines: list[str]) -> ElementTree.ElementTree:  # noqa: N802
        root = tree_of("\n".join(lines))
        for element in root.iter():
            if element.tag == "a" and leads_outside(self.page, element.get("href", ""), self.docs):
                element.tag = "span"
                element.attrib.clear()
            for part in ("text", "tail"):
                if text := getattr(element, part):
                    setattr(element, part, text.replace("&", "&amp;"))  # the serializer leaves what looks like an entity
        return ElementTree.ElementTree(root)


class GitHubMarkdown(markdown.Extension):
    def __init__(self, parser: GitHubParser):
        super().__init__()
        self.parser = parser

    def extendMarkdown(self, md):  # noqa: N802
        for registry in (md.preprocessors, md.treeprocessors):
            for name in ("normalize_whitespace", "html_block", "inline", "prettify"):
                if name in registry:
                    registry.deregister(name)
        md.parser = self.parser


class Site:
    """What is gathered while mkdocs goes through the pages."""
    parser: GitHubParser
    index: list[list[str]]


def pages_in_order(docs: pathlib.Path) -> list[str]:
    """All pages: the index of the guide, what it links to in that order, the others."""
    pages = sorted((path.relative_to(docs).as_posix() for path in docs.rglob("*.md")),
                   key=lambda page: (not page.startswith("guide/"), page.startswith("reference/"), page))
    ordered = [page for page in pages if page in INDEXES]
    for page in list(ordered):
        for link in tree_of((docs / page).read_text()).iter("a"):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(page), urlsplit(link.get("href", "")).path))
            if target in pages and target not in ordered:
                ordered.append(target)
    return ordered + [page for page in pages if page not in ordered]


def on_config(config):
    docs = pathlib.Path(config.docs_dir)
    Site.parser, Site.index = GitHubParser(docs), []
    config.markdown_extensions = ["toc", GitHubMarkdown(Site.parser)]
    config.nav = pages_in_order(docs)
    return config


def on_files(files, config):
    for asset in ("style.css", "search.js"):
        files.append(File.generated(config, asset, abs_src_path=str(ASSETS / asset)))
    return files


def on_page_markdown(_text, page, **_):
    Site.parser.page = page.file.src_uri


def on_page_content(_html, page, **_):
    sections = sections_of(tree_of(page.markdown))
    title = sections[0]["heading"] if sections else page.file.src_uri
    Site.index += [[f"{page.url}#{section['anchor']}", title, section["heading"], section["text"]] for section in sections]


def on_post_build(config):
    site = pathlib.Path(config.site_dir)
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in Site.index)
    (site / "search-index.js").write_text(f"globalThis.guideIndex = [\n{rows}\n];\n")
    if not (site / "index.html").exists():
        (site / "index.html").write_text(REDIRECT.format("guide/index.html"))
