"""Wikitext of a film article to plain text: the infobox's facts, and sections under any heading.

Box-office figures are left out wherever they stand: gross revenue is popularity, the thing to be
predicted.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mwparserfromhell.nodes import Template
from mwparserfromhell.wikicode import Wikicode

from recfeat_pipeline.text.clean import fold, plain, without_spans
from recfeat_pipeline.text.wikitext import languages
from recfeat_pipeline.text.wikitext.render import inner_text, parse, text_of, without_style
from recfeat_pipeline.text.wikitext.revenue import without_revenue, without_sentences
from recfeat_pipeline.text.wikitext.templates import LOST

MAX_CHARS = 4 << 20  # MediaWiki's own limit is 2 MiB; beyond it something is wrong

_ENGLISH = {
    "plot": r"(detailed |brief |full )?(plot|story|synopsis|premise|storyline|summary|scenario)"
    r"( (summary|synopsis|outline|overview|details))?|(film|movie) (plot|synopsis)"
    r"|plot and \w+|synopsis and \w+|overview|segments|content",
    "awards": r".*\b(accolades?|awards?|honou?rs|nominations)\b.*",
    "reception": r".*\b(reception|reviews?|reactions?|response|reappraisal|critics|critical)\b.*",
    "revenue": r"(?!.*\b(critical|critics|and reception)\b)"
    r"(box office|commercial|financial|gross|theatrical run|home (media|video)|sales).*",
}
HEADINGS = {
    kind: re.compile(f"{english}|{languages.HEADINGS[kind]}") for kind, english in _ENGLISH.items()
}
"""Section kind → the folded headings that start it; earlier kinds win, "revenue" is dropped."""

_HEADING = re.compile(r"^(={2,6})(?!=)[ \t]*(\S.*?)[ \t]*\1[ \t]*$", re.MULTILINE)
_LONE_REF = re.compile(r"<ref[^<>]*/>")
_REF = re.compile(r"(?P<opens><ref(?:\s[^<>]*)?(?<!/)>)|</ref\s*>", re.IGNORECASE)
_YEAR = re.compile(r"\b(18[89]\d|19\d\d|20\d\d)\b")
_BOLD = re.compile(r"'''([^'\\n]{1,200}(?:'[^'\\n]{1,200})*)'''")
_LOST = re.compile(LOST)
_LOST_ASIDE = re.compile(rf"\s*\([^()]*{LOST}[^()]*\)")  # the sentence is whole without it
_BETWEEN_NAMES = re.compile(r"\([^()]*\)|\n|,\s|\s&\s|\sand\s|;")


INFOBOXES = {
    "infobox film": "film",
    "infobox movie": "film",
    "infobox television": "series",
    "infobox television film": "film",
    "infobox film series": "franchise",
    "infobox franchise": "franchise",
    "infobox media franchise": "franchise",
    **languages.INFOBOXES,
}
"""Folded name of an infobox → what its page is about."""
DATES = ("released", "release_date", "first_aired", "released_date", *languages.DATES)
DIRECTORS = ("director", "directors", "creator", *languages.DIRECTORS)
NAMES = ("name", "native_name", "film name", *languages.NAMES)


@dataclass
class Film:
    """What a film article says."""

    kind: str | None = None  # by its infobox: "film", "series", "franchise"
    titles: list[str] = field(default_factory=list)  # of the infobox, and in bold in the lead
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
            code = parse(part)
            if kind == "intro":
                film = _identity(code)
            text = without_sentences(_LOST_ASIDE.sub("", text_of(code)), _LOST)
            if kind != "plot":  # where money that somebody makes is part of the story
                text = without_revenue(text)
            if text:
                texts[kind].append(text)
    film.sections = {kind: _one_line("\n".join(parts)) for kind, parts in texts.items() if parts}
    return film


def read_identity(wikitext: str) -> Film:
    """Only who the page is about."""
    lead = next(_sections(wikitext))[1]
    return _identity(parse(lead))


def _identity(lead: Wikicode) -> Film:
    film = Film()
    for template in lead.filter_templates(recursive=False):
        name = fold(str(template.name))
        if name in INFOBOXES and film.kind is None:
            film.kind = INFOBOXES[name]
            dates = "".join(_parameter(template, name) for name in DATES)
            film.years = sorted({int(year) for year in _YEAR.findall(dates)})
            film.directors = [n for name in DIRECTORS for n in _listed(_parameter(template, name))]
            film.titles = [n for name in NAMES for n in _listed(_parameter(template, name))]
        elif name in ("disambiguation", "disambig", "dab", "film disambiguation"):
            film.is_disambiguation = True
    bold = (plain(without_style(inner_text(parse(name)))) for name in _BOLD.findall(str(lead))[:5])
    film.titles = list(dict.fromkeys([*film.titles, *filter(None, bold)]))
    return film


def _one_line(text: str) -> str:
    """Paragraphs, list items and table rows in one line; those without an end get a semicolon."""
    return re.sub(r"\s*\n\s*", " ", re.sub(r"(?<=[^\s.!?:;,”\"])[ \t]*\n+", "; ", text))


def _sections(wikitext: str) -> Iterator[tuple[list[str], str]]:
    """Each heading's own text, nested sections apart, with the folded headings above it.

    The first is the lead, under no heading.
    """
    wikitext = without_spans(wikitext[:MAX_CHARS], "<!--", "-->").partition("<!--")[0]
    wikitext = without_unclosed_refs(wikitext)
    path: list[tuple[int, str]] = []
    start = 0
    for heading in _HEADING.finditer(wikitext):
        yield [title for _, title in path], wikitext[start : heading.start()]
        start, level = heading.end(), len(heading[1])
        path = [(above, title) for above, title in path if above < level]
        path.append((level, fold(text_of(parse(heading[2])))))
    yield [title for _, title in path], wikitext[start:]


def without_unclosed_refs(wikitext: str) -> str:
    """The wikitext without ``<ref>`` tags that nothing closes before the next one opens.

    The parser would take all that follows, an infobox's other half, for the reference's text.
    """
    parts, at = [], 0
    marks = list(_REF.finditer(wikitext))
    for mark, after in itertools.zip_longest(marks, marks[1:]):
        if mark["opens"] and not (after and not after["opens"]):
            parts.append(wikitext[at : mark.start()])
            at = mark.end()
    return "".join([*parts, wikitext[at:]])


def _kind(path: list[str]) -> str | None:
    """The kind of a section: its own heading decides, else the nearest one above that has one."""
    if not path:
        return "intro"
    for title in reversed(path):
        for kind in ("revenue", "awards", "plot", "reception"):
            if HEADINGS[kind].fullmatch(title):
                return kind
    return None


def _parameter(template: Template, name: str) -> str:
    """An infobox parameter as raw wikitext, references removed."""
    if not template.has(name):
        return ""
    value = _LONE_REF.sub("", str(template.get(name).value))
    return without_spans(value, "<ref", "</ref>")


def _listed(wikitext: str) -> list[str]:
    """Names out of an infobox parameter, whichever way they are listed."""
    text = without_style(inner_text(parse(wikitext)))
    names = (plain(name).strip(" *") for name in _BETWEEN_NAMES.split(text))
    return [name for name in dict.fromkeys(names) if fold(name)]
