"""Recommendations from a few liked items, by any model that can score them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from recfeat_pipeline.explore.library import Library


class Recommender(Protocol):
    """A trained arm. Items are item indices, 0..N-1."""

    def scores(self, liked: Sequence[int]) -> np.ndarray:
        """Float [N]: how much someone who liked these items would like each item."""
        ...

    def drivers(self, liked: Sequence[int], item: int, n: int) -> list[tuple[str, float]]:
        """The ``n`` features that move an item's score most, with how far they move it."""
        ...


class Recommendation(NamedTuple):
    """One line of a list: the item's row, its score, and what drove it."""

    row: int
    score: float
    drivers: list[tuple[str, float]]


def recommend(
    library: Library, recommender: Recommender, liked_rows: Sequence[int], n: int = 10
) -> list[Recommendation]:
    """The best ``n`` items for someone who liked these rows, the liked ones left out.

    Rows outside the corpus are passed over: no model knows them.
    """
    indices = library.items["item_index"].gather(list(liked_rows)).drop_nulls().to_list()
    if not indices:
        return []
    scores = recommender.scores(indices).astype(np.float64)
    scores[indices] = -np.inf
    best = np.argsort(-scores, kind="stable")[: min(n, len(scores) - len(set(indices)))]
    rows = library.row_of_index
    return [
        Recommendation(
            int(rows[item]),
            float(scores[item]),
            recommender.drivers(indices, int(item), 4),
        )
        for item in best
    ]
