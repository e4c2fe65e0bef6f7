"""Models without a gradient: the same examples, the same rank table."""

import numpy as np
import polars as pl
import torch

from recfeat_pipeline.models.ranks import Seen, rank_scores

WINDOW_DAYS = 30


def rank_baseline(
    model: str, events: pl.DataFrame, test: pl.DataFrame, n_items: int, seen: Seen
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks of the test examples by the baseline of that name; see ``rank_scores``."""
    scores = _SCORERS[model](events, test, n_items)
    return rank_scores(scores, test["target_index"].to_numpy(), seen)


def _popularity(events: pl.DataFrame, test: pl.DataFrame, n_items: int):
    """Number of training events of the item."""
    counts = _counts(events.filter(pl.col("split") == "train"), n_items)
    row = torch.from_numpy(counts.astype(np.float32))
    return lambda start, stop: row.repeat(stop - start, 1)


def _recent_popularity(events: pl.DataFrame, test: pl.DataFrame, n_items: int):
    """Events of the item in the 30-day window before the target's own; popularity breaks ties.

    Windows are fixed, so a target is scored only by events of earlier windows. Every event but the
    test ones counts. Without timestamps this is popularity.
    """
    width = WINDOW_DAYS * 86_400
    known = events.filter(pl.col("split") != "test").with_columns(pl.col("timestamp") // width)
    windows = events["timestamp"].gather(test["event_row"]).fill_null(-1) // width
    distinct = windows.unique().sort()
    recent = np.zeros((len(distinct), n_items), np.float32)
    counts = (
        known.drop_nulls("timestamp")
        .group_by(pl.col("timestamp") + 1, "item_index")
        .len()
        .join(distinct.to_frame("timestamp").with_row_index("row"), on="timestamp")
    )
    recent[counts["row"].to_numpy(), counts["item_index"].to_numpy()] = counts["len"].to_numpy()
    popularity = _counts(known.filter(pl.col("split") == "train"), n_items)
    table = torch.from_numpy(recent + popularity / (1 + popularity.sum()))
    rows = torch.from_numpy(distinct.search_sorted(windows).to_numpy().astype(np.int64))
    return lambda start, stop: table[rows[start:stop]]


def _counts(events: pl.DataFrame, n_items: int) -> np.ndarray:
    return np.bincount(events["item_index"].to_numpy(), minlength=n_items)


_SCORERS = {"popularity": _popularity, "recent_popularity": _recent_popularity}
