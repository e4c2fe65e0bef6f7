"""Ways in which a history could know what it has to predict."""

import polars as pl

SPLIT_RANK = {"train": 0, "valid": 1, "test": 2}


def leak_check(events: pl.DataFrame) -> list[str]:
    """Violations in an :data:`~recfeat_pipeline.schemas.EVENTS` frame; empty when there are none.

    * Rows are grouped by user and numbered 0, 1, … (else a context would reach into another user).
    * A user has an item once (else a target lies in its own history).
    * Within a user, train events precede valid ones and these precede test ones, in position.
    * Within a user, no timed event of a later split is earlier than a timed one before it in
      position; equal times are allowed. Untimed events cannot be checked, and are not.

    A global-time split passes when it is also one in time for each user. Splits that are not in
    time (random per interaction) fail, and should.
    """
    users = pl.col("user_id")
    same = users == users.shift(1)
    rank = pl.col("split").replace_strict(SPLIT_RANK, return_dtype=pl.Int8)
    latest = pl.col("timestamp").cum_max().forward_fill().shift(1)
    faults = {
        "are not numbered 0, 1, … within their user": events.filter(
            pl.col("position") != pl.when(same).then(pl.col("position").shift(1) + 1).otherwise(0)
        ),
        "repeat an item of the same user": events.filter(
            pl.struct("user_id", "item_index").is_duplicated()
        ),
        "belong to an earlier split than the event before them": events.filter(
            same & (rank < rank.shift(1))
        ),
        "are earlier in time than an event before them": events.filter(
            pl.col("timestamp") < latest.over("user_id")
        ),
    }
    return [
        f"{rows.height:,} events {fault} (first: user {rows['user_id'][0]}, "
        f"position {rows['position'][0]})"
        for fault, rows in faults.items()
        if rows.height
    ]
