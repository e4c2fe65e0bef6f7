"""The shelf: the items that an answer is chosen from, and what is known of each."""

import logging
import math
import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    import bm25s

ENGLISH = tomllib.loads(
    files("recfeat_pipeline.ask").joinpath("english.toml").read_text(encoding="utf-8")
)
EMPTY = frozenset(ENGLISH["empty"].split())
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
    def known(self) -> np.ndarray:
        """Which items have a text or scores: bool [items]; of the others nothing can be said."""
        return ~np.isnan(self.scores).any(1) | np.array([bool(text) for text in self.texts])

    @cached_property
    def genre_names(self) -> list[str]:
        """Every genre that an item has."""
        return self.items["genres"].explode().drop_nulls().unique().sort().to_list()

    @cached_property
    def word_index(self) -> "bm25s.BM25":
        """The words of the texts, to be scored by BM25."""
        import bm25s

        logging.getLogger("bm25s").setLevel(logging.WARNING)  # it turns its own debug lines on
        index = bm25s.BM25()
        index.index([stems(text) or [""] for text in self.texts], show_progress=False)
        return index

    def knows(self, word: str) -> bool:
        """Whether a word says something here: texts have vectors, or something holds the word."""
        held = stems(word)
        return self.vectors is not None or any(
            part in self.word_index.vocab_dict or part in self.dimension_index for part in held
        )

    @cached_property
    def dimension_index(self) -> dict[str, dict[str, float]]:
        """Stem to the dimensions that it stands in, and how strongly: name 1, tag .8, gloss .4.

        Of a name or a tag of several words, each word is a part.
        """
        index: dict[str, dict[str, float]] = defaultdict(dict)
        told = self.dimensions.select("dimension", "gloss", "genome_tags")
        for name, gloss, tags in told.iter_rows():
            for strength, texts in ((0.4, [gloss]), (0.8, tags), (1.0, [name.replace("_", " ")])):
                for text in texts:
                    held = [stem(word) for word in words(text) if word not in EMPTY]
                    share = 1.0 if text is gloss else math.sqrt(len(held))
                    for part in held:
                        index[part][name] = max(strength / share, index[part].get(name, 0.0))
        return dict(index)

    @cached_property
    def standard_scores(self) -> np.ndarray:
        """Scores [N, D] less their dimension's mean, over its deviation; 0 where there is none."""
        if not self.scores.size or np.isnan(self.scores).all():
            return np.zeros_like(self.scores)
        mean, deviation = np.nanmean(self.scores, 0), np.nanstd(self.scores, 0)
        scaled = (self.scores - mean) / np.where(deviation > 0, deviation, 1)
        return np.nan_to_num(scaled)


def words(text: str) -> list[str]:
    """The words of a text, in lower case without accents."""
    plain = text.casefold()
    if not plain.isascii():  # most are; looking at each letter took a seventh of an answer's time
        decomposed = unicodedata.normalize("NFKD", plain)
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
