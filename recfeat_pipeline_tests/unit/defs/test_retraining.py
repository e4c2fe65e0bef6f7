import duckdb
import polars as pl
import pytest

from recfeat_pipeline.defs.training.retraining import (
    FinishedRun,
    runs_to_repeat,
    seen_now,
    share_changed,
)


def seen(**digests: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"item_id": list(digests), "digest": list(digests.values())},
        schema={"item_id": pl.String, "digest": pl.String},
    )


def run(seed: int = 0, **digests: str) -> FinishedRun:
    return FinishedRun("llm", seed, 100, "fingerprint", "v@1", seen(**digests))


RUN = run(a="1", b="2", c="3", d="4")


@pytest.mark.parametrize(
    ("now", "share"),
    [
        ({"a": "1", "b": "2", "c": "3", "d": "4"}, 0),
        ({"d": "4", "c": "3", "b": "2", "a": "1"}, 0),
        ({"a": "1", "b": "2", "c": "3", "d": "5"}, 0.25),
        ({"a": "1", "b": "2", "c": "3"}, 0.25),  # an item has lost its scores
        ({"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"}, 0.2),  # a new one has got some
        ({}, 0),  # without scores there is nothing to train on
    ],
)
def test_the_share_counts_items_with_other_scores(now, share):
    assert share_changed(RUN, seen(**now), "v@1") == pytest.approx(share)


def test_a_label_that_changes_changes_nothing():
    assert share_changed(RUN, RUN.seen, "v@2") == 0


@pytest.mark.parametrize(("version", "share"), [("v@1", 0), ("v@2", 1)])
def test_a_run_of_an_older_release_is_judged_by_its_version(version, share):
    assert share_changed(run(), RUN.seen, version) == share


def test_a_run_is_repeated_at_the_threshold_and_not_below():
    now, later = seen(a="1", b="2", c="3", d="5"), run(1, a="1", b="2", c="3", d="5")
    assert runs_to_repeat([RUN, later], now, "v@1", 0.25) == [RUN]
    assert runs_to_repeat([RUN, later], now, "v@1", 0.26) == []


def test_scores_that_return_to_what_they_were_are_seen_as_no_change():
    with duckdb.connect() as store:
        store.execute("CREATE SCHEMA catalog; CREATE SCHEMA features")
        store.execute("CREATE TABLE catalog.items AS SELECT 1 AS item_id, true AS in_corpus")
        store.execute(
            "CREATE TABLE features.item_features AS SELECT 1 AS item_id, 'v@1' AS version, "
            "unnest(['dark', 'fast']) AS dimension, unnest([.25, .5])::FLOAT AS score"
        )
        before = seen_now(store, "v@1")
        store.execute("UPDATE features.item_features SET score = .75 WHERE dimension = 'fast'")
        between = seen_now(store, "v@1")
        store.execute("UPDATE features.item_features SET score = .5 WHERE dimension = 'fast'")
        assert seen_now(store, "v@1").equals(before)
        assert not between.equals(before)
