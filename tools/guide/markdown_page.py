"""Pages of GitHub-flavoured Markdown as element trees: for the site, and for the tests of links."""
from __future__ import annotations

import collections
import re
from xml.etree import ElementTree

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml

HEADINGS = re.compile(r"h[1-6]")
SPACE_BEHIND = {"p", "li", "td", "th", "tr", "pre", "br", "blockquote"}

_parser = MarkdownIt("commonmark", {"html": True, "xhtmlOut": True}).enable(["table", "strikethrough"])


def _raw_html(_self, tokens, index, _options, _environment) -> str:
    """Comments are left out, line breaks kept; anything else is shown as it is written."""
    text = re.sub(r"<!--.*?-->", "", tokens[index].content, flags=re.DOTALL)
    return "<br />" if re.fullmatch(r"<br\s*/?>", text) else escapeHtml(text)


_parser.add_render_rule("html_block", _raw_html)
_parser.add_render_rule("html_inline", _raw_html)


def anchor_of(heading: str) -> str:
    """The anchor that GitHub makes of a heading: `Start & stop` becomes `start--stop`."""
    return "".join(c for c in heading.strip().lower() if c.isalnum() or c in "-_ ").replace(" ", "-")


def text_of(element: ElementTree.Element) -> str:
    """The text within an element; words of different cells, items and paragraphs do not run together."""
    parts = [element.text or ""]
    for child in element:
        parts += [text_of(child), " " if child.tag in SPACE_BEHIND else "", child.tail or ""]
    return "".join(parts)


def tree_of(markdown: str) -> ElementTree.Element:
    """The page as XHTML within one `div`. Headings have the ids that GitHub gives them; comments are left out."""
    root = ElementTree.fromstring(f"<div>{_parser.render(markdown)}</div>")
    seen: collections.Counter = collections.Counter()
    for element in root.iter():
        if HEADINGS.fullmatch(element.tag):
            anchor = anchor_of(text_of(element))
            element.set("id", f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
            seen[anchor] += 1
    return root


def sections_of(root: ElementTree.Element) -> list[dict]:
    """Each heading with its anchor and the text that stands under it up to the next one."""
    sections: list[dict] = []
    for element in root:
        if HEADINGS.fullmatch(element.tag):
            sections.append({"anchor": element.get("id"), "heading": text_of(element).strip(), "text": ""})
        elif sections:
            sections[-1]["text"] += " ".join(text_of(element).split()) + " "
    return sections
