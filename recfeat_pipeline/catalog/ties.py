"""Events that nothing but a drawn order tells apart, and what that does to what is held out."""

from typing import Any

import polars as pl

DAY = 86_400


def tied(events: pl.DataFrame, provided: bool) -> pl.Series:
    """Which events are not told apart from the event before them by time or position.

    Args:
        events: in their pinned order, with the positions that the catalogue gives.
        provided: whether the split is the catalogue's own, which then orders too.

    Returns:
        A boolean per event; false where nothing is known of an event at all.
    """
    known = pl.col("timestamp").is_not_null() | pl.col("position").is_not_null()
    same = [pl.col(n).eq_missing(pl.col(n).shift(1)) for n in ("user_id", "timestamp", "position")]
    if provided:
        same.append(pl.col("split") == pl.col("split").shift(1))
    return events.select(tied=(known & pl.all_horizontal(same)).fill_null(False)).to_series()


def order_report(events: pl.DataFrame, ties: pl.Series) -> dict[str, Any]:
    """What a check says of the order.

    Args:
        events: in their pinned order, with their split.
        ties: see :func:`tied`.
    """
    unknown = events.select(
        (pl.col("timestamp").is_null() & pl.col("position").is_null()).alias("unknown")
    ).to_series()
    times = events["timestamp"].drop_nulls()
    by_split = pl.DataFrame({"split": events["split"], "tied": ties}).group_by("split")
    shares = dict(by_split.agg(pl.col("tied").mean()).iter_rows())
    return {
        "unordered_share": unknown.mean(),
        "untimed_share": events["timestamp"].null_count() / events.height,
        "tied_share": ties.mean(),
        **{f"tied_share_{split}": share for split, share in sorted(shares.items())},
        "dates_alone": len(times) > 0 and bool((times % DAY == 0).all()),
    }
