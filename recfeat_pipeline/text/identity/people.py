"""Whether two lists of names have a person in common, however the names are written.

The same people are "Lana Wachowski, Lilly Wachowski" and "The Wachowskis", "Guillermo del Toro" and
"Guillermo del Toro Gómez", "Wong Kar-wai" and "Kar-Wai Wong", "Андрей Тарковский" and "Andrei
Tarkovsky". What cannot be compared (宮崎駿 with "Hayao Miyazaki") says nothing.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from recfeat_pipeline.text.clean import fold, is_readable

Level = Literal["same", "family", "differ"]

LIKE = 0.84  # similarity of two spellings of one name
LIKE_GIVEN = 0.8  # of two spellings of one given name
LOOSELY_LIKE, LONG = 0.7, 8  # of long family names under one given name: Eisenstein, Ejzenštejn
_BETWEEN = re.compile(r"\s*(?:[,;/|&]|\band\b|\bund\b|\bet\b)\s*")
_BESIDE = re.compile(r"\([^()]*\)")
_TITLES = {"jr", "sr", "ii", "iii", "iv", "sir", "dame", "dr"}
_TOGETHER = {"the", "brothers", "bros", "sisters", "siblings", "twins"}
_NOBODY = {"unknown", "various", "various artists", "n a", "none", "anonymous"}


def compare(ours: Sequence[str], theirs: Sequence[str]) -> Level | None:
    """How well two lists agree, by their best pair; None when nothing can be compared.

    "family" is a common family name under unlike given names: siblings, or another spelling.
    """
    left, right = list(_split(ours)), list(_split(theirs))
    readable = [[n for n in names if is_readable(n)] for names in (left, right)]
    if set(map(fold, left)) & set(map(fold, right)) - {""}:
        return "same"
    one, other = ([words for n in names if (words := _words(n))] for names in readable)
    if not one or not other:
        return None
    levels = {_pair(a, b) for a in one for b in other}
    if "same" in levels or _collective(one, other) or _collective(other, one):
        return "same"
    if "family" in levels:
        return "family"
    unread = len(readable[0]) < len(left) or len(readable[1]) < len(right)
    return None if unread else "differ"


def _split(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        for part in _BETWEEN.split(_BESIDE.sub(" ", name)):
            if part.strip() and fold(part) not in _NOBODY:
                yield part


def _words(name: str) -> list[str]:
    words = fold(name).split()
    return [word for word in words if word not in _TITLES] or words


def _pair(a: list[str], b: list[str]) -> Level:
    if any(_same_name(a, b[at:] + b[:at]) for at in range(len(b))):
        return "same"
    short, long = sorted((a, b), key=len)
    if len(short) == 1 and len(long) > 1:  # "Tarsem", "Hitchcock"
        return "same" if short[0] in (long[0], long[-1]) else "differ"
    if set(short) <= set(long):
        return "same"
    given = _same_given(a[0], b[0])
    if _alike(a[-1], b[-1]):
        return "same" if given else "family"
    if given and min(len(a[-1]), len(b[-1])) >= LONG and _alike(a[-1], b[-1], LOOSELY_LIKE):
        return "same"
    return "differ"


def _same_name(a: list[str], b: list[str]) -> bool:
    """Word by word, or as one where they are cut into words in another way: "Junho", "Joon-ho"."""
    if len(a) == len(b):
        return all(map(_alike, a, b))
    return _alike("".join(a), "".join(b))


def _alike(a: str, b: str, at_least: float = LIKE) -> bool:
    if a == b:
        return True
    if min(len(a), len(b)) < 4 or a[0] != b[0] or not (a + b).isalpha():
        return False
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio() >= at_least


def _same_given(a: str, b: str) -> bool:
    """Such as "Steve" and "Steven", "J." and "John", "Andrey" and "Andrei"."""
    return a.startswith(b) or b.startswith(a) or _alike(a, b, LIKE_GIVEN)


def _collective(group: list[list[str]], people: list[list[str]]) -> bool:
    """Whether a name of the group is what these people are called together."""
    for words in group:
        rest = [word for word in words if word not in _TOGETHER]
        if len(rest) != 1:
            continue
        if len(rest) < len(words) and any(rest[0] == person[-1] for person in people):
            return True  # "Dardenne brothers"
        if rest[0].endswith("s"):
            name = rest[0][:-1]
            if any(name == person[-1] for person in people):
                return True  # "The Wachowskis"
            if sum(name == person[0] for person in people) > 1:
                return True  # "Daniels"
    return False
