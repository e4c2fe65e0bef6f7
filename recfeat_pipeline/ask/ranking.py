"""A taste to a ranked list: text, dimensions, liked items, genres and years, each a channel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from recfeat_pipeline.ask.shelf import YEAR, Shelf, stem, stems
from recfeat_pipeline.ask.taste import Taste

REASONS = 4  # told of an answer, at most
WORD_NEGATION = 0.5
"""Weight of a word that is not wanted: a text says "violence" of a film that has little, too."""

YEARS_FIT = 3.0
"""Points of an item of the years that were said: as much as all channels together."""


class Answer(NamedTuple):
    """A line of the list: the item's row, its score, and the reasons in stored features."""

    row: int
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Channels:
    """Which channels speak, and how loudly; a benchmark turns them on one by one."""

    text: float = 1.0
    vectors: float = 1.0
    dimensions: float = 1.0


def answer(
    shelf: Shelf,
    taste: Taste,
    n: int = 10,
    channels: Channels | None = None,
    embed: Callable[[Sequence[str]], np.ndarray] | None = None,
    among: np.ndarray | None = None,
) -> list[Answer]:
    """The ``n`` items that answer a taste best; none for a taste that says nothing.

    Every channel is brought to a largest value of 1 before they are added, so that none decides by
    its unit. Years that were said come first; a genre weighs as much as a channel.

    Args:
        shelf: the items.
        taste: what is wanted.
        n: how many lines.
        channels: their weights.
        embed: texts to unit vectors, as the shelf's were made; None leaves that channel out.
        among: which rows may be in the list, bool [items]; None: all.
    """
    if taste.says_nothing:
        return []
    channels = channels or Channels()
    total = np.zeros(shelf.items.height)
    total += channels.text * _scaled(_text_scores(shelf, taste))
    total += channels.dimensions * _scaled(_dimension_scores(shelf, taste))
    if embed and shelf.vectors is not None and taste.words:
        [wanted] = embed([" ".join(taste.words)])
        total += channels.vectors * _scaled(shelf.vectors @ wanted)
    total += _fit(shelf, taste)
    total[list({*taste.liked, *taste.avoided})] = -np.inf
    total[~(shelf.known if among is None else shelf.known & among)] = -np.inf
    order = np.argsort(-total, kind="stable")[:n]
    return [
        Answer(int(row), float(total[row]), reasons(shelf, taste, int(row)))
        for row in order
        if np.isfinite(total[row])
    ]


def reasons(shelf: Shelf, taste: Taste, row: int) -> tuple[str, ...]:
    """Stored features of an item that speak for it: dimensions that were asked for, what it has in
    common with items that were named, words found.
    """  # noqa: D205
    names, weights = shelf.dimensions["dimension"], _weights(shelf, taste)
    pulls = weights * shelf.standard_scores[row]
    held = [
        f"{names[int(column)].replace('_', ' ')} {shelf.scores[row, column]:.1f}"
        for column in np.argsort(-pulls, kind="stable")[:REASONS]
        if pulls[column] > 0
    ]
    text = set(stems(shelf.texts[row]))
    found = [f"“{word}” in its text" for word in taste.words if stem(word) in text]
    alike = [likeness for liked in taste.liked if (likeness := _in_common(shelf, row, liked))]
    return (*held[: REASONS - len(alike)], *alike, *found)[:REASONS]


def _in_common(shelf: Shelf, row: int, liked: int) -> str:
    """The dimension that both score highest on, or nothing: ``"survival 0.7, as in Alien"``."""
    both = np.nan_to_num(np.minimum(shelf.scores[row], shelf.scores[liked]))
    if not both.any():
        return ""
    column = int(both.argmax())
    name = shelf.dimensions["dimension"][column].replace("_", " ")
    title = YEAR.sub("", shelf.items["title"][liked])
    return f"{name} {shelf.scores[row, column]:.1f}, as in {title}"


def _text_scores(shelf: Shelf, taste: Taste) -> np.ndarray:
    """BM25 of the wanted words, less half that of the unwanted ones."""
    wanted = np.zeros(shelf.items.height)
    if taste.words:
        wanted = wanted + shelf.word_index.get_scores([stem(word) for word in taste.words])
    if taste.unwanted_words:
        unwanted = shelf.word_index.get_scores([stem(word) for word in taste.unwanted_words])
        wanted = wanted - WORD_NEGATION * unwanted
    return wanted


def _dimension_scores(shelf: Shelf, taste: Taste) -> np.ndarray:
    """Standard scores along the wanted dimensions, and nearness to the liked items."""
    total = shelf.standard_scores @ _weights(shelf, taste)
    for rows, sign in ((taste.liked, 1.0), (taste.avoided, -1.0)):
        for row in rows:
            total = total + sign * _cosine(shelf.standard_scores, row) * np.sqrt(
                shelf.scores.shape[1]
            )
    return total


def _weights(shelf: Shelf, taste: Taste) -> np.ndarray:
    return np.array([taste.dimensions.get(name, 0.0) for name in shelf.dimensions["dimension"]])


def _cosine(matrix: np.ndarray, row: int) -> np.ndarray:
    norms = np.linalg.norm(matrix, axis=1)
    return matrix @ matrix[row] / np.where(norms > 0, norms, 1) / max(norms[row], 1e-9)


def _fit(shelf: Shelf, taste: Taste) -> np.ndarray:
    """Points for years and genres that fit: years outweigh all that the channels say."""
    fit = np.zeros(shelf.items.height)
    if taste.first_year is not None or taste.last_year is not None:
        year = shelf.items["year"].fill_null(0).to_numpy()
        inside = (year >= (taste.first_year or 0)) & (year <= (taste.last_year or 9999))
        fit += YEARS_FIT * inside
    if taste.genres:
        held = [set(genres or ()) for genres in shelf.items["genres"].to_list()]
        for genre, sign in taste.genres.items():
            has = np.array([genre in of_item for of_item in held])
            fit += sign * has
    return fit


def _scaled(scores: np.ndarray) -> np.ndarray:
    largest = np.abs(scores).max(initial=0.0)
    return scores / largest if largest > 0 else scores
