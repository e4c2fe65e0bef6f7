"""Leak checks on examples: what a model must not see when it is trained, or asked."""

import polars as pl


def example_leaks(events: pl.DataFrame, examples: pl.DataFrame) -> list[str]:
    """Sentences on what leaks; none is good news.

    Args:
        events: EVENTS.
        examples: EXAMPLES over them.
    """
    order = {"train": 0, "valid": 1, "test": 2}
    split = pl.col("split").replace_strict(order, default=None, return_dtype=pl.Int8)
    rows = events.select(
        "user_id",
        "item_index",
        "timestamp",
        split.alias("target_split"),
        # The latest split and time among the user's events up to the row: what a history may show.
        split.cum_max().over("user_id").alias("latest_split"),
        pl.col("timestamp").cum_max().over("user_id").alias("latest_time"),
        pl.int_range(pl.len()).over("user_id").alias("in_user"),
    ).with_row_index("event_row")
    before = rows.select(
        pl.col("event_row").cast(pl.Int64) + 1,
        history_split=pl.col("latest_split"),
        history_time=pl.col("latest_time"),
    )
    placed = examples.join(
        rows.with_columns(pl.col("event_row").cast(pl.Int64)),
        on="event_row",
        how="left",
        suffix="_event",
    ).join(before, on="event_row", how="left")
    own = pl.col("split").replace_strict(order, return_dtype=pl.Int8)
    faults = {
        "have a target that is not the event they name": (
            (pl.col("user_id") != pl.col("user_id_event"))
            | (pl.col("target_index") != pl.col("item_index"))
        ),
        "have a target of another split": own != pl.col("target_split"),
        "look back beyond the user's first event": pl.col("history_length") > pl.col("in_user"),
        "look back on events of a later split": pl.col("history_split") > own,
        "look back on events later than their target": (
            pl.col("history_time") > pl.col("timestamp")
        ),
    }
    found = [(text, placed.filter(fault.fill_null(False))) for text, fault in faults.items()]
    found.append(
        ("share their target with another", examples.filter(pl.col("event_row").is_duplicated()))
    )
    return [
        f"{rows.height:,} examples {text} (first: example {rows['example_id'][0]}, "
        f"user {rows['user_id'][0]})"
        for text, rows in found
        if rows.height
    ]
