"""Fill a content slot: the sources side by side, less what is left out, under a control."""

from collections.abc import Callable, Iterable

import duckdb
import numpy as np
import polars as pl

from recfeat_pipeline.content.controls import control_of, kept
from recfeat_pipeline.content.slot import Content, ContentUnavailable, Slot
from recfeat_pipeline.content.source import read_source


def fill(
    slot: Slot,
    store: duckdb.DuckDBPyConnection,
    items: pl.DataFrame,
    dimensions: pl.DataFrame,
    version: str | None,
    seed: int = 0,
) -> Content:
    """The content of a slot.

    Args:
        slot: which sources, and what is done to them.
        store: the feature store.
        items: :data:`~recfeat_pipeline.schemas.ITEMS`; the corpus rows give N and the row order.
        dimensions: :data:`~recfeat_pipeline.schemas.DIMENSIONS` of the taxonomy.
        version: key of the prompt version whose scores are read.
        seed: of a control's draw.

    Raises:
        ContentUnavailable: a source is absent or covers too little of the corpus, nothing is left
            of it, or what is left is the same for every item.
    """
    corpus = items.filter("in_corpus").select("item_id", "item_index").sort("item_index")
    if not slot.sources:
        return Content(np.zeros((corpus.height, 0), np.float32), (), 0.0)
    parts = [read_source(store, name, corpus, version) for name in slot.sources]
    names = tuple(name for part in parts for name in part.names)
    shown = left(slot, names, dimensions)
    matrix = np.concatenate([part.matrix for part in parts], axis=1)[:, kept(shown, names)]
    if (matrix == matrix[:1]).all():
        raise ContentUnavailable("Every item has the same values, which tell none from another.")
    control = control_of(slot.control)
    final = shown if control.selects else control.columns(shown, dimensions)
    matrix = control.fill(matrix, len(final), seed)
    return Content(matrix, final, min(part.coverage for part in parts))


def columns(
    slot: Slot, read: Callable[[str], Iterable[str]], dimensions: pl.DataFrame
) -> tuple[str, ...] | None:
    """Names of the columns that :func:`fill` would give; None where a source is not there.

    Args:
        slot: as of :func:`fill`.
        read: the column names of a source, prefixed by it.
        dimensions: as of :func:`fill`.
    """
    of_sources = [tuple(read(name)) for name in slot.sources]
    if not all(of_sources):
        return None
    if not of_sources:
        return ()
    try:
        shown = left(slot, tuple(name for names in of_sources for name in names), dimensions)
        control = control_of(slot.control)
        return shown if control.selects else control.columns(shown, dimensions)
    except ContentUnavailable:
        return None


def left(slot: Slot, names: tuple[str, ...], dimensions: pl.DataFrame) -> tuple[str, ...]:
    """The columns that are shown: without the groups left out, and as the control selects.

    Raises:
        ContentUnavailable: a group is unknown, or nothing is left.
    """
    shown = names
    for group in slot.groups_left_out:
        rows = dimensions.filter(pl.col("group") == group)
        if rows.is_empty():
            raise ContentUnavailable(f"The taxonomy has no group {group!r}.")
        left_out = {f"llm:{dimension}" for dimension in rows["dimension"]}
        shown = tuple(name for name in shown if name not in left_out)
    control = control_of(slot.control)
    if control.selects:
        shown = control.columns(shown, dimensions)
    if not shown:
        raise ContentUnavailable(f"No feature is left, {len(names)} were.")
    return shown
