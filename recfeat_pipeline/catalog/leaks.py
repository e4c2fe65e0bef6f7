"""Ways in which a history could know what it has to predict."""

import polars as pl

from recfeat_pipeline.catalog.hashing import has_repeats
from recfeat_pipeline.catalog.splits import PARTS, SPLIT_ORDER


def leak_check(events: pl.DataFrame, split: str | None = None) -> list[str]:
    """Violations in an :data:`~recfeat_pipeline.schemas.EVENTS` frame; empty when there are none.

    * A user's rows are contiguous and numbered 0, 1, … (else a context reaches into another user).
    * A user has an item once (else a target lies in its own history).
    * Within a user, train events precede valid ones and these precede test ones.
    * Within a user, no timed event is earlier than the timed event before it; equal times are
      allowed. Events without a time cannot be checked, and are not.
    * What the split in force promises: see :func:`_broken_promises`.

    The catalogue's own split passes when it is global in time, for it is then also one in time for
    each user. A split at random per interaction fails, and should: its histories hold events from
    after their targets.
    """
    same_user = pl.col("user_id") == pl.col("user_id").shift(1)
    rank = pl.col("split").replace_strict(SPLIT_ORDER, return_dtype=pl.Int8)
    follows = pl.when(same_user).then(pl.col("position").shift(1) + 1).otherwise(0)
    timed = events.drop_nulls("timestamp")
    faults = {
        "are not numbered 0, 1, … in the one block of their user": pl.concat(
            [events.filter(pl.col("position") != follows), _split_blocks(events)]
        ),
        "repeat an item of the same user": _repeats(events),
        "belong to an earlier split than the event before them": events.filter(
            same_user & (rank < rank.shift(1))
        ),
        "are earlier in time than the timed event before them": timed.filter(
            same_user & (pl.col("timestamp") < pl.col("timestamp").shift(1))
        ),
        **_broken_promises(events, split),
    }
    return [
        f"{rows.height:,} events {fault} (first: user {rows['user_id'][0]}, "
        f"position {rows['position'][0]})"
        for fault, rows in faults.items()
        if rows.height
    ]


def _broken_promises(events: pl.DataFrame, split: str | None) -> dict[str, pl.DataFrame]:
    """Events that a split must not have placed as it did.

    ``three_way`` and ``published`` keep a user whole; ``global_time`` has nothing before the end of
    an earlier part, whoever's it is; ``leave_one_out`` holds out one event of a user and part.
    """
    held_out = pl.col("split") != "train"
    if split in ("three_way", "published"):
        whole = pl.col("split").n_unique().over("user_id") == 1
        return {"are of a user with events in another split": events.filter(~whole)}
    if split == "leave_one_out":
        alone = pl.len().over("user_id", "split") == 1
        return {"are not alone in what is held out of their user": events.filter(held_out & ~alone)}
    if split == "global_time":
        ends = [events.filter(split=part)["timestamp"].max() or 0 for part in PARTS[:2]]
        end = pl.when(pl.col("split") == "test").then(max(ends)).otherwise(ends[0])
        late = (pl.col("timestamp") > end).fill_null(False)
        return {"are not after every event of an earlier split": events.filter(held_out & ~late)}
    return {}


def _split_blocks(events: pl.DataFrame) -> pl.DataFrame:
    """The first row of each further block of a user whose rows are not contiguous."""
    starts = events.filter(pl.col("user_id").rle_id().is_first_distinct())
    return starts.filter(~pl.col("user_id").is_first_distinct())


def _repeats(events: pl.DataFrame) -> pl.DataFrame:
    """Rows whose (user, item) occurs more than once."""
    if not has_repeats(events["user_id"], events["item_index"]):
        return events.clear()
    return events.filter(pl.struct("user_id", "item_index").is_duplicated())
