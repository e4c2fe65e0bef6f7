"""When models are out of date enough to be trained again: by what they saw, not by when."""

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import polars as pl

SCORES = """
SELECT item_id, md5(string_agg(dimension || '=' || score, ' ' ORDER BY dimension)) AS digest
FROM catalog.items JOIN features.item_features USING (item_id)
WHERE in_corpus AND version = $version GROUP BY item_id ORDER BY item_id
"""


@dataclass(frozen=True)
class FinishedRun:
    """A model that reads scores: which, from what it was made, and what it saw of each item."""

    arm: str
    seed: int
    steps: int  # 0: it is counted, not trained
    made_from: str  # its hash
    version: str
    seen: pl.DataFrame  # SEEN; empty for a run of an older release


def seen_now(store: duckdb.DuckDBPyConnection, version: str) -> pl.DataFrame:
    """SEEN of a model that would be trained on a version's scores now."""
    return store.sql(SCORES, params={"version": version}).pl()


def share_changed(run: FinishedRun, now: pl.DataFrame, version: str) -> float:
    """Share of the items whose scores are others than those that the run saw.

    Scores that went and came back have not changed. A run of an older release did not write down
    what it saw, and counts as changed when its prompt version is another.

    Args:
        run: the model.
        now: what it would see today (:func:`seen_now`).
        version: the prompt version it would read today.
    """
    if now.is_empty():
        return 0.0
    if run.seen.is_empty():
        return float(run.version != version)
    both = run.seen.join(now, on="item_id", how="full", coalesce=True)
    return float(1 - (both["digest"] == both["digest_right"]).fill_null(False).to_numpy().mean())


def runs_to_repeat(
    runs: Iterable[FinishedRun], now: pl.DataFrame, version: str, threshold: float
) -> list[FinishedRun]:
    """The runs for which at least ``threshold`` of the items have changed."""
    return [run for run in runs if share_changed(run, now, version) >= threshold]
