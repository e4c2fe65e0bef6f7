"""What the rich arms know of an item besides its content: genres, frequent user tags, year."""

from dataclasses import dataclass

import numpy as np
import polars as pl

FREQUENT = 1000
"""A user tag is used when it was applied more often than this, as published (306 on ML-32M)."""


@dataclass(frozen=True)
class Metadata:
    """One row per corpus item, in item order."""

    genres: np.ndarray  # float32 [N, G], one-hot
    tags: np.ndarray  # float32 [N, T]: share of the item's tag applications; T may be 0
    years: np.ndarray  # int64 [N]: 0 when unknown, else 1 + years since the earliest

    @property
    def n_years(self) -> int:
        """Values that ``years`` can take."""
        return int(self.years.max()) + 1


def build_metadata(items: pl.DataFrame, user_tags: pl.DataFrame | None = None) -> Metadata:
    """Metadata of the corpus items.

    Args:
        items: :data:`~recfeat_pipeline.schemas.ITEMS`.
        user_tags: ``item_id, tag, n_applications``, every tag in lower case; None leaves the tag
            slot out.
    """
    corpus = items.filter("in_corpus").sort("item_index")
    genres = corpus.select("item_index", name="genres").explode("name")
    genres = genres.with_columns(pl.col("name").fill_null("(no genres listed)")).unique()
    tags = pl.DataFrame(schema={"item_index": pl.Int32, "name": pl.String, "value": pl.Float32})
    if user_tags is not None:
        applied = pl.col("n_applications")
        tags = (
            user_tags.with_columns(value=applied / applied.sum().over("item_id"))
            .filter(applied.sum().over("tag") > FREQUENT)
            .join(corpus.select("item_id", "item_index"), on="item_id")
            .select("item_index", "value", name="tag")
        )
    years = corpus["year"] - corpus["year"].min() + 1
    return Metadata(
        genres=_spread(genres.with_columns(value=pl.lit(1.0)), corpus.height),
        tags=_spread(tags, corpus.height),
        years=years.fill_null(0).to_numpy().astype(np.int64),
    )


def _spread(rows: pl.DataFrame, n_items: int) -> np.ndarray:
    """Long rows (item_index, name, value) to a matrix with a column per name, sorted."""
    names = rows["name"].unique().sort()
    matrix = np.zeros((n_items, len(names)), np.float32)
    matrix[rows["item_index"].to_numpy(), names.search_sorted(rows["name"]).to_numpy()] = rows[
        "value"
    ].to_numpy()
    return matrix
