"""Recommendations from a few liked items, by any model that can score them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from recfeat_pipeline.explore.library import Library
from recfeat_pipeline.explore.nearest import largest


class Recommender:
    """A trained arm. Items are item indices, 0..N-1."""

    def scores(self, liked: Sequence[int]) -> np.ndarray:
        """Float [N]: how much someone who liked these items would like each item."""
        raise NotImplementedError

    def best(
        self, liked: Sequence[int], k: int, allowed: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The ``k`` best of the allowed items (bool [N]) and their scores, the best first."""
        return largest(np.where(allowed, self.scores(liked), -np.inf), k)

    def drivers(self, liked: Sequence[int], item: int, n: int) -> list[tuple[str, float]]:
        """The ``n`` features that move an item's score most, with how far they move it."""
        return []


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
    rows = library.row_of_index
    allowed = np.ones(len(rows), bool)
    allowed[indices] = False
    return [
        Recommendation(int(rows[item]), float(score), recommender.drivers(indices, int(item), 4))
        for item, score in zip(*recommender.best(indices, n, allowed), strict=True)
    ]
