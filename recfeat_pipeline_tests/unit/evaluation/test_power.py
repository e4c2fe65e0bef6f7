"""What an experiment can show, in closed form, against experiments that are simulated."""

import math

import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.commands.power import power_of, say_power
from recfeat_pipeline.evaluation.power import (
    STATED,
    Spread,
    detectable_effect,
    users_needed,
)
from recfeat_pipeline.evaluation.significance import compare

SPREAD = Spread(users=0.2, examples=1.5, seeds=0.02)


def found(effect: float, n_users: int, per_user: int, n_seeds: int, draws: int = 1500) -> float:
    """Share of simulated experiments in which a difference is significant."""
    rng, hits = np.random.default_rng(0), 0
    counts = np.full(n_users, per_user)
    reference = np.tile(1.0 * counts, (n_seeds, 1))
    for _ in range(draws):
        own = rng.normal(0, SPREAD.users, n_users)
        own = own + rng.normal(0, SPREAD.examples / math.sqrt(per_user), n_users)
        luck = rng.normal(0, SPREAD.seeds, (n_seeds, 1)) if n_seeds > 1 else 0.0
        row = compare(reference + counts * (effect + own + luck), reference, counts, 0.02)
        hits += row["p_value"] < 0.05
    return hits / draws


@pytest.mark.parametrize(("n_users", "per_user", "n_seeds"), [(60, 20, 1), (600, 5, 5)])
def test_the_detectable_effect_is_found_four_times_in_five(n_users, per_user, n_seeds):
    effect = detectable_effect(n_users, per_user, SPREAD, n_seeds)
    assert found(effect, n_users, per_user, n_seeds) == pytest.approx(0.8, abs=0.04)
    assert found(0.5 * effect, n_users, per_user, n_seeds) < 0.5


def test_by_hand():
    """One seed, 101 users of one example: (1.9840 + .8452) * sqrt(.04 + 2.25) / sqrt(101)."""
    assert detectable_effect(101, 1, SPREAD, 1) == pytest.approx(0.42601, abs=1e-5)


def test_users_needed_is_the_least_number_that_finds_the_effect():
    for effect in (0.1, 0.05):
        n = users_needed(effect, 20, SPREAD)
        assert detectable_effect(n, 20, SPREAD) <= effect < detectable_effect(n - 1, 20, SPREAD)
    assert users_needed(0.05, 20, SPREAD) < users_needed(0.05, 5, SPREAD), "examples help"


def test_luck_hides_small_effects_from_any_number_of_users():
    assert users_needed(0.01, 20, Spread(0.2, 1.5, 0.02), n_seeds=2) is None
    assert users_needed(0.01, 20, Spread(0.2, 1.5, 0.0), n_seeds=2) is not None


def test_one_user_shows_nothing():
    assert detectable_effect(1, 20, SPREAD) == math.inf


def test_a_catalogue_says_what_its_held_out_users_can_show(capsys):
    users = [user for user in range(579) for _ in range(20)]
    examples = pl.DataFrame({"user_id": [*users, 9000], "split": ["test"] * len(users) + ["valid"]})
    found = power_of(examples)
    assert (found["users"], found["examples"]) == (579, 11_580)
    for name, spread in STATED.items():
        on = found["on"][name]
        assert on["detectable"] == pytest.approx(detectable_effect(579, 20, spread, 5))
        assert on["users_needed"][0.05] > on["users_needed"][0.1] > 2
    tower = found["on"]["a two-tower"]
    say_power(found)
    out = capsys.readouterr().out
    assert f"{100 * tower['detectable']:.1f} % on a two-tower is found four times" in out
    assert f"{tower['users_needed'][0.02]:,}" in out
    say_power(found, briefly=True)
    assert f"{tower['users_needed'][0.02]:,}" not in capsys.readouterr().out
    say_power(power_of(examples, spreads={"mine": Spread(0.2, 1.5, 0.02)}))
    assert "more seeds" in capsys.readouterr().out
    say_power(power_of(examples.head(20)))
    assert "no difference can be measured" in capsys.readouterr().out
