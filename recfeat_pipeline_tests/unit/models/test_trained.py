from functools import partial

import numpy as np
import polars as pl
import pytest
import torch

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.arms import load_arms
from recfeat_pipeline.models.families import published
from recfeat_pipeline.models.histories import TIME_BINS, Context
from recfeat_pipeline.models.trained import TowerScorer
from recfeat_pipeline_tests.unit.models.worlds import (
    checkerboard,
    make_content,
    make_data,
    make_items,
    recipe_for,
)

N, D = 20, 5
MATRIX = np.random.default_rng(0).random((N, D)).astype(np.float32)
MATRIX[:, 4] = 0  # a column that says nothing
DATA = make_data(checkerboard())


@pytest.fixture
def served() -> TowerScorer:
    torch.manual_seed(0)
    module = published.build(DATA, make_content(MATRIX.copy()), recipe_for("llm"))
    with torch.no_grad():  # untrained towers hardly look at content
        for parameter in module.tower.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return TowerScorer(module.eval(), None, 1)


def test_scores_are_those_of_the_towers(served):
    scores = served.scores([3, 7], N)
    context = Context(
        torch.tensor([[7, 3] + [N] * 48]),  # newest first, padded to fifty
        torch.tensor([[1.0, 1.0] + [0.0] * 48]),
        torch.tensor([TIME_BINS]),
    )
    with torch.no_grad():
        expected = served.tower.item_vectors() @ served.tower.user_vectors(context)[0]
    np.testing.assert_allclose(scores, expected.numpy(), rtol=1e-5)


def test_liking_twice_is_liking_once(served):
    np.testing.assert_array_equal(served.scores([3, 3], N), served.scores([3], N))


def test_someone_may_like_everything(served):
    assert np.isfinite(served.scores(range(N), N)).all()


def test_a_driver_is_what_the_score_loses_without_the_column(served):
    before = served.tower.content.clone()
    drivers = dict(served.drivers([3, 7], 5, D))
    assert torch.equal(served.tower.content, before), "nothing is left changed"
    assert 4 not in drivers, "a column of zeros drives nothing"
    full = served.scores([3, 7], N)[5]
    with torch.no_grad():
        served.tower.content[:, 1] = 0
    without = served.scores([3, 7], N)[5]
    assert drivers[1] == pytest.approx(float(full - without), abs=1e-6)


def test_drivers_come_from_the_strongest_and_no_more_than_asked(served):
    effects = [abs(effect) for _, effect in served.drivers([3, 7], 5, 2)]
    assert len(effects) == 2
    assert effects == sorted(effects, reverse=True)
    assert effects[0] == max(abs(e) for _, e in served.drivers([3, 7], 5, D))


def test_an_arm_without_content_gives_no_reasons():
    module = published.build(DATA, make_content(MATRIX[:, :0]), recipe_for("floor"))
    assert TowerScorer(module.eval(), None, 1).drivers([1], 2, 3) == []


def test_a_rich_arm_is_served_with_the_tags_it_was_trained_with(tmp_path):
    items = make_items(N).with_columns(year=pl.lit(1999, pl.Int32), genres=pl.lit(["Drama"]))
    tags = pl.DataFrame({"item_id": range(100, 100 + N), "tag": "slow", "n_applications": 200})
    data = make_data(checkerboard(), items=items, user_tags=lambda: tags)
    recipe, content = recipe_for("rich_floor", tmp_path), make_content(MATRIX[:, :0])
    tower = published.build(data, content, recipe).tower
    torch.save({"tower": tower.state_dict(), "new": None, "step": 1}, tmp_path / "best.pt")
    assert np.isfinite(published.load(data, content, recipe).scores([1], N)).all()


def test_a_checkpoint_round_trip(tmp_path):
    recipe, content = recipe_for("llm", tmp_path), make_content(MATRIX)
    load = partial(load_arms()["llm"].family.load, DATA)
    module = published.build(DATA, content, recipe)
    new = torch.arange(N) == 3
    saved = {"tower": module.tower.state_dict(), "new": new, "step": 1}
    torch.save(saved, tmp_path / "best.pt")
    loaded = load(content, recipe)
    as_learnt = TowerScorer(module.eval(), None, 1).scores([1], N)
    np.testing.assert_allclose(loaded.scores([1], N)[~new], as_learnt[~new])
    assert loaded.scores([1], N)[3] != as_learnt[3], "a new item is known by content alone"

    with pytest.raises(RecfeatError, match="of other items or features"):
        load(make_content(MATRIX[:, :3]), recipe)
    with pytest.raises(RecfeatError, match=r"no checkpoint at .* train the arm"):
        load(content, recipe_for("llm", tmp_path / "none"))
