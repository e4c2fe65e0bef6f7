"""A page for people: its schema.org data (JSON-LD), and the text that is there to be read."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from recfeat_pipeline.text.clean import plain

SKIPPED = {"script", "style", "noscript", "template", "svg", "nav", "header", "footer", "aside",
           "form", "button", "select", "dialog", "iframe"}  # fmt: skip
BLOCKS = {"p", "li", "h1", "h2", "h3", "h4", "blockquote", "dd", "dt", "td", "figcaption", "pre",
          "div", "section", "article", "main", "tr"}  # fmt: skip
VOID = {"br", "img", "hr", "meta", "link", "input", "source", "wbr", "area", "base", "col", "embed"}
WORDS = 8  # a block of fewer, without a full stop, is a menu's or a button's
SENTENCE = re.compile(r"[.!?…。！？][\"”’)\]]*$")
UNREAD = {"aggregateRating", "offers", "interactionStatistic", "review", "ratingValue"}
"""What sold and what was liked is what is to be predicted; it is no text."""


@dataclass
class PageText:
    """What a page says."""

    title: str = ""
    description: str = ""
    language: str | None = None  # of <html lang>
    things: list[dict[str, Any]] = field(default_factory=list)  # schema.org objects
    text: str = ""  # the blocks of prose, one a line


def read_page(html: str) -> PageText:
    """Read a page; markup that is broken costs what it breaks, never an error."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    inside = reader.main or reader.blocks
    blocks = [block for block in map(plain, inside) if _is_prose(block)]
    return PageText(
        title=plain(reader.meta.get("og:title") or "".join(reader.title)),
        description=plain(reader.meta.get("description") or reader.meta.get("og:description")),
        language=reader.language,
        things=[thing for text in reader.data for thing in _things(text)],
        text="\n".join(dict.fromkeys(blocks)),
    )


class _Reader(HTMLParser):
    """Collects blocks of text outside what is skipped, apart where they are in <main>."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.meta: dict[str, str] = {}
        self.title: list[str] = []
        self.language: str | None = None
        self.data: list[str] = []
        self.blocks: list[str] = [""]
        self.main: list[str] = []
        self._open: list[str] = []
        self._reads: str | None = None  # "title", "data"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = given.get("lang", "")[:2].lower() or None
        elif tag == "meta":
            self.meta.setdefault(
                given.get("property") or given.get("name", ""), given.get("content", "")
            )
        elif tag == "title" and "svg" not in self._open:
            self._reads = "title"
        elif tag == "script" and given.get("type", "").strip().lower() == "application/ld+json":
            self._reads = "data"
            self.data.append("")
        if tag in BLOCKS:
            self._begin()
        elif tag == "br":
            self.handle_data(" ")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._reads = None
        if tag in BLOCKS:
            self._begin()
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._reads == "title":
            self.title.append(data)
        elif self._reads == "data":
            self.data[-1] += data
        elif not SKIPPED.intersection(self._open):
            self.blocks[-1] += data
            if self.main and {"main", "article"}.intersection(self._open):
                self.main[-1] += data

    def _begin(self) -> None:
        self.blocks.append("")
        if self.main or {"main", "article"}.intersection(self._open):
            self.main.append("")


def _is_prose(block: str) -> bool:
    return bool(SENTENCE.search(block)) or len(block.split()) >= WORDS


def _things(text: str) -> Iterator[dict[str, Any]]:
    """The schema.org objects of a script: one, a list, or a graph."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return
    listed = data if isinstance(data, list) else [data]
    for thing in listed:
        graph = thing.get("@graph") if isinstance(thing, dict) else None
        for one in graph if isinstance(graph, list) else [thing]:
            if isinstance(one, dict) and one.get("@type"):
                yield {name: value for name, value in one.items() if name not in UNREAD}
