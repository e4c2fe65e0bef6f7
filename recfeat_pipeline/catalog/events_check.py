"""What a check says of events: their ratings, their order, and what the split makes of both."""

from collections.abc import Iterator
from typing import Any

import polars as pl

EARLIEST_YEAR = 1990  # nobody's clicks are older
MANY_TIES = 0.25  # of the test targets
MOST_VALUES = 12  # of a rating scale shown value by value
NOT_RATED_FROM = 0.05  # share of a 0 or -1 that is likely to mean "not rated"
A_SCALE_ENDS = 100  # ratings above are counts


def histogram(ratings: pl.Series) -> pl.DataFrame:
    """Ratings by value, or by ten equal ranges where there are many; empty without any."""
    known = ratings.drop_nulls().cast(pl.Float64)
    schema = {"rating": pl.String, "count": pl.Int64, "share": pl.Float64}
    if known.is_empty():
        return pl.DataFrame(schema=schema)
    if known.n_unique() <= MOST_VALUES:
        counted = known.value_counts().sort(known.name)
        rows = [(f"{value:g}", n) for value, n in counted.iter_rows()]
    else:
        low, high = float(known.min()), float(known.max())  # type: ignore[arg-type]
        place = ((known - low) / (high - low) * 10).floor().clip(0, 9).cast(pl.Int64)
        counts = dict(place.value_counts().iter_rows())
        edges = [low + (high - low) * i / 10 for i in range(11)]
        rows = [(f"{edges[i]:.3g} to {edges[i + 1]:.3g}", counts.get(i, 0)) for i in range(10)]
    shown = [(value, n, n / len(known)) for value, n in rows]
    return pl.DataFrame(shown, schema=schema, orient="row")


def event_warnings(events: pl.DataFrame, report: dict[str, Any]) -> list[str]:
    """What should be looked at before anything is built on these events.

    Args:
        events: EVENTS.
        report: of the corpus; see :mod:`recfeat_pipeline.catalog.corpus`.
    """
    return [*_of_ratings(events["rating"]), *_of_order(events, report), *_of_split(events, report)]


def _of_ratings(ratings: pl.Series) -> Iterator[str]:
    known = ratings.drop_nulls()
    for value in (-1, 0):
        share = int((known == value).sum()) / max(len(known), 1)
        others = known.filter(known != value)
        if share >= NOT_RATED_FROM and len(others) and others.min() >= 0:  # type: ignore[operator]
            yield (
                f'{share:.0%} of ratings are {value}: if that means "not rated", say not_rated = '
                f"[{value}] under [interactions]; now it weighs as the worst rating."
            )
    most = known.max()
    if isinstance(most, float) and most > A_SCALE_ENDS:
        yield (
            f"Ratings reach {most:,.0f}: if they count plays or purchases, name the column `count` "
            "instead of `rating`, or users with high counts weigh alone."
        )


def _of_order(events: pl.DataFrame, report: dict[str, Any]) -> Iterator[str]:
    first, last = (
        events.select(pl.from_epoch(end).dt.date())["timestamp"][0]
        for end in (pl.col("timestamp").min(), pl.col("timestamp").max())
    )
    if last and last.year < EARLIEST_YEAR:
        yield (
            f"Times run from {first} to {last}: is [interactions] timestamp the right column, in "
            "seconds?"
        )
    if report["unordered_share"] > 0:
        yield (
            f"{report['unordered_share']:.0%} of events carry no time: they come first in their "
            "user's history, in a fixed pseudo-random order."
        )
    if untimed := report.get("users_left_out_untimed"):
        yield (
            f"{untimed:,} users' last events carry no time: what is left out of them is drawn, not "
            "their last."
        )
    tied = report.get("tied_share_test", 0)
    if report["split"] == "leave_one_out" and report["dates_alone"]:
        yield (
            f"Times are dates alone, and {tied:.0%} of what is left out shares its day with the "
            "event before it: which one is last is drawn. Name a finer timestamp, or a position."
        )
    elif tied > MANY_TIES:
        yield (
            f"{tied:.0%} of test events share their time with the event before them: which comes "
            "first is drawn, so models of the order (Markov, SASRec) show less than they could."
        )


def _of_split(events: pl.DataFrame, report: dict[str, Any]) -> Iterator[str]:
    if report["split"] != "provided":
        return
    trained_until = events.filter(split="train")["timestamp"].max()
    held_out = events.filter(pl.col("split") != "train")["timestamp"].drop_nulls()
    if trained_until is None or held_out.is_empty():
        return
    share = int((held_out < trained_until).sum()) / len(held_out)
    if share:
        yield (
            f"{share:.0%} of the held-out events are earlier than the last training event of "
            "others: models learn from what came after their targets, as in leave-one-out. "
            "`--split global_time` holds out the end for everyone."
        )
