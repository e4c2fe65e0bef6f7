"""Rollback examples: what a user did before a moment, and what came next."""

from itertools import pairwise

import numpy as np
import polars as pl

from recfeat_pipeline.schemas import EXAMPLES

CONTEXT = 50
"""Events before the target that a model sees."""
CHUNK = 4_000_000
"""Events drawn from at once, which bounds the memory; the draw does not depend on it."""


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
    rng = np.random.default_rng(seed)
    starts = events.select((pl.col("position") == 0).arg_true()).to_series().to_numpy()
    marks = np.arange(0, events.height, CHUNK)
    cuts = starts[np.searchsorted(starts, marks, side="right") - 1]  # the user at each mark
    chosen = [pl.DataFrame(schema=EXAMPLES).drop("example_id")]
    for start, stop in pairwise([*dict.fromkeys(cuts.tolist()), events.height]):
        chosen.append(_draw(events[start:stop], start, rng, per_user))
    return (
        pl.concat(chosen, how="vertical_relaxed")
        .with_row_index("example_id")
        .select(pl.col(name).cast(dtype) if name != "user_id" else name
                for name, dtype in EXAMPLES.items())
    )  # fmt: skip


def target_times(events: pl.DataFrame, examples: pl.DataFrame) -> pl.Series:
    """When each target was taken, int64, null where unknown; examples that bring ``timestamp`` say.

    Those of a cold world do: their targets are no rows of its events.
    """
    if "timestamp" in examples.columns:
        return examples["timestamp"]
    return events["timestamp"].gather(examples["event_row"])


def _draw(
    events: pl.DataFrame, first_row: int, rng: np.random.Generator, per_user: int
) -> pl.DataFrame:
    """Examples of whole users, whose first event is row ``first_row`` of all events."""
    return (
        events.lazy()
        .select(
            "user_id",
            "split",
            pl.int_range(first_row, first_row + pl.len(), dtype=pl.Int64).alias("event_row"),
            pl.col("position").alias("history_length"),
            pl.col("item_index").alias("target_index"),
            pl.Series("draw", rng.random(events.height)),
        )
        .filter(pl.col("history_length") > 0, pl.col("split").is_not_null())
        .filter(pl.col("draw").rank("ordinal").over("user_id", "split") <= per_user)
        .drop("draw")
        .collect()
    )
