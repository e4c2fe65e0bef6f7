"""Requests with nothing held out: of everybody as of now, of training users as of training."""

import polars as pl

from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.ranks import HeldOut


def everybody(data: Data, at_most: int | None = None) -> HeldOut:
    """A request of each user, after all of the user's events.

    The targets mean nothing; only lists can be made of these.

    Args:
        data: the catalogue.
        at_most: so many users, those who were active last; None: all.
    """
    users = _latest(data.events.with_row_index("row"))
    if at_most is not None and at_most < users.height:
        users = users.sort("active", "user_id", descending=[True, False], nulls_last=True)
        users = users.head(at_most).sort("event_row")
    return _requests(data, users, "now")


def training_users(data: Data) -> HeldOut:
    """A request of each training user, after that user's training events and nothing later."""
    rows = data.events.with_row_index("row").filter(pl.col("split") == "train")
    users = _latest(rows).filter(pl.col("event_row") - pl.col("history_length") == pl.col("first"))
    return _requests(data, users, "train")


def _latest(events: pl.DataFrame) -> pl.DataFrame:
    """By user: the first of the rows, the one after the last, how many there are."""
    return events.group_by("user_id", maintain_order=True).agg(
        first=pl.col("row").first().cast(pl.Int64),
        event_row=pl.col("row").last().cast(pl.Int64) + 1,
        history_length=pl.len().cast(pl.Int32),
        active=pl.col("timestamp").max(),
    )


def _requests(data: Data, users: pl.DataFrame, split: str) -> HeldOut:
    examples = users.select(
        example_id=pl.int_range(pl.len(), dtype=pl.Int64),
        user_id="user_id",
        split=pl.lit(split),
        event_row="event_row",
        history_length="history_length",
        target_index=pl.lit(0, pl.Int32),
        timestamp=pl.lit(data.events["timestamp"].max(), pl.Int64),
    )
    return HeldOut.of(data.events, examples)
