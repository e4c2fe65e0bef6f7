"""What is held out: the ways to divide events into train, valid and test.

==================  ================================================================================
``three_way``       each user whole, 80/10/10; the default
``published``       each user whole, 90/10, as published: results are reported on the valid users,
                    who also choose the checkpoint
``global_time``     by two moments, the same for everyone: train before the first, test from the
                    second on. Equal times fall on one side
``leave_one_out``   each user's last event is test, the one before it valid, the rest train
``provided``        the catalogue's own column; not a value of ``[corpus] split``
==================  ================================================================================
"""

from typing import Any

import numpy as np
import polars as pl

from recfeat_pipeline.catalog.hashing import uniform
from recfeat_pipeline.catalog.types import Catalog
from recfeat_pipeline.errors import RecfeatError

SPLITS = ("three_way", "global_time", "leave_one_out", "published")
"""Values of ``[corpus] split``."""
SHARED = ("three_way", "global_time")
"""Those whose shares ``[corpus] split_shares`` sets."""
PUBLISHED_SHARES = (0.9, 0.1)
PARTS = ("train", "valid", "test")
SPLIT_ORDER = {part: place for place, part in enumerate(PARTS)}
REPORTED_ON = {"published": "valid"}
"""The part that results are reported on, where it is not test."""
LEAST_TO_LEAVE_OUT = 3
"""Events of a user of whom two are left out: one must stay to look back on."""


def split_of(catalog: Catalog) -> str:
    """The split in force: the rules', else the catalogue's own, else ``three_way``."""
    if catalog.rules.split:
        return catalog.rules.split
    given = catalog.interactions["split"]
    return "provided" if given.null_count() < len(given) else "three_way"


def split_events(events: pl.DataFrame, catalog: Catalog, seed: int) -> tuple[pl.Series, dict]:
    """Divide events by the split in force, which is not ``provided``.

    Args:
        events: sorted by user, then in each user's order.
        catalog: whose rules say how.
        seed: of the draw of users.

    Returns:
        The split of each event, and what a report should say of it.

    Raises:
        RecfeatError: a split by time where an event has none.
    """
    split, rules = split_of(catalog), catalog.rules
    if split == "global_time":
        return _by_time(events["timestamp"], rules.split_shares)
    if split == "leave_one_out":
        return _last_events(events)
    shares = PUBLISHED_SHARES if split == "published" else rules.split_shares
    return _users(events["user_id"], shares, seed), {"split_shares": list(shares)}


def _users(user_ids: pl.Series, shares: tuple[float, ...], seed: int) -> pl.Series:
    """Each user whole into one part; which one depends on the user's id and the seed alone."""
    users = user_ids.unique(maintain_order=True)
    part = np.searchsorted(np.cumsum(shares[:-1]), uniform(users, seed), side="right")
    where = pl.DataFrame({"user_id": users, "split": np.array(PARTS)[part]})
    joined = user_ids.to_frame().join(where, on="user_id", how="left", maintain_order="left")
    return joined["split"]


def _by_time(times: pl.Series, shares: tuple[float, ...]) -> tuple[pl.Series, dict[str, Any]]:
    if times.null_count():
        raise RecfeatError(
            f"{times.null_count():,} of {len(times):,} corpus events carry no time, so a "
            "global_time split cannot place them: name the [interactions] timestamp column, drop "
            "these rows, or choose another [corpus] split."
        )
    marks = (np.cumsum(shares[:-1]) * len(times)).astype(int)
    valid_from, test_from = times.sort().gather(marks)
    sizes = [
        int((times < valid_from).sum()),
        int(((times >= valid_from) & (times < test_from)).sum()),
        int((times >= test_from).sum()),
    ]
    if min(sizes) == 0:
        counts = ", ".join(f"{n:,} events in {part}" for n, part in zip(sizes, PARTS, strict=True))
        raise RecfeatError(
            f"A global_time split cannot cut these events into {_spell(shares)}: they have only "
            f"{times.n_unique():,} distinct times, and equal ones stay together ({counts}). Name a "
            "column of finer times, set other [corpus] split_shares, or choose another split."
        )
    split = pl.select(
        pl.when(times < valid_from)
        .then(pl.lit("train"))
        .when(times < test_from)
        .then(pl.lit("valid"))
        .otherwise(pl.lit("test"))
    ).to_series()
    said = {"split_shares": list(shares), "valid_from": valid_from, "test_from": test_from}
    return split, said


def _spell(shares: tuple[float, ...]) -> str:
    return " / ".join(f"{share:.0%}" for share in shares)


def _last_events(events: pl.DataFrame) -> tuple[pl.Series, dict[str, Any]]:
    """The last two events of each user who has three; unordered ones are last by no one's word."""
    from_end = pl.int_range(pl.len(), 0, -1).over("user_id")
    placed = events.select(
        "user_id",
        known=pl.col("timestamp").is_not_null() | pl.col("position").is_not_null(),
        split=pl.when(pl.len().over("user_id") < LEAST_TO_LEAVE_OUT)
        .then(pl.lit("train"))
        .when(from_end == 1)
        .then(pl.lit("test"))
        .when(from_end == 2)
        .then(pl.lit("valid"))
        .otherwise(pl.lit("train")),
    )
    drawn = placed.filter(pl.col("split") != "train", ~pl.col("known"))
    return placed["split"], {"users_left_out_untimed": drawn["user_id"].n_unique()}
