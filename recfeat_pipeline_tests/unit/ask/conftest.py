import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.ask.shelf import Shelf

ITEMS = [
    ("Alien (1979)", 1979, ["Horror", "Sci-Fi"], "A crew is hunted by a creature in space."),
    ("Usual Suspects, The (1995)", 1995, ["Crime"], "A con man tells of a heist that went wrong."),
    ("Galaxy Quest (1999)", 1999, ["Comedy", "Sci-Fi"], "Actors meet real aliens in space."),
    ("Sting, The (1973)", 1973, ["Comedy", "Crime"], "Two con men plan a heist in Chicago."),
    ("Heat (1995)", 1995, ["Crime"], "Bank robbers and a detective; violence in the streets."),
    ("Unscored (1950)", 1950, None, ""),
]
SCORES = [
    [0.0, 0.9, 0.6, 0.0, 0.9],
    [0.8, 0.0, 0.5, 0.1, 0.0],
    [0.0, 0.7, 0.1, 0.9, 0.0],
    [0.9, 0.0, 0.0, 0.7, 0.0],
    [0.9, 0.0, 0.9, 0.0, 0.0],
    [np.nan] * 5,
]


@pytest.fixture(scope="session")
def shelf() -> Shelf:
    titles, years, genres, texts = zip(*ITEMS, strict=True)
    items = pl.DataFrame(
        {"item_id": list(range(6)), "title": titles, "year": years, "genres": genres},
        strict=False,
    )
    dimensions = pl.DataFrame(
        {
            "dimension": ["heist", "aliens", "violent", "comedic", "scary"],
            "gloss": [
                "a planned theft, and how it goes",
                "life from elsewhere",
                "people are hurt on screen",
                "it wants to make people laugh",
                "it wants to frighten",
            ],
            "genome_tags": [["caper"], ["extraterrestrial"], ["violence"], ["funny"], []],
        }
    )
    return Shelf(items, texts, dimensions, np.array(SCORES, np.float32))
