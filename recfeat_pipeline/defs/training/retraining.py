"""When models are out of date enough to be trained again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import polars as pl


@dataclass(frozen=True)
class FinishedRun:
    """A model that reads scores: which, when it was made, and from which prompt version."""

    arm: str
    seed: int
    steps: int  # 0: it is counted, not trained
    made_at: datetime
    version: str


def share_changed(run: FinishedRun, scored_at: pl.Series, version: str) -> float:
    """Share of corpus items whose scores are newer than the run, or of another version.

    Args:
        run: the model.
        scored_at: when each corpus item was last scored, with time zone.
        version: the prompt version it would read today.
    """
    if run.version != version or scored_at.is_empty():
        return float(not scored_at.is_empty())
    newer = scored_at.dt.convert_time_zone("UTC") > run.made_at
    return int(newer.sum()) / newer.len()


def runs_to_repeat(
    runs: Iterable[FinishedRun], scored_at: pl.Series, version: str, threshold: float
) -> list[FinishedRun]:
    """The runs of which at least ``threshold`` of the items have changed."""
    return [run for run in runs if share_changed(run, scored_at, version) >= threshold]
