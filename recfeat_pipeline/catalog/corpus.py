"""Corpus rules: which items and users take part, in which order, and where events may be targets.

**Order.** A user's events are sorted by time; where the catalogue gives positions, by these among
equal or unknown times. What neither tells apart is in a pseudo-random order that depends on (user,
item, seed) alone, never on ids. Events with neither come before all others.
Where the catalogue brings a split, train events precede valid ones and these precede test ones, so
an untimed training history never follows what it has to predict.

**Split.** See :mod:`recfeat_pipeline.catalog.splits`. ``[corpus] split`` decides, else the
catalogue's own column, else each user falls whole into train, valid or test.

**Counts.** ``n_ratings`` counts every interaction read, before any user is dropped, as published;
it therefore sees the test period of a split by time.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from recfeat_pipeline.catalog.hashing import hash_pairs
from recfeat_pipeline.catalog.scoring import scored_items
from recfeat_pipeline.catalog.splits import SPLIT_ORDER, split_events, split_of
from recfeat_pipeline.catalog.ties import order_report, tied
from recfeat_pipeline.catalog.types import Catalog, CorpusRules
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.schemas import EVENTS, ITEMS

N_TIERS = 4
AT_ONCE = 4_000_000
"""Events that are sorted at once."""


@dataclass(frozen=True)
class Corpus:
    """Items and events after the corpus rules, and what the rules did."""

    items: pl.DataFrame  # schemas.ITEMS, every item of the catalogue
    events: pl.DataFrame  # schemas.EVENTS
    scored: pl.DataFrame  # item_id: of those that get features; see catalog/scoring.py
    report: dict[str, Any]  # counts; see _report


def build_corpus(catalog: Catalog, seed: int = 0) -> Corpus:
    """Apply the catalogue's corpus rules.

    Args:
        catalog: as read.
        seed: of a split of users and of the order of untimed events.

    Raises:
        RecfeatError: no item or no user passes the rules, or the split needs times that are not
            there.
    """
    items = complete_items(catalog.items, catalog.interactions, catalog.rules)
    of_corpus_items = catalog.interactions.join(
        items.filter("in_corpus").select("item_id", "item_index"), on="item_id"
    )
    per_user, n_of_corpus = of_corpus_items.group_by("user_id").len("n"), of_corpus_items.height
    events = _keep_users(of_corpus_items, per_user, catalog.rules)
    del of_corpus_items  # of a large catalogue each copy of its events is gigabytes
    split, said = split_of(catalog), dict[str, Any]()
    events = _order(events, split == "provided", seed)
    ties = tied(events, split == "provided")
    if split != "provided":
        parts, said = split_events(events, catalog, seed)
        events = events.with_columns(split=parts)
    order = order_report(events, ties)
    events = events.with_columns(position=_positions(events["user_id"])).select(
        pl.col(name).cast(dtype) if name != "user_id" else name for name, dtype in EVENTS.items()
    )
    report = _report(catalog, items, n_of_corpus, per_user, events)
    scored = scored_items(items, catalog.fields, catalog.interactions, catalog.rules)
    report |= {**order, "items_scored": scored.height, "split": split, **said, "seed": seed}
    return Corpus(items, events, scored, report)


def complete_items(
    items: pl.DataFrame, interactions: pl.DataFrame, rules: CorpusRules
) -> pl.DataFrame:
    """Items with ``n_ratings, in_corpus, item_index, tier``, in item_id order.

    Tiers are quartiles of ``n_ratings`` with equal item counts (the first ones take the remainder);
    items with equal counts are told apart by item id.

    Raises:
        RecfeatError: no item has enough interactions.
    """
    counts = interactions.group_by("item_id").len("n_ratings")
    items = items.join(counts, on="item_id", how="left").with_columns(
        pl.col("n_ratings").fill_null(0).cast(pl.Int64)
    )
    items = items.sort("item_id").with_columns(
        in_corpus=pl.col("n_ratings") > rules.more_than_item_interactions
    )
    inside = items.filter("in_corpus")
    if inside.is_empty():
        raise RecfeatError(
            f"No item has more than {rules.more_than_item_interactions} interactions (the most is "
            f"{max(items['n_ratings'], default=0)}): lower [corpus] more_than_item_interactions."
        )
    by_count = inside.select("item_id", "n_ratings").sort("n_ratings", "item_id")
    tiers = by_count.select(
        "item_id",
        tier=pl.format("Q{}", pl.int_range(pl.len()) * N_TIERS // pl.len() + 1),
    )
    indices = inside.select("item_id", item_index=pl.int_range(pl.len(), dtype=pl.Int32))
    return (
        items.join(indices, on="item_id", how="left", maintain_order="left")
        .join(tiers, on="item_id", how="left", maintain_order="left")
        .select(ITEMS.keys())
    )


def _keep_users(
    interactions: pl.DataFrame, per_user: pl.DataFrame, rules: CorpusRules
) -> pl.DataFrame:
    low, high = rules.min_user_interactions, rules.max_user_interactions
    kept = per_user.filter(pl.col("n").is_between(low, high))
    if kept.is_empty():
        raise RecfeatError(
            f"No user has {low} to {high} interactions inside the corpus (users have "
            f"{min(per_user['n'])} to {max(per_user['n'])}): change [corpus] "
            "min_user_interactions or max_user_interactions."
        )
    return interactions.join(kept.select("user_id"), on="user_id", how="semi")


def _order(events: pl.DataFrame, provided: bool, seed: int) -> pl.DataFrame:
    """Sort by (user, split if the catalogue brings one, unordered first, time, position, hash)."""
    split = pl.col("split").replace_strict(SPLIT_ORDER, return_dtype=pl.Int8)
    keys: list[Any] = [*([split] if provided else []), "timestamp", "position", "__shuffle"]
    parts = []
    for users in _in_parts(events["user_id"]):  # a sort holds its keys once more
        part = events if users is None else events.filter(users)
        shuffled = pl.Series("__shuffle", hash_pairs(part["user_id"], part["item_id"], seed))
        parts.append(part.with_columns(shuffled).sort("user_id", *keys).drop("__shuffle"))
    return pl.concat(parts)  # nulls first


def _in_parts(users: pl.Series) -> Iterator[pl.Expr | None]:
    """Ranges of users with some millions of events each, in order; None: all of them at once."""
    n = -(-len(users) // AT_ONCE)
    if n <= 1:
        yield None
        return
    ordered = users.unique().sort()
    starts = ordered.gather([len(ordered) * part // n for part in range(n)]).to_list()
    for start, stop in itertools.pairwise([*starts, None]):
        user = pl.col("user_id")
        yield user >= start if stop is None else (user >= start) & (user < stop)


def _positions(user_ids: pl.Series) -> pl.Series:
    """0, 1, … within each run of one user."""
    rows = np.arange(len(user_ids), dtype=np.int32)
    starts = (user_ids != user_ids.shift(1)).fill_null(True).to_numpy()
    return pl.Series(rows - np.maximum.accumulate(np.where(starts, rows, 0)), dtype=pl.Int32)


def _report(
    catalog: Catalog,
    items: pl.DataFrame,
    n_of_corpus: int,
    per_user: pl.DataFrame,
    events: pl.DataFrame,
) -> dict[str, Any]:
    rules = catalog.rules
    few = per_user.filter(pl.col("n") < rules.min_user_interactions)
    many = per_user.filter(pl.col("n") > rules.max_user_interactions)
    n_events = catalog.interactions.height
    n_users = catalog.interactions["user_id"].n_unique()
    splits = events.group_by("split").agg(pl.len(), pl.col("user_id").n_unique().alias("users"))
    return {
        "corpus": rules.name,
        "items_read": items.height,
        "items": int(items["in_corpus"].sum()),
        "items_without_interactions": int((items["n_ratings"] == 0).sum()),
        "items_with_too_few_interactions": int(
            (~items["in_corpus"] & (items["n_ratings"] > 0)).sum()
        ),
        "users_read": n_users,
        "users": per_user.height - few.height - many.height,
        "users_outside_corpus": n_users - per_user.height,
        "users_below_minimum": few.height,
        "users_above_maximum": many.height,
        "events_read": n_events,
        "events_of_corpus_items": n_of_corpus,
        "events": events.height,
        "events_of_rare_items": n_events - n_of_corpus,
        "events_of_users_below_minimum": int(few["n"].sum()),
        "events_of_users_above_maximum": int(many["n"].sum()),
        **{f"events_{name}": n for name, n, _ in splits.sort("split").iter_rows()},
        **{f"users_{name}": n for name, _, n in splits.sort("split").iter_rows()},
    }
