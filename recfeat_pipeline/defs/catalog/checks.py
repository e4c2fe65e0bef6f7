"""What must hold of a corpus before anything is trained on it."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl

from recfeat_pipeline.catalog.corpus import Corpus
from recfeat_pipeline.catalog.leaks import leak_check
from recfeat_pipeline.catalog.movielens import frequent_tags, read_user_tags
from recfeat_pipeline.catalog.published import is_movielens_32m, published_counts_check
from recfeat_pipeline.models.leaks import example_leaks

ITEMS, EVENTS = dg.AssetKey(["lake", "items"]), dg.AssetKey(["lake", "events"])
EXAMPLES = dg.AssetKey(["lake", "examples"])
MIN_ITEMS = MIN_USERS = 10

CHECKS = [
    dg.AssetCheckSpec(
        "corpus_is_usable",
        asset=EVENTS,
        blocking=True,
        description=f"The corpus rules leave at least {MIN_ITEMS} items and {MIN_USERS} users",
    ),
    dg.AssetCheckSpec(
        "no_leaks",
        asset=EVENTS,
        blocking=True,
        description="No history holds its own target, another user's events or later ones",
    ),
    dg.AssetCheckSpec(
        "published_counts",
        asset=ITEMS,
        description="On MovieLens 32M the corpora have the published sizes; on any other "
        "catalogue this does not apply, and passes",
    ),
]

EXAMPLES_CHECK = dg.AssetCheckSpec(
    "no_leaks",
    asset=EXAMPLES,
    blocking=True,
    description="No example looks back on its own target, on another user, a later event or a "
    "later split",
)


def check_examples(events: pl.DataFrame, examples: pl.DataFrame) -> dg.AssetCheckResult:
    """The result of :data:`EXAMPLES_CHECK`."""
    return _no_leaks(EXAMPLES, example_leaks(events, examples))


def check_corpus(corpus: Corpus, source: str) -> Iterator[dg.AssetCheckResult]:
    """The results of :data:`CHECKS`; ``source`` is where the catalogue was read from."""
    n_items = int(corpus.items["in_corpus"].sum())
    n_users = corpus.events["user_id"].n_unique()
    yield dg.AssetCheckResult(
        asset_key=EVENTS,
        check_name="corpus_is_usable",
        passed=n_items >= MIN_ITEMS and n_users >= MIN_USERS,
        metadata={"items": n_items, "users": n_users},
    )
    yield _no_leaks(EVENTS, leak_check(corpus.events, corpus.report.get("split")))
    tags = read_user_tags(Path(source)) if is_movielens_32m(corpus.items) else None
    counts = published_counts_check(
        corpus.items, None if tags is None else frequent_tags(tags).height
    )
    yield dg.AssetCheckResult(
        asset_key=ITEMS,
        check_name="published_counts",
        passed=bool(counts["matches"].all()),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "applies": not counts.is_empty(),
            **{row["quantity"]: row["measured"] for row in counts.iter_rows(named=True)},
        },
    )


def _no_leaks(asset: dg.AssetKey, leaks: list[str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="no_leaks",
        passed=not leaks,
        metadata={"leaks": "; ".join(leaks) or "none"},
    )
