"""Which requests are bought, and for how many each stands."""

import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.reranking.sample import allocate, design


def requests(n=1000, seed=0):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "example_id": range(n),
            "history_length": rng.choice([3, 20, 200], n, p=[0.7, 0.25, 0.05]),
            "eligible": rng.random(n) < 0.3,
            "draw": rng.permutation(n),
        }
    )


def test_weights_sum_to_the_eligible_of_each_stratum():
    frame = requests()
    drawn = design(frame, 60)
    assert drawn["weight"].is_not_null().sum() == 60
    sums = drawn.group_by("stratum").agg(pl.col("weight").sum(), pl.col("eligible").sum())
    assert sums["weight"].to_list() == pytest.approx(sums["eligible"].to_list())
    assert set(sums["stratum"]) == {"history 1-9", "history 10-49", "history 50+"}


def test_what_cannot_change_is_not_bought():
    drawn = design(requests(), 100)
    assert drawn.filter(~pl.col("eligible"))["weight"].is_null().all()


def test_a_larger_sample_holds_the_smaller_one():
    few, many = (set(design(requests(), n).drop_nulls("weight")["example_id"]) for n in (30, 120))
    assert few < many


def test_a_weighted_mean_is_that_of_all_eligible():
    """Over many draws: the estimate is unbiased though the strata are drawn at different rates."""
    frame = requests().with_columns(value=pl.col("history_length") * 1.0)
    truth = frame.filter("eligible")["value"].mean()
    found = []
    for seed in range(40):
        draw = pl.Series(np.random.default_rng(seed).permutation(frame.height))
        drawn = design(frame.with_columns(draw=draw), 45).drop_nulls("weight")
        found.append(np.average(drawn["value"], weights=drawn["weight"]))
    assert np.mean(found) == pytest.approx(truth, rel=0.02)


@pytest.mark.parametrize(
    ("sizes", "n", "given"),
    [
        ({"a": 100, "b": 100}, 50, {"a": 25, "b": 25}),
        ({"a": 5, "b": 100}, 50, {"a": 5, "b": 45}),
        ({"a": 5, "b": 7}, 50, {"a": 5, "b": 7}),
        ({}, 50, {}),
    ],
)
def test_what_a_stratum_lacks_goes_to_the_others(sizes, n, given):
    assert allocate(sizes, n) == given
