from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from recfeat_pipeline.defs.training.retraining import FinishedRun, runs_to_repeat, share_changed

MADE = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
RUN = FinishedRun("llm", 0, 100, MADE, "v@1")


def scored(*hours: int) -> pl.Series:
    """When each item was scored, in hours after the run was made."""
    return pl.Series([MADE + hour * HOUR for hour in hours], dtype=pl.Datetime("us", "UTC"))


def test_the_share_counts_items_scored_after_the_run():
    assert share_changed(RUN, scored(-2, -1, 1, -5), "v@1") == 0.25


def test_an_answer_of_the_same_instant_is_not_newer():
    assert share_changed(RUN, scored(0, 0), "v@1") == 0


def test_another_version_changes_everything():
    assert share_changed(RUN, scored(-2, -1), "v@2") == 1


@pytest.mark.parametrize("version", ["v@1", "v@2"])
def test_without_scores_there_is_nothing_to_train_on(version):
    assert share_changed(RUN, scored(), version) == 0


def test_a_run_is_repeated_at_the_threshold_and_not_below():
    later = FinishedRun("llm", 1, 100, MADE + 3 * HOUR, "v@1")
    at = scored(*[-1] * 18, 1, 2)  # 10 % newer than the first run, none than the second
    assert runs_to_repeat([RUN, later], at, "v@1", 0.1) == [RUN]
    assert runs_to_repeat([RUN, later], at, "v@1", 0.11) == []
