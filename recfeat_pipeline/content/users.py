"""Fill the user's side of a content slot: from training events alone, under its own control."""

from dataclasses import replace

import duckdb
import numpy as np
import polars as pl

from recfeat_pipeline.content.controls import control_of
from recfeat_pipeline.content.slot import ContentUnavailable, Slot, UserContent
from recfeat_pipeline.content.source import load_source
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.schemas import LEAST_COVERAGE


def fill_users(
    slot: Slot,
    store: duckdb.DuckDBPyConnection,
    events: pl.DataFrame,
    items: pl.DataFrame,
    asked: pl.Series,
    seed: int = 0,
) -> UserContent | None:
    """The user's side of a slot; None where it has none.

    Args:
        slot: which sources, and what is done to them.
        store: the feature store.
        events: :data:`~recfeat_pipeline.schemas.EVENTS`; those of training tell what may be known.
        items: :data:`~recfeat_pipeline.schemas.ITEMS`.
        asked: user_id of whom something must be known.
        seed: of a control's draw.

    Raises:
        ContentUnavailable: a source is absent, or knows less than LEAST_COVERAGE of those asked.
        RecfeatError: a source is one of items.
    """
    if not slot.users:
        return None
    parts = [_read(name, store, events, items) for name in slot.users]
    ids = pl.concat([part.ids for part in parts]).unique().sort()
    matrix = np.concatenate([part.of(ids) for part in parts], axis=1)
    control = control_of(slot.user_control)
    matrix = control.fill(matrix, matrix.shape[1], seed)
    found = UserContent(ids, np.ascontiguousarray(matrix, np.float32), 0.0)
    numbers = found.numbers(asked.unique())
    coverage = float((numbers < len(ids)).mean()) if len(numbers) else 0.0
    if coverage < LEAST_COVERAGE:
        raise ContentUnavailable(
            f"The {' and '.join(slot.users)} features know {coverage:.0%} of the users that it "
            f"asks about from their training events; an arm needs {LEAST_COVERAGE:.0%}. Write them "
            "with `recfeat profiles users`; a split that takes users whole "
            "leaves nothing to be known of those held out."
        )
    return replace(found, coverage=coverage)


def _read(
    name: str, store: duckdb.DuckDBPyConnection, events: pl.DataFrame, items: pl.DataFrame
) -> UserContent:
    """One source, scaled as that of items is: the mean row has length 1."""
    source = load_source(name)
    if source.of != "users":
        raise RecfeatError(f"[content] users = {name!r} is a source of items, not of users.")
    rows = store.sql(source.rows).pl()
    rows = rows.filter(~pl.col("user_id").is_in(leaking(rows, events, items).implode()))
    if rows.is_empty():
        raise ContentUnavailable(
            f"It needs {name} features, and there are none: `recfeat profiles users` writes them."
        )
    vectors = np.array(rows["vector"].to_list(), np.float32)
    length = np.linalg.norm(vectors, axis=1).mean()
    return UserContent(rows["user_id"], vectors / max(length, 1e-9), 1.0)


def leaking(rows: pl.DataFrame, events: pl.DataFrame, items: pl.DataFrame) -> pl.Series:
    """user_id of those whose features were made from anything but training events.

    Such are left from another split, or from before an event was held back.

    Args:
        rows: ``user_id, history``.
        events: as of :func:`fill_users`.
        items: as of :func:`fill_users`.
    """
    ids = items.select("item_index", item=pl.col("item_id").cast(pl.String))
    known = (
        events.filter(pl.col("split") == "train")
        .select("user_id", "item_index")
        .join(ids.drop_nulls(), on="item_index")
    )
    shown = rows.select("user_id", item="history").explode("item")
    return shown.join(known, on=["user_id", "item"], how="anti")["user_id"].unique()
