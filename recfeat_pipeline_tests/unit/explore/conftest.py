import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.explore.library import Library

ITEMS = pl.DataFrame(
    {
        "item_id": [10, 11, 12, 13, 14],
        "title": [
            "Alien (1979)",
            "Aliens (1986)",
            "Amélie (2001)",
            "The Alienist (2018)",
            "Unscored (1950)",
        ],
        "year": [1979, 1986, 2001, 2018, 1950],
        "genres": [["Horror"], ["Action"], ["Romance"], [], None],
        "n_ratings": [900, 500, 300, 2, 1],
        "item_index": [0, 2, 1, 3, None],
    }
)
DIMENSIONS = pl.DataFrame(
    {
        "group": ["themes", "themes", "tone"],
        "dimension": ["survival", "love", "tense"],
        "gloss": ["staying alive", "two people", "nerves"],
    }
)
SCORES = np.array(
    [[1.0, 0.0, 0.9], [0.8, 0.05, 0.9], [0.0, 1.0, 0.1], [0.0, 0.0, 0.0], [np.nan] * 3], np.float32
)


PAGES = pl.DataFrame(
    [
        (12, "tmdb", "Amelie", "https://tmdb/1", False, 0.9, "year: 2001 here, 1999 there"),
        (10, "wikipedia", "Alien (film)", "https://wp/Alien", True, 0.1, None),
        (10, "tmdb", None, "https://tmdb/2", True, 0.05, None),
        (99, "tmdb", "Of no item", "https://tmdb/3", True, 0.01, None),
    ],
    schema=["item_id", "source", "title", "url", "used", "doubt", "reason"],
    orient="row",
)


@pytest.fixture
def library() -> Library:
    return Library(ITEMS, {"v1": DIMENSIONS}, {"v1": SCORES}, {"v1": "some-model"}, PAGES)
