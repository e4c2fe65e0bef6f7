"""What reranking changes over all requests, from a sample of them."""

import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.evaluation.answers import first_third, likeness
from recfeat_pipeline.evaluation.metrics import measure
from recfeat_pipeline.evaluation.requests import (
    contrast_requests,
    contrast_sampled,
)
from recfeat_pipeline.evaluation.significance import compare

MRR = measure("mrr")


def reranked(arm, rank_of, n=400, seed=0, every=1):
    """Half of the requests have their target at place 4 of the candidates; ``rank_of`` moves it."""
    rng = np.random.default_rng(seed)
    eligible = rng.random(n) < 0.5
    asked = eligible & (np.arange(n) % every == 0)
    new = [rank_of(at) if is_asked else None for at, is_asked in enumerate(asked)]
    weight = eligible.sum() / max(asked.sum(), 1)
    return pl.DataFrame(
        {
            "arm": arm, "base": "ease", "example_id": range(n), "user_id": np.arange(n) // 2,
            "stratum": "history 1-9", "base_rank": np.where(eligible, 4, 100), "rank": new,
            "weight": [weight if is_asked else None for is_asked in asked],
        }
    )  # fmt: skip


def row(frame, **of):
    return frame.filter(pl.col("k").is_null(), metric="mrr", slice="all", **of).row(0, named=True)


def test_the_change_over_all_is_that_of_the_ranks():
    """Nothing sampled: it is the plain difference of two means over every request."""
    frame = reranked("llm", lambda at: 1 + at % 3)
    after = frame.with_columns(pl.col("rank").fill_null(pl.col("base_rank")))
    before, now = ((1 / after[name]).mean() for name in ("base_rank", "rank"))
    found = row(contrast_requests(frame, [("llm", "ease")]))
    assert found["reference_value"] == pytest.approx(before)
    assert found["arm_value"] == pytest.approx(now)
    assert found["delta"] == pytest.approx(now - before)
    assert found["ci_low"] < found["delta"] < found["ci_high"]


def test_a_sample_estimates_the_same_with_a_wider_interval():
    move = lambda at: 1 + at * 7 % 5  # noqa: E731
    whole = row(contrast_requests(reranked("llm", move), [("llm", "ease")]))
    part = row(contrast_requests(reranked("llm", move, every=4), [("llm", "ease")]))
    assert part["n_examples"] < whole["n_examples"] / 3
    assert part["ci_low"] < whole["delta"] < part["ci_high"]
    assert part["ci_high"] - part["ci_low"] > 1.5 * (whole["ci_high"] - whole["ci_low"])
    assert part["reference_value"] == pytest.approx(whole["reference_value"])


def test_an_arm_is_held_against_another_on_the_same_requests():
    both = pl.concat([reranked("llm", lambda at: 1), reranked("free", lambda at: 2 + at % 2)])
    found = row(contrast_requests(both, [("llm", "free")]))
    free = row(contrast_requests(both, [("free", "ease")]))
    assert found["reference_value"] == pytest.approx(free["arm_value"])
    assert found["ci_low"] > 0


def test_no_answer_changes_nothing():
    found = row(contrast_requests(reranked("llm", lambda at: 4), [("llm", "ease")]))
    assert found["delta"] == 0
    assert found["p_value"] == 1


def test_weights_of_one_are_a_plain_paired_comparison():
    rng = np.random.default_rng(3)
    ours, theirs = rng.integers(1, 30, (2, 50))
    found = contrast_sampled(ours, theirs, np.arange(50), np.ones(50), MRR)
    plain = compare((1 / ours)[None], (1 / theirs)[None], np.ones(50), 0.02)
    assert found == plain


def test_a_weight_counts_a_request_as_often():
    """Twice as heavy is twice there, but for the certainty that two users would give."""
    ours, theirs = np.array([1, 2, 5]), np.array([3, 3, 3])
    heavy = contrast_sampled(ours, theirs, np.arange(3), np.array([2.0, 1, 1]), MRR)
    twice = contrast_sampled(
        ours[[0, 0, 1, 2]], theirs[[0, 0, 1, 2]], np.array([0, 0, 1, 2]), np.ones(4), MRR
    )
    for name in ("delta", "ci_low", "ci_high", "reference_value"):
        assert heavy[name] == pytest.approx(twice[name])


def test_first_picks_by_their_number():
    assert first_third([[1, 9], [10], [11, 1], [30]], 30) == (0.5, 1 / 3)


def test_two_askings_are_compared_by_their_picks():
    assert likeness([[1, 2], [3, 4]], [[1, 5], [4, 3]]) == (0.5, 0.75)
