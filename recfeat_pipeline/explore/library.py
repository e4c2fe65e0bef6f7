"""What explore shows, read from the feature store once: the store is free for a run meanwhile."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import duckdb
import numpy as np
import polars as pl

from recfeat_pipeline.errors import RecfeatError

_PAGES = """
SELECT item_id, source, coalesce(title, url) AS title, url, used, doubt, reason
FROM features.identity ORDER BY doubt DESC, item_id, source
"""
_NEEDED = ("catalog.items", "features.item_features", "features.dimensions")


@dataclass(frozen=True)
class Library:
    """Items and their scores. A *row* is an item's place in ``items``.

    Attributes:
        items: item_id, title, year, genres, n_ratings, item_index (null outside the corpus), the
            most popular first.
        dimensions: by prompt version: group, dimension, gloss, genome_tags in taxonomy order; D of
            them.
        scores: by prompt version: float32 [items, D]; a row of NaN where an item was not scored.
        models: by prompt version, the models that answered ("lexical-…" is no LLM).
        pages: item_id, source, title, url, used, doubt, reason: the vote on every page that a text
            source offered, the most doubtful first.
    """

    items: pl.DataFrame
    dimensions: Mapping[str, pl.DataFrame]
    scores: Mapping[str, np.ndarray]
    models: Mapping[str, str]
    pages: pl.DataFrame

    @cached_property
    def row_of_index(self) -> np.ndarray:
        """The row of each corpus item, by item_index: int64 [N]."""
        corpus = self.items.with_row_index("row").drop_nulls("item_index").sort("item_index")
        return corpus["row"].to_numpy().astype(np.int64)

    def names(self, version: str) -> list[str]:
        """The D dimensions of a prompt version, in column order."""
        return self.dimensions[version]["dimension"].to_list()

    @cached_property
    def plain_titles(self) -> pl.Series:
        """Titles in lower case without accents, by row."""
        titles = [plain(title) for title in self.items["title"]]
        return pl.Series("title", titles, dtype=pl.String)

    def row_of(self, item_id: str) -> int | None:
        """The row of an item id given as text; None when there is no such item."""
        return self._rows.get(item_id)

    @cached_property
    def _rows(self) -> dict[str, int]:
        ids = self.items["item_id"].cast(pl.String).to_list()
        return {item_id: row for row, item_id in enumerate(ids)}


def read_library(connection: duckdb.DuckDBPyConnection) -> Library:
    """Read the store.

    Raises:
        RecfeatError: the store has no items or no features yet.
    """
    have = {
        f"{schema}.{table}"
        for schema, table in connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
        ).fetchall()
    }
    missing = [table for table in _NEEDED if table not in have]
    if missing:
        raise RecfeatError(
            f"The feature store has no table {missing[0]} yet: run "
            "`recfeat run --until feature_store` first."
        )
    items = connection.table("catalog.items").pl()
    items = items.select("item_id", "title", "year", "genres", "n_ratings", "item_index").sort(
        "n_ratings", "item_id", descending=[True, False]
    )
    told = connection.table("features.dimensions").pl().sort("position")
    features = connection.table("features.item_features")
    features = features.project("item_id, version, dimension, score, model").pl()
    if features.is_empty():
        raise RecfeatError(
            "The feature store holds no features yet: run `recfeat run --until feature_store`."
        )
    versions = {str(version): rows for (version,), rows in features.group_by("version")}
    dimensions = {
        version: told.filter(version=version).select("group", "dimension", "gloss", "genome_tags")
        for version in versions
    }
    return Library(
        items,
        dimensions,
        {version: _matrix(rows, items, dimensions[version]) for version, rows in versions.items()},
        {
            version: ", ".join(rows["model"].unique().sort().cast(pl.String))
            for version, rows in versions.items()
        },
        connection.sql(_PAGES).pl() if "features.identity" in have else items.clear(),
    )


def plain(text: str) -> str:
    """Lower case without accents: ``Amélie`` and ``amelie`` are one."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _matrix(features: pl.DataFrame, items: pl.DataFrame, dimensions: pl.DataFrame) -> np.ndarray:
    """Long rows (item_id, dimension, score) of one version to a matrix of items × dimensions."""
    placed = features.join(items.select("item_id", row=pl.int_range(pl.len())), on="item_id").join(
        dimensions.select("dimension", column=pl.int_range(pl.len())), on="dimension"
    )
    matrix = np.full((items.height, dimensions.height), np.nan, np.float32)
    matrix[placed["row"].unique().to_numpy()] = 0  # scored: a dimension not listed is 0
    matrix[placed["row"].to_numpy(), placed["column"].to_numpy()] = placed["score"].to_numpy()
    return matrix
