"""Whether two sets of titles name the same work.

Compared with articles moved to the front, alternative titles in parentheses taken apart, numerals
in one writing, and in Latin letters.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from recfeat_pipeline.text.clean import fold, is_readable, plain_title

Level = Literal["same", "near", "part", "sequel", "differ"]

LIKE = 0.88  # similarity of two spellings of one title
_PARENTHESIS = re.compile(r"\(([^()]*)\)")
_ALIAS = re.compile(r"^\s*(?:a\.?k\.?a\.?|also known as|original title:)\s*", re.IGNORECASE)
_TELLS_APART = re.compile(
    r"(?:(?:18|19|20)\d\d|film|movie|tv|series|miniseries|novel|book|album|song|documentary|short"
    r"|american|british|french|video|\s)+",
    re.IGNORECASE,
)
_ARTICLES = {
    *("the", "a", "an", "le", "la", "les", "l", "un", "une", "il", "lo", "i", "gli", "el", "los"),
    *("las", "der", "die", "das", "den", "det", "de", "het", "o", "os", "as"),
}
_NUMBERS = {name: str(n) for n, names in enumerate((
    "ii two second", "iii three third", "iv four fourth", "v five fifth", "vi six sixth",
    "vii seven seventh", "viii eight eighth", "ix nine ninth", "x ten tenth"), 2)
    for name in names.split()} | {"one": "1", "first": "1", "xi": "11", "xii": "12"}  # fmt: skip
_COUNTERS = {"part", "parts", "vol", "volume", "chapter", "episode", "no", "number", "season"}


def compare(ours: Sequence[str], theirs: Sequence[str]) -> Level | None:
    """How well two sets of titles agree, by their best pair; None when none can be compared.

    "near": spelt alike, with the same numbers; "part": one begins or ends the other; "sequel": so
    too, but one of them has a number that the other lacks.
    """
    left, right = _forms(ours), _forms(theirs)
    if not left or not right:
        return None
    if {"".join(words) for words in left} & {"".join(words) for words in right}:
        return "same"
    levels = {_pair(a, b) for a in left for b in right}
    return next(level for level in ("near", "part", "sequel", "differ") if level in levels)


def _forms(titles: Iterable[str]) -> set[tuple[str, ...]]:
    """Every title's ways to be written, as words."""
    return {
        words
        for title in titles
        for form in _written(title)
        if is_readable(form)
        if (words := _words(form))
    }


def _written(title: str) -> Iterator[str]:
    yield plain_title(title)
    for inner in _PARENTHESIS.findall(title):
        if not _TELLS_APART.fullmatch(inner):
            yield plain_title(_ALIAS.sub("", inner))


def _words(title: str) -> tuple[str, ...]:
    words = fold(title.replace("&", " and ")).split()
    if len(words) > 1 and words[0] in _ARTICLES:
        words = words[1:]
    counted = [_NUMBERS.get(word, word) for word in words[1:]]
    return tuple(w for w in (words[:1] + counted) if w not in _COUNTERS) or tuple(words)


def _pair(a: tuple[str, ...], b: tuple[str, ...]) -> Level:
    numbers = [{word for word in words if word.isdigit()} for words in (a, b)]
    one, other = "".join(a), "".join(b)
    if one.rstrip("s") == other.rstrip("s"):
        return "part"  # "Alien" and "Aliens" are two films
    if numbers[0] == numbers[1] and min(len(one), len(other)) >= 4:
        matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
        if matcher.quick_ratio() >= LIKE and matcher.ratio() >= LIKE:
            return "near"
    short, long = sorted((a, b), key=len)
    begins_or_ends = short in (long[: len(short)], long[-len(short) :])
    if not begins_or_ends or (numbers[0] and numbers[1] and numbers[0] != numbers[1]):
        return "differ"
    return "part" if numbers[0] == numbers[1] else "sequel"
