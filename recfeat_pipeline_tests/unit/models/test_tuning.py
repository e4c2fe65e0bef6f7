"""A search of settings: fair between arms, on validation alone, and not begun anew after a kill."""

from dataclasses import asdict, replace

import polars as pl
import pytest
import torch

from recfeat_pipeline.models import tuning
from recfeat_pipeline.models.arms import load_arms
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.tuning import candidates, search_space, tune
from recfeat_pipeline_tests.unit.models.worlds import NO_CONTENT, checkerboard, make_data

ARM = load_arms()["tower"]
DATA = make_data(checkerboard(n_users=60))


def recipe(folder) -> Recipe:
    torch.set_num_threads(1)
    settings = replace(ARM.settings, width=8, window=8, batch_size=128)
    return Recipe(settings, steps=8, out_dir=folder)


def test_the_first_candidate_is_what_the_family_ships_and_all_differ():
    drawn = candidates({"width": (8, 16), "dropout": (0.0, 0.5)}, 5)
    assert drawn[0] == {}
    assert len({str(each) for each in drawn}) == 5
    few = candidates({"width": (8, 16)}, 9)
    assert sorted(map(str, few)) == ["{'width': 16}", "{'width': 8}", "{}"]


def test_every_arm_of_a_family_is_offered_the_same_candidates():
    arms = load_arms()
    spaces = [search_space(arms[f"tower{kind}"]) for kind in ("", "_llm", "_random", "_shuffled")]
    assert spaces[0]
    assert all(space == spaces[0] for space in spaces)


def test_the_published_recipe_is_searched_only_when_asked():
    floor = load_arms()["floor"]
    space = search_space(floor)
    assert {"context", "history_dropout", "temperature", "learning_rate"} == set(space)
    assert candidates(space, 4)[0] == {}, "the first candidate is as published"
    shipped = asdict(floor.settings)
    assert all(shipped[name] in values for name, values in space.items())


def test_what_an_arm_sets_is_not_searched():
    assert "width" not in search_space(ARM.with_settings({"width": 32}))


def test_a_family_without_a_space_is_not_searched(tmp_path):
    arm = load_arms()["popularity"]
    assert tune(arm, DATA, NO_CONTENT, Recipe(arm.settings, out_dir=tmp_path), 4) is None


def test_the_best_on_validation_is_chosen(tmp_path, monkeypatch):
    """A learning rate of next to nothing is never chosen while another learns."""
    space = {"learning_rate": (1e-9, 1e-2)}
    monkeypatch.setattr(tuning, "search_space", lambda arm: space)
    made = recipe(tmp_path)
    made = replace(made, settings=replace(made.settings, learning_rate=1e-9))
    choice = tune(ARM, DATA, NO_CONTENT, made, 3)
    assert choice is not None
    assert choice.settings == {"learning_rate": 1e-2}
    assert choice.n_trials == 3
    assert choice.shipped_mrr is None or choice.mrr > choice.shipped_mrr


def test_test_events_choose_nothing(tmp_path):
    """The search of a world without test users is the same search."""
    monkey = make_data(DATA.events.filter(pl.col("split") != "test"))
    one, other = (
        tune(ARM, data, NO_CONTENT, recipe(tmp_path / name), 3)
        for name, data in (("with", DATA), ("without", monkey))
    )
    assert one == other


def test_a_killed_search_goes_on(tmp_path, monkeypatch):
    whole = tune(ARM, DATA, NO_CONTENT, recipe(tmp_path / "whole"), 4)
    validated, begun = tuning._validated, []

    def dies_at_the_third(*args):
        begun.append(args[5])
        if len(begun) == 3:
            raise KeyboardInterrupt
        return validated(*args)

    monkeypatch.setattr(tuning, "_validated", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        tune(ARM, DATA, NO_CONTENT, recipe(tmp_path / "killed"), 4)
    resumed = tune(ARM, DATA, NO_CONTENT, recipe(tmp_path / "killed"), 4)
    assert sorted(begun) == [0, 1, 2, 2, 3], "what was finished is not done again"
    assert resumed is not None
    assert whole is not None
    assert resumed.settings == whole.settings
