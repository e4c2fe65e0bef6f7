"""The published study's counts on MovieLens 32M, to hold ours against."""

import polars as pl

N_RATINGS, N_MOVIES = 32_000_204, 87_585
ITEMS_MORE_THAN_200, ITEMS_MORE_THAN_1000, FREQUENT_TAGS = 9_375, 4_461, 306


def is_movielens_32m(items: pl.DataFrame) -> bool:
    """Whether the items (with ``n_ratings``) are those of the release the study used."""
    return items.height == N_MOVIES and items["n_ratings"].sum() == N_RATINGS


def published_counts_check(items: pl.DataFrame, frequent_tags: int | None) -> pl.DataFrame:
    """``quantity, published, measured, matches``; no rows for any other catalogue.

    Args:
        items: :data:`~recfeat_pipeline.schemas.ITEMS`, every item of the catalogue.
        frequent_tags: number of user tags applied more than 1,000 times
            (:func:`~recfeat_pipeline.catalog.movielens.frequent_tags`); None when not counted.
    """
    counts = items["n_ratings"]
    measured = {
        "items with more than 200 ratings": (ITEMS_MORE_THAN_200, int((counts > 200).sum())),
        "items with more than 1,000 ratings": (ITEMS_MORE_THAN_1000, int((counts > 1000).sum())),
        "user tags applied more than 1,000 times": (FREQUENT_TAGS, frequent_tags),
    }
    rows = [
        (quantity, published, found, found == published)
        for quantity, (published, found) in measured.items()
        if found is not None and is_movielens_32m(items)
    ]
    schema = {"quantity": pl.String, "published": pl.Int64, "measured": pl.Int64}
    return pl.DataFrame(rows, schema={**schema, "matches": pl.Boolean}, orient="row")
