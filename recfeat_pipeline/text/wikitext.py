"""Wikitext of a film article to plain text: the infobox's facts, and sections under any heading.

Parsed by mwparserfromhell. Box-office figures are left out wherever they stand: gross revenue is
popularity, the thing to be predicted.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import mwparserfromhell
from mwparserfromhell.nodes import Tag, Template, Wikilink
from mwparserfromhell.wikicode import Wikicode

from recfeat_pipeline.text.clean import fold, plain, without_spans

MAX_CHARS = 4 << 20  # MediaWiki's own limit is 2 MiB; beyond it something is wrong
MAX_DEPTH = 40  # of templates, links, tables and tags in each other

HEADINGS = {
    "plot": re.compile(
        r"(detailed |brief |full )?(plot|story|synopsis|premise|storyline|summary|scenario)"
        r"( (summary|synopsis|outline|overview|details))?|(film|movie) (plot|synopsis)"
        r"|plot and \w+|synopsis and \w+|overview|segments|content"
    ),
    "awards": re.compile(r".*\b(accolades?|awards?|honou?rs|nominations)\b.*"),
    "reception": re.compile(
        r".*\b(reception|reviews?|critical (response|reaction|analysis|reappraisal|assessment"
        r"|consensus|opinion)|response|reappraisal|critics|critical)\b.*"
    ),
    "revenue": re.compile(
        r"(?!.*\b(critical|critics|and reception)\b)"
        r"(box office|commercial|financial|gross|theatrical run|home (media|video)|sales).*"
    ),
}
"""Section kind → the folded headings that start it; earlier kinds win, "revenue" is dropped."""

_REVENUE = re.compile(
    r"\b(box[- ]office|gross(ed|es|ing)?|opening weekend|ticket sales|admissions)\b"
    r"|\b(earn(ed|ing)?|took in|taking in|made|collected|rentals?)\b[^.]{0,80}?"
    r"([$€£¥₹]|\bUS\$|\b(million|crore|lakh)\b)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])[\"”’)\]]*\s+(?=[\"“‘(\[]?[A-Z0-9$€£])")
_HEADING = re.compile(r"^(={2,6})(?!=)[ \t]*(\S.*?)[ \t]*\1[ \t]*$", re.MULTILINE)
_NESTING = re.compile(
    r"(?P<opens>\{\{|\[\[|\[(?=\w+:)|\{\||<(?!br|hr|li|wbr)[a-z]+(?:\s[^<>]*)?(?<!/)>)"
    r"|(?P<closes>\}\}|\]\]|\]|\|\}|</[a-z]+\s*>)",
    re.IGNORECASE,
)
_LONE_REF = re.compile(r"<ref[^<>]*/>")
_STYLE = re.compile(r"'{2,5}")  # bold and italic
_FILE = re.compile(r"\s*(file|image|category)\s*:", re.IGNORECASE)
_YEAR = re.compile(r"\b(18[89]\d|19\d\d|20\d\d)\b")
_BETWEEN_NAMES = re.compile(r"\([^()]*\)|\n|,\s|\s&\s|\sand\s|;")
_DROPPED_TAGS = {"ref", "gallery", "math", "timeline", "score", "style", "script", "references"}


@dataclass
class Film:
    """What a film article says."""

    is_film: bool = False  # it has a film infobox
    is_disambiguation: bool = False
    years: list[int] = field(default_factory=list)
    directors: list[str] = field(default_factory=list)
    sections: dict[str, str] = field(default_factory=dict)  # plot, reception, awards, intro


def read_film(wikitext: str) -> Film:
    """Everything the pipeline takes from one article."""
    texts: dict[str, list[str]] = {kind: [] for kind in ("intro", "plot", "reception", "awards")}
    film = Film()
    for path, part in _sections(wikitext):
        kind = _kind(path)
        if kind in texts:  # the others are the larger part of an article: not parsed
            code = _parse(part)
            if kind == "intro":
                film = _identity(code)
            if text := without_revenue(_text(code)):
                texts[kind].append(text)
    film.sections = {kind: _one_line("\n".join(parts)) for kind, parts in texts.items() if parts}
    return film


def read_identity(wikitext: str) -> Film:
    """Only who the page is about."""
    lead = next(_sections(wikitext))[1]
    return _identity(_parse(lead))


def _identity(lead: Wikicode) -> Film:
    film = Film()
    for template in lead.filter_templates(recursive=False):
        name = fold(str(template.name))
        if name in ("infobox film", "infobox movie"):
            film.is_film = True
            film.years = sorted({int(y) for y in _YEAR.findall(_parameter(template, "released"))})
            film.directors = _listed(_parameter(template, "director"))
        elif name in ("disambiguation", "disambig", "dab", "film disambiguation"):
            film.is_disambiguation = True
    return film


def without_revenue(text: str) -> str:
    """The text without the sentences that tell what the film earned."""
    lines = []
    for line in text.split("\n"):
        kept = [s for s in _SENTENCE.split(line) if not _REVENUE.search(s)]
        if kept or not line:
            lines.append(" ".join(kept))
    return plain("\n".join(lines))


def _parse(wikitext: str) -> Wikicode:
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


def _one_line(text: str) -> str:
    """Paragraphs, list items and table rows in one line; those without an end get a semicolon."""
    return re.sub(r"\s*\n\s*", " ", re.sub(r"(?<=[^\s.!?:;,”\"])[ \t]*\n+", "; ", text))


def _sections(wikitext: str) -> Iterator[tuple[list[str], str]]:
    """Each heading's own text, nested sections apart, with the folded headings above it.

    The first is the lead, under no heading.
    """
    wikitext = without_spans(wikitext[:MAX_CHARS], "<!--", "-->").partition("<!--")[0]
    path: list[tuple[int, str]] = []
    start = 0
    for heading in _HEADING.finditer(wikitext):
        yield [title for _, title in path], wikitext[start : heading.start()]
        start, level = heading.end(), len(heading[1])
        path = [(above, title) for above, title in path if above < level]
        path.append((level, fold(_text(_parse(heading[2])))))
    yield [title for _, title in path], wikitext[start:]


def _kind(path: list[str]) -> str | None:
    """The kind of a section: its own heading decides, else the nearest one above that has one."""
    if not path:
        return "intro"
    for title in reversed(path):
        for kind in ("revenue", "awards", "plot", "reception"):
            if HEADINGS[kind].fullmatch(title):
                return kind
    return None


def _text(code: Wikicode) -> str:
    return plain(_STYLE.sub("", "".join(_render(node) for node in code.nodes)))


def _render(node: Any) -> str:
    if isinstance(node, Wikilink):
        if _FILE.match(str(node.title)):
            return ""
        return _text(node.text if node.text is not None else node.title)
    if isinstance(node, Template):
        return _template(node)
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
    return "".join(_render(node) for node in tag.contents.nodes) if tag.contents else ""


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


_SHOWS_FIRST = {"nowrap", "small", "big", "nobold", "quote", "blockquote", "cquote", "abbr", "ill",
                "interlanguage link", "sic", "visible anchor", "noitalic", "title", "circa", "tq",
                "proper name", "em", "strong"}  # fmt: skip
_SHOWS_SECOND = {"lang", "transliteration", "transl", "color", "tooltip", "sortname"}
_SHOWN = {"won": "Won", "nom": "Nominated", "nominated": "Nominated", "pending": "Pending",
          "runner up": "Runner-up", "nbsp": " ", "spaced ndash": " – ", "snd": " – ", "spnd": " – ",
          "ndash": "–", "mdash": "—", "endash": "–", "emdash": "—", "'": "'", "'s": "'s",
          "!": "|"}  # fmt: skip
_LISTS = {"plainlist", "plain list", "unbulleted list", "ubl", "ublist", "hlist", "flatlist"}


def _template(template: Template) -> str:
    """The text that a template shows; nothing for the many that only manage the page."""
    raw = str(template.name).strip()
    name = raw.lower() if raw.lower() in _SHOWN else fold(raw)
    if name in _SHOWN:
        shown = _value(template, 1)
        return shown if shown and name in ("won", "nom", "nominated") else _SHOWN[name]
    if name in _LISTS:
        return "\n".join(_inner_text(p.value) for p in template.params if not p.showkey)
    if name in ("convert", "cvt"):
        return f"{_value(template, 1)} {_value(template, 2)}"
    if name in ("rotten tomatoes prose", "rt prose"):
        score, average, count, consensus = (
            _value(template, position, named)
            for position, named in enumerate(("score", "average", "count", "consensus"), 1)
        )
        return (
            f"On Rotten Tomatoes, {score}% of {count} critics' reviews are positive, with an "
            f"average rating of {average}/10. {consensus}"
        )
    if name in ("metacritic film prose", "mc film"):
        score = _value(template, 1, "score")
        return f"Metacritic gives it a weighted average of {score} out of 100."
    if name.startswith("lang ") and len(name) <= 8:
        return _value(template, 1)
    if name in _SHOWS_SECOND:
        return _value(template, 2)
    if name in _SHOWS_FIRST:
        return _value(template, 1, "text")
    return ""


def _value(template: Template, *names: int | str) -> str:
    """The text of the first of these parameters that the template has."""
    for name in names:
        if template.has(name):
            return _inner_text(template.get(name).value)
    return ""


def _inner_text(code: Wikicode) -> str:
    return "".join(_render(node) for node in code.nodes).strip()


def _parameter(template: Template, name: str) -> str:
    """An infobox parameter as raw wikitext, references removed."""
    if not template.has(name):
        return ""
    value = _LONE_REF.sub("", str(template.get(name).value))
    return without_spans(value, "<ref", "</ref>")


def _listed(wikitext: str) -> list[str]:
    """Names out of an infobox parameter, whichever way they are listed."""
    text = _STYLE.sub("", _inner_text(_parse(wikitext)))
    names = (plain(name).strip(" *") for name in _BETWEEN_NAMES.split(text))
    return [name for name in dict.fromkeys(names) if fold(name)]
