from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.ask.shelf import Shelf
from recfeat_pipeline.explore.library import Library
from recfeat_pipeline.explore.recommend import Recommender
from recfeat_pipeline.serving.service import Service

ITEMS = pl.DataFrame(
    {
        "item_id": ["a", "b", "c", "d", "e"],
        "title": ["Alien (1979)", "Aliens (1986)", "Amélie (2001)", "Heat (1995)", "Lost (1950)"],
        "year": [1979, 1986, 2001, 1995, 1950],
        "genres": [["Horror"], ["Action", "Horror"], ["Romance"], ["Action"], None],
        "n_ratings": [900, 500, 300, 200, 1],
        "item_index": [0, 2, 1, 3, None],
    }
)
DIMENSIONS = pl.DataFrame(
    {
        "group": ["themes", "themes", "tone"],
        "dimension": ["survival", "love", "tense"],
        "gloss": ["staying alive", "two people", "nerves"],
        "genome_tags": [[], ["romance"], ["suspense"]],
    }
)
SCORES = np.array(
    [[1.0, 0.0, 0.9], [0.8, 0.0, 0.9], [0.0, 1.0, 0.1], [0.2, 0.2, 0.8], [np.nan] * 3], np.float32
)
TEXTS = ["A crew in space.", "Marines in space.", "A shy waitress in Paris.", "A robbery.", ""]


class ByIndex(Recommender):
    """Likes item N - 1 best, and says so."""

    def scores(self, liked: Sequence[int]) -> np.ndarray:
        return np.arange(4, dtype=np.float32)

    def drivers(self, liked: Sequence[int], item: int, n: int) -> list[tuple[str, float]]:
        return [("tense", 0.5)]


@pytest.fixture
def service() -> Service:
    library = Library(
        ITEMS, {"v1": DIMENSIONS}, {"v1": SCORES}, {"v1": "some-model"}, ITEMS.clear()
    )
    shelf = Shelf(ITEMS, TEXTS, DIMENSIONS, SCORES)
    return Service(library, shelf, "v1", {"llm": ByIndex}, "1")
