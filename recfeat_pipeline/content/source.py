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

HASHED_WIDTH = 256
"""Columns of a vector that the embedded default makes, without a model."""


@dataclass(frozen=True)
class Source:
    """Where features of items, or of users, come from.

    ``$version`` in a query is the key of the prompt version whose scores are read; ``$name`` the
    name of another one, which an arm gives as ``SOURCE:NAME``, or null. Rows are long (item_id,
    name, value) or wide (item_id, vector); columns are the names in their order. What is not of the
    corpus, or of no column, is passed over. A source of users gives (user_id, vector, history), the
    history being the ids, as text, of the items that the vector was made from.
    """

    columns: str  # SQL: name
    rows: str  # SQL: item_id, name, value | item_id, vector
    of: str = "items"  # or "users"
    needs: str | None = None  # lake table that `recfeat run` makes for arms with this source alone
    has_versions: bool = False  # and an arm may say which it reads
    is_text: bool = False  # a vector's numbers are characters: see ``content/letters.py``
    scale: Callable[[pl.DataFrame], pl.DataFrame] = lambda rows: rows  # of the rows of the columns
    example: Callable[[pl.DataFrame], Sequence[str]] = lambda dimensions: ()
    """Columns on the published corpus, given its DIMENSIONS; for sizes where no lake is read."""


def embedded_versions(table: str) -> Source:
    """The source of a store's table of vectors by prompt version: of the one named, or made last.

    Args:
        table: with columns item_id, version, vector, generated_at.
    """
    chosen = f"""version = (
        SELECT version FROM {table}
        WHERE $name::VARCHAR IS NULL OR split_part(version, '@', 1) = $name
        ORDER BY generated_at DESC, version LIMIT 1
    )"""
    return Source(
        columns=f"""
            SELECT unnest(range(len(vector)))::VARCHAR AS name
            FROM (SELECT vector FROM {table} WHERE {chosen} LIMIT 1)
        """,
        rows=f"SELECT item_id, vector FROM {table} WHERE {chosen}",
        has_versions=True,
        example=lambda _: [str(column) for column in range(HASHED_WIDTH)],
    )


def load_source(entry: str) -> Source:
    """The source of an arm's entry, ``SOURCE`` or ``SOURCE:NAME``.

    Raises:
        RecfeatError: its module holds none.
    """
    name, _, _ = entry.partition(":")
    source: Source = SOURCES.load(name, own_folder(), "source", Source)
    return source


def read_columns(
    store: duckdb.DuckDBPyConnection, entry: str, version: str | None
) -> tuple[str, ...]:
    """Column names of an arm's entry, prefixed by it; none where there is nothing of it."""
    found = _query(store, load_source(entry).columns, entry, version)
    return tuple(f"{entry}:{column}" for column in found["name"])


def read_source(
    store: duckdb.DuckDBPyConnection, entry: str, corpus: pl.DataFrame, version: str | None
) -> Content:
    """The matrix of one source.

    Args:
        store: the feature store.
        entry: an arm's, ``SOURCE`` or ``SOURCE:NAME``.
        corpus: item_id and item_index of the N corpus items.
        version: the prompt version's key.

    Raises:
        ContentUnavailable: it is absent or covers less than LEAST_COVERAGE of the corpus.
    """
    source = load_source(entry)
    rows = _query(store, source.rows, entry, version)
    if rows.is_empty():
        raise ContentUnavailable(f"It needs {entry} features, and there are none.")
    rows = rows.join(corpus.select("item_id", "item_index"), on="item_id")
    names = read_columns(store, entry, version)
    if "vector" in rows.columns:
        matrix, held = _wide(source.scale(rows), len(names), corpus.height)
    else:
        plain = [name.removeprefix(f"{entry}:") for name in names]
        matrix, held = _long(rows, plain, source.scale, corpus.height)
    if not source.is_text and "vector" in rows.columns and held.size:
        matrix /= np.linalg.norm(matrix[held], axis=1).mean()  # the mean row has unit length
    coverage = len(held) / corpus.height if corpus.height else 0.0
    if coverage < LEAST_COVERAGE or not names:
        raise ContentUnavailable(
            f"The {entry} features cover {coverage:.0%} of the corpus; an arm needs "
            f"{LEAST_COVERAGE:.0%}."
        )
    return Content(matrix, names, coverage)


def _long(
    rows: pl.DataFrame, names: Sequence[str], scale: Callable[..., pl.DataFrame], n_items: int
) -> tuple[np.ndarray, np.ndarray]:
    """The matrix [N, D] of long rows, and the indices of the items that have any."""
    columns = pl.DataFrame({"name": names}, schema={"name": pl.String}).with_row_index("column")
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


def _query(
    store: duckdb.DuckDBPyConnection, sql: str, entry: str, version: str | None
) -> pl.DataFrame:
    known = {"version": version, "name": entry.partition(":")[2] or None}
    asked: dict[str, Any] = {name: value for name, value in known.items() if f"${name}" in sql}
    return store.sql(sql, params=asked or None).pl()
