"""Small inline worlds for the model tests."""

import numpy as np
import polars as pl

from recfeat_pipeline.schemas import EVENTS, ITEMS


def make_events(rows: list[tuple]) -> pl.DataFrame:
    """EVENTS from (user_id, item_index, rating, timestamp, split), already in order."""
    columns = ["user_id", "item_index", "rating", "timestamp", "split"]
    schema = {name: EVENTS[name] for name in columns}
    return (
        pl.DataFrame(rows, schema=schema, orient="row")
        .with_columns(pl.int_range(pl.len(), dtype=pl.Int32).over("user_id").alias("position"))
        .select(list(EVENTS))
    )


def make_items(n_items: int) -> pl.DataFrame:
    """ITEMS with ids 100, 101, …, all in the corpus."""
    index = np.arange(n_items)
    given = {
        "item_id": index + 100,
        "item_index": index,
        "in_corpus": np.ones(n_items, bool),
        "n_ratings": np.full(n_items, 10),
    }
    return pl.DataFrame(
        {name: given.get(name, pl.Series([None] * n_items, dtype=d)) for name, d in ITEMS.items()},
        schema=ITEMS,
    )


def checkerboard(n_users: int = 60, n_items: int = 20, seed: int = 0) -> pl.DataFrame:
    """Even users like even items, odd users odd ones: the next item's parity is obvious."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        split = ("train", "train", "train", "valid", "test")[user % 5]
        liked = rng.permutation(np.arange(user // 5 % 2, n_items, 2))[:8]
        rows += [(user, int(item), 4.0, 1000 + t, split) for t, item in enumerate(liked)]
    return make_events(rows)
