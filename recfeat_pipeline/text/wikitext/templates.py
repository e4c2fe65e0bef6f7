"""What a template shows. The many that only manage the page show nothing.

Of a template that nobody has described here, the first readable argument is shown where it stands
within a sentence. Where a value that the page fetches from elsewhere cannot be known, :data:`LOST`
stands for it, and the sentence is left out: a sentence that lost its number tells something else.
"""

import re
from collections.abc import Callable

from mwparserfromhell.nodes import Template
from mwparserfromhell.wikicode import Wikicode

from recfeat_pipeline.text.clean import fold

LOST = "\ufffc"  # the object replacement character: plain text holds none

_FIRST = {"nowrap", "small", "big", "nobold", "quote", "blockquote", "cquote", "abbr", "ill",
          "interlanguage link", "sic", "visible anchor", "noitalic", "title", "tq", "proper name",
          "em", "strong", "tooltip", "nihongo", "nihongo2", "nihongo3", "nihongo krt",
          "nihongo foot", "korean", "linktext", "not a typo", "start date", "end date",
          "film year", "film date", "fy"}  # fmt: skip
_SECOND = {"lang", "langx", "transliteration", "transl", "color", "colored text", "font color"}
_AS_IS = {"won": "Won", "nom": "Nominated", "nominated": "Nominated", "pending": "Pending",
          "runner up": "Runner-up", "nbsp": " ", "spaced ndash": " – ", "snd": " – ", "spnd": " – ",
          "ndash": "–", "mdash": "—", "endash": "–", "emdash": "—", "'": "'", "'s": "'s",
          "!": "|", "dot": " · ", "en dash": "–", "em dash": "—"}  # fmt: skip
_LISTS = {"plainlist", "plain list", "unbulleted list", "ubl", "ublist", "hlist", "flatlist"}
_MONEY = {"us$": "US$", "usd": "US$", "$": "$", "€": "€", "euro": "€", "eur": "€", "£": "£",
          "gbp": "£", "pound": "£", "¥": "¥", "jpy": "¥", "₹": "₹", "inr": "₹", "a$": "A$",
          "aud": "A$", "ca$": "C$", "cad": "C$"}  # fmt: skip
_UNKNOWABLE = re.compile(
    r"(rt|mc|rotten tomatoes|metacritic|wikidata|inflation|inr ?convert|exchange rate|age).*"
)
_SILENT = re.compile(
    r"(cit(e|ation)|sfn|efn|ref|harv|note|rp|r|main|further|see( also)?|short desc|use |infobox|"
    r"citation needed|cn|fact|anchor|clear|toc|multiple|reflist|defaultsort|about|hatnote|update|"
    r"portal|commons|authority|dead link|webarchive|when|who|which|by whom|according to|better|"
    r"disputed|dubious|clarify|failed|primary|page needed|vague|weasel|pov|as of|zh|ipa|respell|"
    r"listen|audio|flag|refn|notelist|div col|col |image|external|official|imdb|tcmdb|rotten|"
    r"mojo|allmovie|album ratings|track listing|quote box|pull|photo|stack|break|expand|"
    r"unreferenced|more|improve|original research|"
    r"tone|synthesis|long plot|plot|all plot|no plot|over).*"
)


def shown(template: Template, text_of: Callable[[Wikicode], str], inline: bool) -> str:
    """The text that a template shows.

    Args:
        template: the template.
        text_of: gives the text of an argument.
        inline: it stands within a line of text.
    """

    def value(*names: int | str) -> str:
        """The first of these arguments that the template has."""
        for name in names:
            if template.has(name):
                return text_of(template.get(name).value)
        return ""

    raw = str(template.name).strip().lower()
    name = raw if raw in _AS_IS or raw in _MONEY else fold(raw)
    if name in _AS_IS:
        given = value(1)
        return given if given and name in ("won", "nom", "nominated") else _AS_IS[name]
    if name in _LISTS:
        return "\n".join(text_of(p.value) for p in template.params if not p.showkey)
    if name in _MONEY:
        return f"{_MONEY[name]}{value(1)}"
    if name in ("convert", "cvt"):
        return f"{value(1)} {value(2)}"
    if name in ("rating", "stars"):
        return f"{value(1)}/{value(2) or '5'} stars" if value(1) else LOST
    if name in ("frac", "sfrac"):
        return (
            "/".join(filter(None, (value(1), value(2))))
            if not value(3)
            else (f"{value(1)} {value(2)}/{value(3)}")
        )
    if name == "circa":
        return f"c. {value(1)}".strip()
    if name == "sortname":
        return f"{value(1)} {value(2)}".strip()
    if name in ("rotten tomatoes prose", "rt prose"):
        keys = enumerate(("score", "average", "count", "consensus"), 1)
        score, average, count, consensus = (value(position, key) for position, key in keys)
        return _rotten(score, average, count, consensus)
    if name in ("metacritic film prose", "mc film"):
        score = value(1, "score") or LOST
        return f"Metacritic gives it a weighted average of {score} out of 100."
    if name.startswith("lang ") and len(name) <= 8:
        return value(1)
    if name in _SECOND:
        return value(2)
    if name in _FIRST:
        return value(1, "text")
    if _UNKNOWABLE.fullmatch(name):
        return LOST if inline else ""
    if not inline or _SILENT.fullmatch(name):
        return ""
    return next(
        (text for p in template.params if not p.showkey if fold(text := text_of(p.value))), ""
    )


def _rotten(score: str, average: str, count: str, consensus: str) -> str:
    return (
        f"On Rotten Tomatoes, {score or LOST}% of {count or LOST} critics' reviews are positive, "
        f"with an average rating of {average or LOST}/10. {consensus}"
    )
