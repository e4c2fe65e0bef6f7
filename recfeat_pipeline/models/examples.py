"""Rollback examples: what a user did before a moment, and what came next."""

import numpy as np
import polars as pl

from recfeat_pipeline.schemas import EXAMPLES

CONTEXT = 50
"""Events before the target that a model sees."""


def build_examples(events: pl.DataFrame, seed: int = 0, per_user: int = 20) -> pl.DataFrame:
    """Draw rollback examples from every user's history.

    For each user and split, up to ``per_user`` events of that split are drawn without replacement
    as targets; a user's first event has no history and is never one. The history of a target is
    every earlier event of the user, of any split: a test target may look back on training events.

    Args:
        events: :data:`~recfeat_pipeline.schemas.EVENTS`, sorted by (user_id, position).
        seed: of the draw; the same events and seed give the same examples.
        per_user: most examples per user and split.

    Returns:
        :data:`~recfeat_pipeline.schemas.EXAMPLES` in the order of ``events``.
    """
    draw = np.random.default_rng(seed).random(events.height)
    chosen = (
        events.lazy()
        .select(
            "user_id",
            "split",
            pl.int_range(pl.len(), dtype=pl.Int64).alias("event_row"),
            pl.col("position").alias("history_length"),
            pl.col("item_index").alias("target_index"),
        )
        .with_columns(pl.Series("draw", draw))
        .filter(pl.col("history_length") > 0, pl.col("split").is_not_null())
        .filter(pl.col("draw").rank("ordinal").over("user_id", "split") <= per_user)
        .collect()
    )
    return (
        chosen.with_row_index("example_id")
        .select(list(EXAMPLES))
        .cast({name: dtype for name, dtype in EXAMPLES.items() if name != "user_id"})
    )
