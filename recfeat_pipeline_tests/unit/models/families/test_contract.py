"""What every registered family must do, on a checkerboard whose right answer is obvious.

Even users like even items, odd users odd ones. A new family is tested here by being registered.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest
import torch

from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.family import FAMILIES, load_family
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.scorer import Scorer
from recfeat_pipeline_tests.unit.models.worlds import (
    NO_CONTENT,
    PARITY,
    checkerboard,
    make_content,
    make_data,
)

NAMES = FAMILIES.names()
TRAINED = [name for name in NAMES if load_family(name).trained]
KEPT = [name for name in NAMES if load_family(name).load is not None]
TAKES_CONTENT = [
    name for name in NAMES if load_family(name).takes_content and not load_family(name).reorders
]
HAS_CONTEXT = [name for name in NAMES if hasattr(load_family(name).settings(), "context")]
IMPERSONAL = ("popularity", "recent_popularity")
"""Families that give everyone the same list."""
STEPS = 24  # of 512 examples: 96 of 128
QUICK = {"context": 8, "batch_size": 128, "learning_rate": 1e-2, "levels": 1, "codes": 20,
         "layers": 1, "beams": 20}  # fmt: skip
"""Settings for a world of eight events a user, so that little training shows what is learnt."""
FEW_CHOOSE = (pl.col("split") != "valid") | (pl.col("user_id") < 60)
"""Validation examples are ranked at each look, by beams for one."""
DATA = make_data(checkerboard(n_users=300).filter(FEW_CHOOSE))
SMALL = make_data(checkerboard(n_users=60))


def quick(settings, given=QUICK):
    return replace(settings, **{k: v for k, v in given.items() if hasattr(settings, k)})


def fit(name: str, data: Data, out_dir, seed=0, content=NO_CONTENT, **recipe) -> Scorer:
    given = (QUICK if name in TRAINED else {}) | recipe.pop("settings", {})
    settings = quick(load_family(name).settings(), given)
    made = Recipe(settings, **{"seed": seed, "steps": 1, "out_dir": out_dir, **recipe})
    return load_family(name).fit(data, content, made)


@cache
def fitted(name: str, folder) -> Scorer:
    return fit(name, DATA, folder, steps=STEPS)


def scores(scorer: Scorer, held: HeldOut) -> np.ndarray:
    score, n = scorer.over(held), len(held.targets)
    blocks = [score(at, min(at + scorer.block, n)).clone() for at in range(0, n, scorer.block)]
    return torch.cat(blocks).cpu().numpy()


def first(data: Data, n: int) -> HeldOut:
    """The first test examples: some families take long over each."""
    test = data.held_out("test")
    return HeldOut.of(test.events, test.examples[:n])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("families")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in IMPERSONAL])
def test_the_obvious_answer(name, folder):
    """Unseen items of the user's parity come first; of those any may be next."""
    test = first(DATA, 70)
    rank, _ = test.rank(fitted(name, folder / name))
    assert (rank <= 10 - test.examples["history_length"].to_numpy()).mean() > 0.85


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_finite_and_those_of_a_context_alone(name, folder):
    """Whatever else stands in the block: a list served alone is the list that was ranked."""
    scorer, test = fitted(name, folder / name), first(DATA, 70)
    together = scores(scorer, test)
    assert together.shape == (len(test.targets), 20)
    assert np.isfinite(together).all()
    alone = HeldOut.of(test.events, test.examples[7:8])
    np.testing.assert_allclose(scores(scorer, alone)[0], together[7], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_someone_is_served_from_likes_alone(name, folder):
    served = fitted(name, folder / name).scores([2, 4, 8], 20)
    assert served.shape == (20,)
    assert np.isfinite(served).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_gives_the_same_scores_and_another_one_others_where_it_draws(name, tmp_path):
    one, same, other = (
        scores(fit(name, SMALL, tmp_path / run, seed), SMALL.held_out("test"))
        for run, seed in (("one", 0), ("same", 0), ("other", 1))
    )
    np.testing.assert_array_equal(one, same)
    assert np.array_equal(one, other) != load_family(name).draws


@pytest.mark.parametrize("name", NAMES)
def test_test_events_teach_nothing(name, tmp_path):
    """Other test users' choices must not change a score."""
    lone = SMALL.events.filter((pl.col("split") != "test") | (pl.col("user_id") == 4))
    everyone, alone = (
        scores(fit(name, data, tmp_path / run), data.held_out("test"))
        for run, data in (("everyone", SMALL), ("alone", make_data(lone)))
    )
    assert len(alone) == 7
    np.testing.assert_allclose(everyone[:7], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", HAS_CONTEXT)
def test_no_more_than_the_context_is_read(name, tmp_path):
    """What lies before the newest three events changes nothing."""
    scorer = fit(name, SMALL, tmp_path, settings={"context": 3})
    long = SMALL.held_out("test").examples.filter(pl.col("history_length") >= 5)
    last = long.group_by("user_id", maintain_order=True).last()
    old = np.zeros(SMALL.events.height, bool)
    for row, length in last.select("event_row", "history_length").iter_rows():
        old[row - length : row - 3] = True
    others = pl.when(pl.Series(old)).then((pl.col("item_index") + 1) % 20)
    changed = SMALL.events.with_columns(item_index=others.otherwise("item_index").cast(pl.Int32))
    assert not changed.equals(SMALL.events)
    one, same = (scores(scorer, HeldOut.of(events, last)) for events in (SMALL.events, changed))
    np.testing.assert_array_equal(one, same)


@pytest.mark.parametrize("name", NAMES)
def test_an_item_that_does_not_exist_yet_is_scored_and_not_learnt(name, tmp_path):
    """Cold start: of two new items nothing tells which is which, unless content does."""
    new = np.isin(np.arange(20), (6, 7))
    gone = pl.col("item_index").is_in([6, 7]) & (pl.col("split") == "train")
    data = make_data(SMALL.events.filter(~gone), new=new)
    found = scores(fit(name, data, tmp_path), data.held_out("test"))
    assert np.isfinite(found).all()
    histories = data.held_out("test").known.histories(0, len(found), 20).dense(0, len(found))
    has_neither = ~histories[:, [6, 7]].numpy().any(1)
    np.testing.assert_allclose(found[has_neither, 6], found[has_neither, 7], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", TAKES_CONTENT)
def test_content_tells_what_nobody_has_taken(name, tmp_path):
    gone = (pl.col("item_index") == 6) & (pl.col("split") == "train")
    events = DATA.events.filter(~gone)
    data = make_data(events, new=np.arange(20) == 6)
    found = fit(name, data, tmp_path, content=make_content(PARITY), steps=STEPS)
    test = first(data, 50)
    even = test.known.histories(0, 50, 20).dense(0, 50)[:, ::2].sum(1) > 0
    of_new = scores(found, test)[:, 6]
    assert of_new[even].mean() > of_new[~even].mean(), "even users are offered the new even item"


@pytest.mark.parametrize("name", TRAINED)
def test_a_killed_training_continues_to_the_same_scores(name, tmp_path):
    def kill(step: int, steps: int) -> None:
        if step == 3:  # of four
            raise KeyboardInterrupt

    whole = fit(name, SMALL, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(name, SMALL, tmp_path / "killed", progress=kill)
    resumed = fit(name, SMALL, tmp_path / "killed")
    test = SMALL.held_out("test")
    np.testing.assert_array_equal(scores(whole, test), scores(resumed, test))
    assert whole.log.equals(resumed.log)


@pytest.mark.parametrize("name", KEPT)
def test_what_was_fitted_is_found_again(name, tmp_path):
    family = load_family(name)
    recipe = Recipe(quick(family.settings()), steps=2, out_dir=tmp_path)
    test = SMALL.held_out("test")
    before = family.fit(SMALL, NO_CONTENT, recipe)
    after = family.load(SMALL, NO_CONTENT, recipe)
    np.testing.assert_allclose(scores(before, test), scores(after, test), rtol=1e-5, atol=1e-6)
    assert after.best_step == before.best_step


@pytest.mark.parametrize("name", NAMES)
def test_a_size_is_that_of_the_fitted_model(name, folder):
    family = load_family(name)
    assert (family.size is not None) == family.trained
    if family.size is not None:
        size = family.size(DATA, 0, quick(family.settings()))
        assert size == fitted(name, folder / name).n_parameters > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_family_says_what_it_is(name):
    family = load_family(name)
    assert family.title
    assert set(family.space()) <= set(vars(family.settings()))
