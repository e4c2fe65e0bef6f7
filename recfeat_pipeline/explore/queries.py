"""The questions explore answers, as pure functions over a library."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from recfeat_pipeline.explore.library import Library, plain


class Score(NamedTuple):
    """One dimension of an item: its name, its score in [0, 1], what a 1 means."""

    dimension: str
    score: float
    gloss: str


class Page(NamedTuple):
    """A page that a source offered for an item: its row, and how the vote on it went."""

    row: int
    source: str
    title: str
    url: str
    used: bool
    doubt: float
    against: str

    @property
    def verdict(self) -> str:
        """In a line: ``"tmdb: Solaris · left out, doubt 0.61 · year: 1972 here, 2002 there"``."""
        fate = "used" if self.used else "left out"
        parts = [f"{self.source}: {self.title}", f"{fate}, doubt {self.doubt:.2f}", self.against]
        return " · ".join(part for part in parts if part)


class Neighbour(NamedTuple):
    """A near item: its row, the cosine similarity, and the dimensions that both score high on."""

    row: int
    similarity: float
    shared: tuple[str, ...]


def search_items(library: Library, text: str, n: int = 20) -> list[int]:
    """Rows of the items whose titles hold every word of ``text``; all items for no words.

    Case and accents do not matter. Titles that begin with the text come first, then the popular.
    """
    words = plain(text).split()
    holds = [pl.col("title").str.contains(word, literal=True) for word in words]
    found = library.plain_titles.to_frame().with_row_index("row").filter(True, *holds)
    later = ~pl.col("title").str.starts_with(" ".join(words))
    return found.sort(later, "row")["row"].head(n).to_list()  # rows are by popularity


def pages_of(library: Library, row: int) -> list[Page]:
    """The pages that text sources offered for an item, the most doubtful first."""
    return _pages(library, library.pages.filter(item_id=library.items["item_id"][row]))


def doubtful_pages(library: Library, n: int = 50) -> list[Page]:
    """The pages of any item that are most in doubt."""
    return _pages(library, library.pages.head(n))


def _pages(library: Library, pages: pl.DataFrame) -> list[Page]:
    return [
        Page(
            at,
            page["source"],
            page["title"] or page["url"] or "",
            page["url"] or "",
            page["used"],
            page["doubt"],
            page["reason"] or "",
        )
        for page in pages.iter_rows(named=True)
        if (at := library.row_of(str(page["item_id"]))) is not None
    ]


def why_bare(library: Library, version: str, row: int) -> str:
    """Why an item has no fingerprint: nobody scored it, or every score is 0."""
    if np.isnan(library.scores[version][row]).any():
        return f"Not scored in {version}."
    return f"Scored in {version}: none of its dimensions is found in the item's text."


def fingerprint(
    library: Library, version: str, row: int, at_least: float = 0.1
) -> list[tuple[str, list[Score]]]:
    """An item's scores by group in taxonomy order, the strongest first; empty if not scored."""
    scores = library.scores[version][row]
    if np.isnan(scores).any():
        return []
    frame = (
        library.dimensions[version]
        .with_columns(score=pl.Series(scores))
        .filter(pl.col("score") >= at_least)
    )
    return [
        (
            str(group),
            [
                Score(dimension, score, gloss)
                for dimension, score, gloss in rows.sort(
                    "score", descending=True, maintain_order=True
                )
                .select("dimension", "score", "gloss")
                .iter_rows()
            ],
        )
        for (group,), rows in frame.group_by("group", maintain_order=True)
    ]


def content_neighbours(library: Library, version: str, row: int, n: int = 10) -> list[Neighbour]:
    """The items with the most similar scores, each with what it shares; empty if not scored."""
    matrix, names = library.scores[version], library.names(version)
    return [
        Neighbour(other, similarity, shared_dimensions(names, matrix[row], matrix[other]))
        for other, similarity in nearest(matrix, row, n)
    ]


def trained_neighbours(
    library: Library, vectors: np.ndarray, row: int, n: int = 10
) -> list[Neighbour]:
    """The items that a trained arm holds nearest; empty outside the corpus.

    Args:
        library: gives rows to item indices.
        vectors: the arm's item vectors, float32 [N, 128], by item_index.
        row: the item.
        n: how many.
    """
    index = library.items["item_index"][row]
    if index is None:
        return []
    rows = library.row_of_index
    return [
        Neighbour(int(rows[other]), similarity, ())
        for other, similarity in nearest(vectors, index, n)
    ]


def nearest(matrix: np.ndarray, row: int, n: int) -> list[tuple[int, float]]:
    """The ``n`` other rows with the highest cosine similarity to a row, the nearest first.

    Rows of zeros or NaN are near nothing.
    """
    norms = np.linalg.norm(matrix, axis=1)
    usable = np.nan_to_num(norms) > 0
    if not usable[row]:
        return []
    with np.errstate(invalid="ignore", divide="ignore"):
        similarity = np.where(usable, matrix @ matrix[row] / (norms * norms[row]), -np.inf)
    similarity[row] = -np.inf
    order = np.argsort(-similarity, kind="stable")[: min(n, int(usable.sum()) - 1)]
    return [(int(other), float(similarity[other])) for other in order]


def shared_dimensions(names: Sequence[str], one: np.ndarray, other: np.ndarray) -> tuple[str, ...]:
    """The dimensions on which both score highest, at most three, by the lower of the two scores."""
    both = np.minimum(one, other)
    order = np.argsort(-both, kind="stable")[:3]
    return tuple(names[column] for column in order if both[column] > 0)
