"""Words to a taste without a language model: titles, dimensions, genres and years by their names.

It reads what is named and negated, and nothing that is meant. A model reads better; this reading
costs nothing, and says of itself that it is no LLM.
"""

import math
import re
from collections.abc import Iterable, Iterator

from recfeat_pipeline.ask.shelf import EMPTY, ENGLISH, Shelf, stem, stems, words
from recfeat_pipeline.ask.taste import Taste

NEGATIONS, LIKENESS, OLD, NEW = (
    frozenset(ENGLISH[name].split()) for name in ("negations", "likeness", "old", "new")
)
DECADES: dict[str, int] = ENGLISH["decades"]
NAMELESS = EMPTY | NEGATIONS | OLD | NEW | DECADES.keys()
CLAUSE = re.compile(r"[,;.:!?()/]|\b(?:but|and then|though|although|however)\b", re.IGNORECASE)
DECADE = re.compile(r"\b(?:(18|19|20)(\d0)|'?(\d0))'?s\b")
BOUND = re.compile(r"\b(before|until|after|since|from|in)\s+((?:18|19|20)\d\d)\b")


def read_words(shelf: Shelf, text: str, before: Taste | None = None) -> Taste:
    """What a sentence says in the shelf's own terms.

    Args:
        shelf: gives titles, dimensions, genres and years.
        text: what someone wrote; never run, only compared.
        before: the taste of the turns before, which "newer" and "older" refer to.
    """
    liked: list[int] = []
    avoided: list[int] = []
    dimensions: dict[str, float] = {}
    genres: dict[str, float] = {}
    said: dict[bool, list[str]] = {True: [], False: []}
    for clause, wanted in _clauses(text):
        rest = clause
        for row, found in _titles(shelf, clause):
            (liked if wanted else avoided).append(row)
            rest = rest.replace(found, " ")
        content = [word for word in words(rest) if word not in NAMELESS and not word[0].isdigit()]
        said[wanted] += content
        sign = 1.0 if wanted else -1.0
        for name, weight in _dimensions(shelf, content).items():
            if weight > abs(dimensions.get(name, 0.0)):
                dimensions[name] = sign * weight
        genres |= dict.fromkeys(_genres(shelf, content), sign)
    first, last = _years(shelf, text, before)
    return Taste(
        liked=tuple(dict.fromkeys(liked)),
        avoided=tuple(dict.fromkeys(avoided)),
        dimensions=dimensions,
        genres=genres,
        first_year=first,
        last_year=last,
        words=tuple(word for word in dict.fromkeys(said[True]) if shelf.knows(word)),
        unwanted_words=tuple(dict.fromkeys(said[False])),
    )


def read_turns(shelf: Shelf, turns: Iterable[str]) -> Taste:
    """The taste after several turns, each read after those before it."""
    taste = Taste()
    for text in turns:
        taste = taste.then(read_words(shelf, text, taste))
    return taste


def _clauses(text: str) -> Iterator[tuple[str, bool]]:
    """Parts of a sentence, and whether each is wanted: a negation holds to its clause's end."""
    for clause in CLAUSE.split(text):
        at = [
            match.start()
            for match in re.finditer(r"[\w'’-]+", clause)  # "non-linear" negates nothing
            if match[0].casefold() in NEGATIONS or match[0].casefold().endswith(("n't", "n’t"))
        ]
        cut = at[0] if at else len(clause)
        if clause[:cut].strip():
            yield clause[:cut], True
        if clause[cut:].strip():
            yield clause[cut:], False


def _titles(shelf: Shelf, clause: str) -> Iterator[tuple[int, str]]:
    """Items that a clause names, the longest titles first, and the words that name each.

    A title of one word counts only with a capital and after a word of likeness, for most are words
    that mean themselves; a longer one with a capital, or right after such a word.
    """
    spans = [match.span() for match in re.finditer(r"[\w'’-]+", clause)]
    taken: set[int] = set()
    for length in range(min(8, len(spans)), 0, -1):
        for start in range(len(spans) - length + 1):
            here = range(start, start + length)
            if taken & set(here):
                continue
            found = clause[spans[start][0] : spans[start + length - 1][1]]
            row = shelf.titles.get(tuple(words(found)))
            if row is None:
                continue
            before = words(clause[: spans[start][0]])
            likened = any(word in LIKENESS for word in before)
            just_now = likened and before[-1] in {*LIKENESS, "to"}  # "similar to"
            if (length > 1 and just_now) or (found[0].isupper() and (length > 1 or likened)):
                taken |= set(here)
                yield row, found


def _dimensions(shelf: Shelf, content: list[str]) -> dict[str, float]:
    """Dimensions that the words name: by the name itself, a tag it stands for, or the gloss.

    A word that many dimensions share says little of each.
    """
    found: dict[str, float] = {}
    for word in {stem(word) for word in content}:
        holders = shelf.dimension_index.get(word, {})
        for name, strength in holders.items():
            weight = strength / math.sqrt(len(holders))
            found[name] = max(found.get(name, 0.0), weight)
    return {name: weight for name, weight in found.items() if weight >= 0.25}


def _genres(shelf: Shelf, content: list[str]) -> list[str]:
    """Genres whose names stand among the words: ``comedies`` names Comedy."""
    held = {stem(word) for word in content}
    return [genre for genre in shelf.genre_names if held >= set(stems(genre))]


def _years(shelf: Shelf, text: str, before: Taste | None) -> tuple[int | None, int | None]:
    """First and last year that the words allow."""
    low = text.casefold()
    decades = [DECADES[word] for word in words(low) if word in DECADES]
    for match in DECADE.finditer(low):
        century = int(match[1]) if match[1] else 19
        decades.append(100 * century + int(match[2] or match[3]))
    if decades:
        return min(decades), max(decades) + 9
    if bound := BOUND.search(low):
        year = int(bound[2])
        return {
            "before": (None, year - 1), "until": (None, year), "after": (year + 1, None),
            "since": (year, None), "from": (year, year), "in": (year, year),
        }[bound[1]]  # fmt: skip
    years = shelf.items["year"].drop_nulls()
    if years.is_empty():
        return None, None
    held = set(words(low))
    if held & NEW:
        earlier = before.last_year if before else None
        return (earlier + 1 if earlier else int(years.quantile(0.6) or 0)), None
    if held & OLD:
        earlier = before.first_year if before else None
        return None, (earlier - 1 if earlier else int(years.quantile(0.4) or 0))
    return None, None
