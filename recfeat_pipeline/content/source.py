"""A content source: two queries on the feature store, and how their rows are scaled.

A module of ``content/sources/``, or of ``content/`` in the user's RECFEAT_ARMS, holds one as
``source``; its name is the module's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import polars as pl

from recfeat_pipeline.content.slot import Content, ContentUnavailable
from recfeat_pipeline.registry import Registry, own_folder
from recfeat_pipeline.schemas import LEAST_COVERAGE

SOURCES = Registry("content source", "content/sources", "RECFEAT_ARMS", "content")


@dataclass(frozen=True)
class Source:
    """Where features of items, or of users, come from.

    ``$version`` in a query is the prompt version's key. Rows are long (item_id, name, value) or
    wide (item_id, vector); columns are the names in their order. What is not of the corpus, or of
    no column, is passed over. A source of users gives (user_id, vector, history), the history being
    the ids, as text, of the items that the vector was made from.
    """

    columns: str  # SQL: name
    rows: str  # SQL: item_id, name, value | item_id, vector
    of: str = "items"  # or "users"
    needs: str | None = None  # lake table that `recfeat run` makes for arms with this source alone
    is_text: bool = False  # a vector's numbers are characters: see ``content/letters.py``
    scale: Callable[[pl.DataFrame], pl.DataFrame] = lambda rows: rows  # of the rows of the columns
    example: Callable[[pl.DataFrame], Sequence[str]] = lambda dimensions: ()
    """Columns on the published corpus, given its DIMENSIONS; for sizes where no lake is read."""


def load_source(name: str) -> Source:
    """The source of a name.

    Raises:
        RecfeatError: its module holds none.
    """
    source: Source = SOURCES.load(name, own_folder(), "source", Source)
    return source


def read_columns(
    store: duckdb.DuckDBPyConnection, name: str, version: str | None
) -> tuple[str, ...]:
    """Column names of a source, prefixed by it; none where there is nothing of it."""
    found = _query(store, load_source(name).columns, version)
    return tuple(f"{name}:{column}" for column in found["name"])


def read_source(
    store: duckdb.DuckDBPyConnection, name: str, corpus: pl.DataFrame, version: str | None
) -> Content:
    """The matrix of one source.

    Args:
        store: the feature store.
        name: of the source.
        corpus: item_id and item_index of the N corpus items.
        version: the prompt version's key.

    Raises:
        ContentUnavailable: it is absent or covers less than LEAST_COVERAGE of the corpus.
    """
    source = load_source(name)
    rows = _query(store, source.rows, version)
    if rows.is_empty():
        raise ContentUnavailable(f"It needs {name} features, and there are none.")
    rows = rows.join(corpus.select("item_id", "item_index"), on="item_id")
    names = read_columns(store, name, version)
    if "vector" in rows.columns:
        matrix, held = _wide(source.scale(rows), len(names), corpus.height)
    else:
        matrix, held = _long(rows, names, source.scale, corpus.height)
    if not source.is_text and "vector" in rows.columns and held.size:
        matrix /= np.linalg.norm(matrix[held], axis=1).mean()  # the mean row has unit length
    coverage = len(held) / corpus.height if corpus.height else 0.0
    if coverage < LEAST_COVERAGE or not names:
        raise ContentUnavailable(
            f"The {name} features cover {coverage:.0%} of the corpus; an arm needs "
            f"{LEAST_COVERAGE:.0%}."
        )
    return Content(matrix, names, coverage)


def _long(
    rows: pl.DataFrame, names: Sequence[str], scale: Callable[..., pl.DataFrame], n_items: int
) -> tuple[np.ndarray, np.ndarray]:
    """The matrix [N, D] of long rows, and the indices of the items that have any."""
    plain = [name.partition(":")[2] for name in names]
    columns = pl.DataFrame({"name": plain}, schema={"name": pl.String}).with_row_index("column")
    placed = scale(rows.join(columns, on="name"))
    matrix = np.zeros((n_items, len(names)), np.float32)
    matrix[placed["item_index"].to_numpy(), placed["column"].to_numpy()] = placed["value"]
    return matrix, placed["item_index"].unique().to_numpy()


def _wide(rows: pl.DataFrame, width: int, n_items: int) -> tuple[np.ndarray, np.ndarray]:
    """The same of rows with a vector each."""
    matrix = np.zeros((n_items, width), np.float32)
    if rows.height:
        matrix[rows["item_index"].to_numpy()] = rows["vector"].list.to_array(width).to_numpy()
    return matrix, rows["item_index"].unique().to_numpy()


def _query(store: duckdb.DuckDBPyConnection, sql: str, version: str | None) -> pl.DataFrame:
    parameters: dict[str, Any] | None = {"version": version} if "$version" in sql else None
    return store.sql(sql, params=parameters).pl()
