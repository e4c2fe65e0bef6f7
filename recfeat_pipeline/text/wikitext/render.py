"""Parsed wikitext as plain text: links, tags, lists, tables."""

import re
from typing import Any

import mwparserfromhell
from mwparserfromhell.nodes import Tag, Template, Wikilink
from mwparserfromhell.wikicode import Wikicode

from recfeat_pipeline.text.clean import plain
from recfeat_pipeline.text.wikitext.templates import shown

MAX_DEPTH = 40  # of templates, links, tables and tags in each other

_NESTING = re.compile(
    r"(?P<opens>\{\{|\[\[|\[(?=\w+:)|\{\||<(?!br|hr|li|wbr)[a-z]+(?:\s[^<>]*)?(?<!/)>)"
    r"|(?P<closes>\}\}|\]\]|\]|\|\}|</[a-z]+\s*>)",
    re.IGNORECASE,
)
_STYLE = re.compile(r"'{2,5}")  # bold and italic
_FILE = re.compile(r"\s*(file|image|category)\s*:", re.IGNORECASE)
_DROPPED_TAGS = {"ref", "gallery", "math", "timeline", "score", "style", "script", "references"}


def parse(wikitext: str) -> Wikicode:
    """Parse, unless the markup nests deeper than any article: then only its words are kept.

    The parser needs exponential time for some of what is never closed.
    """
    depth = 0
    for mark in _NESTING.finditer(wikitext):
        depth = depth + 1 if mark.lastgroup == "opens" else max(depth - 1, 0)
        if depth > MAX_DEPTH:
            wikitext = re.sub(r"[{}\[\]<>|]+", " ", wikitext)
            break
    return mwparserfromhell.parse(wikitext, skip_style_tags=True)


def text_of(code: Wikicode) -> str:
    """The text of parsed wikitext."""
    return plain(without_style(_all(code)))


def without_style(text: str) -> str:
    """The text without the marks of bold and italic."""
    return _STYLE.sub("", text)


def _all(code: Wikicode) -> str:
    """The text of all nodes; a template knows whether it stands within a line."""
    parts: list[str] = []
    nodes = code.nodes
    for at, node in enumerate(nodes):
        if isinstance(node, Template):
            before = parts[-1] if parts else ""
            after = str(nodes[at + 1]) if at + 1 < len(nodes) else ""
            inline = bool(before.rpartition("\n")[2].strip() or after.partition("\n")[0].strip())
            parts.append(shown(node, inner_text, inline))
        else:
            parts.append(_render(node))
    return "".join(parts)


def _render(node: Any) -> str:
    if isinstance(node, Wikilink):
        if _FILE.match(str(node.title)):
            return ""
        return text_of(node.text if node.text is not None else node.title)
    if isinstance(node, Tag):
        return _tag(node)
    return str(node.__strip__(normalize=True, collapse=False, keep_template_params=False) or "")


def _tag(tag: Tag) -> str:
    name = str(tag.tag).strip().lower()
    if name in _DROPPED_TAGS:
        return ""
    if name == "table":
        return "\n" + _table(tag) + "\n"
    if name == "br":
        return "\n"
    if name in ("li", "dd", "dt", "hr"):
        return "\n" if tag.contents is None or not str(tag.contents) else "\n" + _inner(tag)
    return _inner(tag)


def _inner(tag: Tag) -> str:
    return _all(tag.contents) if tag.contents else ""


def _table(table: Tag) -> str:
    """One line a row, cells that span rows repeated: "Academy Awards, Best Score, Won"."""
    lines = []
    spans: dict[int, tuple[int, str]] = {}  # column -> (rows left, text)
    for row in table.contents.filter_tags(recursive=False, matches=lambda t: t.tag == "tr"):
        tags = row.contents.filter_tags(recursive=False, matches=lambda t: t.tag in ("td", "th"))
        heads = all(tag.tag == "th" for tag in tags)
        cells: list[str] = []
        for tag in [*tags, None]:
            while len(cells) in spans:
                left, text = spans.pop(len(cells))
                if left > 1:
                    spans[len(cells)] = (left - 1, text)
                cells.append(text)
            if tag is not None:
                text = " ".join(_inner(tag).split())
                rows = _number(tag, "rowspan")
                if rows > 1:
                    spans[len(cells)] = (rows - 1, text)
                cells += [text, *[""] * (_number(tag, "colspan") - 1)]
        if not heads and any(cells):
            lines.append(", ".join(cell for cell in cells if cell))
    return "\n".join(lines)


def _number(tag: Tag, attribute: str) -> int:
    value = str(tag.get(attribute).value).strip() if tag.has(attribute) else ""
    return min(int(value), 1000) if value.isdigit() and value.isascii() else 1


def inner_text(code: Wikicode) -> str:
    """The text of a part, its marks of style left in."""
    return _all(code).strip()
