"""The shelf: the items that an answer is chosen from, and what is known of each."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import polars as pl

WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")
ARTICLE = re.compile(r"^(.*), (the|a|an|la|le|les|il|der|die|das|el)$")
YEAR = re.compile(r"\s*\(\d{4}\)\s*$")


@dataclass(frozen=True)
class Shelf:
    """Items, a row each, in one order everywhere.

    Attributes:
        items: ``item_id, title, year, genres``.
        texts: each item's document; "" where there is none.
        dimensions: ``dimension, gloss, genome_tags`` in the order of the columns of ``scores``.
        scores: float32 [items, D]; a row of NaN where an item was not scored.
        vectors: unit vectors of the documents, float32 [items, W]; None: words alone are compared.
    """

    items: pl.DataFrame
    texts: Sequence[str]
    dimensions: pl.DataFrame
    scores: np.ndarray
    vectors: np.ndarray | None = None

    @cached_property
    def titles(self) -> dict[tuple[str, ...], int]:
        """Rows by the words of a title, without its year and its article; of two, the first row."""
        found: dict[tuple[str, ...], int] = {}
        for row, title in enumerate(self.items["title"]):
            for name in title_words(title):
                found.setdefault(name, row)
        return found

    @cached_property
    def genre_names(self) -> list[str]:
        """Every genre that an item has."""
        return self.items["genres"].explode().drop_nulls().unique().sort().to_list()

    @cached_property
    def standard_scores(self) -> np.ndarray:
        """Scores less their dimension's mean, over its deviation; 0 where an item has none."""
        if not self.scores.size or np.isnan(self.scores).all():
            return np.zeros_like(self.scores)
        mean, deviation = np.nanmean(self.scores, 0), np.nanstd(self.scores, 0)
        scaled = (self.scores - mean) / np.where(deviation > 0, deviation, 1)
        return np.nan_to_num(scaled)


def words(text: str) -> list[str]:
    """The words of a text, in lower case without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return WORD.findall(plain)


def stems(text: str) -> list[str]:
    """The words of an English text, each cut to its stem: ``comedies`` is ``comedi``."""
    return [stem(word) for word in words(text)]


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The stem of an English word (Porter2)."""
    from snowballstemmer import stemmer

    return stemmer("english").stemWord(word.removesuffix("'s").removesuffix("’s"))


def title_words(title: str) -> list[tuple[str, ...]]:
    """The ways in which a title is said: ``Usual Suspects, The (1995)`` with and without "the"."""
    name = YEAR.sub("", title).strip()
    held = ARTICLE.match(name.casefold())
    bare = tuple(words(held.group(1) if held else name))
    short = tuple(words(re.sub(r"\(.*?\)", "", held.group(1) if held else name)))
    whole = (*words(held.group(2)), *bare) if held else bare
    if bare and bare[0] in ("the", "a", "an"):
        bare = bare[1:]
    return [said for said in dict.fromkeys((whole, bare, short)) if said]
