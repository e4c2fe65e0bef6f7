"""The spread of finished arms, against what was put in and against the contrast itself."""

import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.evaluation.contrasts import contrast_arms
from recfeat_pipeline.evaluation.metrics import measure
from recfeat_pipeline.evaluation.power import detectable_effect
from recfeat_pipeline.evaluation.spread import _parts, spread_of


def test_what_was_put_in_comes_out():
    """400 users of 1 to 20 examples, five seeds."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(400), rng.integers(1, 21, 400))
    found = [
        _parts(
            rng.normal(0, 0.4, 400)[users]
            + rng.normal(0, 2.0, len(users))
            + rng.normal(0, 0.05, (5, 1)),
            users,
        )
        for _ in range(60)
    ]
    for part, given in (("users", 0.4), ("examples", 2.0), ("seeds", 0.05)):
        mean = np.sqrt(np.mean([getattr(spread, part) ** 2 for spread in found]))
        assert mean == pytest.approx(given, rel=0.07), part


def ranks_of(arms, seeds, rng, luck=0.0):
    users = np.repeat(np.arange(300), 6)
    parts = []
    for arm, worth in arms.items():
        for seed in seeds:
            scale = 20 * np.exp(-worth - luck * rng.normal())
            rank = 1 + np.floor(rng.exponential(scale, len(users))).astype(int)
            parts.append(
                pl.DataFrame(
                    {"arm": arm, "seed": seed, "example_id": np.arange(len(users)),
                     "user_id": users, "rank": rank}
                )
            )  # fmt: skip
    return pl.concat(parts)


def test_it_predicts_what_the_contrast_of_the_same_ranks_could_have_found():
    ranks = ranks_of({"floor": 0.0, "llm": 0.1}, range(5), np.random.default_rng(1), luck=0.1)
    slices = ranks.select("example_id", slice=pl.lit("all")).unique()
    row = contrast_arms(ranks, slices, [("llm", "floor")]).filter(metric="mrr").row(0, named=True)
    spread, n_seeds = spread_of(ranks, "llm", "floor", measure("mrr"))
    assert n_seeds == 5
    predicted = detectable_effect(300, 6, spread, 5)
    assert predicted == pytest.approx(row["detectable"] / row["reference_value"], rel=0.15)


def test_one_seed_knows_no_luck_and_strangers_have_no_spread():
    ranks = ranks_of({"floor": 0.0, "llm": 0.1}, [0], np.random.default_rng(1))
    spread, n_seeds = spread_of(ranks, "llm", "floor", measure("mrr"))
    assert (spread.seeds, n_seeds) == (0.0, 1)
    assert spread_of(ranks, "llm", "absent", measure("mrr")) is None
    assert spread_of(ranks.filter(user_id=0), "llm", "floor", measure("mrr")) is None
