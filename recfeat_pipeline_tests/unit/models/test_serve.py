import numpy as np
import polars as pl
import pytest
import torch

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.arms import load_arms
from recfeat_pipeline.models.content import Content
from recfeat_pipeline.models.serve import ServedArm
from recfeat_pipeline.models.tower import TIME_BINS, Context, TwoTower
from recfeat_pipeline.models.train import build_tower

N, D = 12, 5
MATRIX = np.random.default_rng(0).random((N, D)).astype(np.float32)
MATRIX[:, 4] = 0  # a column that says nothing
NAMES = tuple(f"llm:{letter}" for letter in "abcde")
ITEMS = pl.DataFrame({"item_index": range(N), "in_corpus": True})


@pytest.fixture
def served() -> ServedArm:
    torch.manual_seed(0)
    tower = TwoTower(N, torch.from_numpy(MATRIX.copy()), seed=0)
    with torch.no_grad():  # untrained towers hardly look at content
        for parameter in tower.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return ServedArm(tower, NAMES)


def test_scores_are_those_of_the_towers(served):
    scores = served.scores([3, 7])
    context = Context(
        torch.tensor([[7, 3] + [N] * 48]),  # newest first, padded to fifty
        torch.tensor([[1.0, 1.0] + [0.0] * 48]),
        torch.tensor([TIME_BINS]),
    )
    with torch.no_grad():
        expected = served.tower.item_vectors() @ served.tower.user_vectors(context)[0]
    np.testing.assert_allclose(scores, expected.numpy(), rtol=1e-6)


def test_liking_twice_is_liking_once(served):
    np.testing.assert_array_equal(served.scores([3, 3]), served.scores([3]))


def test_a_driver_is_what_the_score_loses_without_the_column(served):
    before = served.tower.content.clone()
    drivers = dict(served.drivers([3, 7], 5, D))
    assert torch.equal(served.tower.content, before), "nothing is left changed"
    assert "llm:e" not in drivers, "a column of zeros drives nothing"
    full = served.scores([3, 7])[5]
    with torch.no_grad():
        served.tower.content[:, 1] = 0
    without = served.scores([3, 7])[5]
    assert drivers["llm:b"] == pytest.approx(float(full - without), abs=1e-6)


def test_drivers_come_from_the_strongest_and_no_more_than_asked(served):
    effects = [abs(effect) for _, effect in served.drivers([3, 7], 5, 2)]
    assert len(effects) == 2
    assert effects == sorted(effects, reverse=True)
    assert effects[0] == max(abs(e) for _, e in served.drivers([3, 7], 5, D))


def test_an_arm_without_content_gives_no_reasons():
    assert ServedArm(TwoTower(N, None, seed=0), ()).drivers([1], 2, 3) == []


def test_a_rich_arm_is_served_with_the_tags_it_was_trained_with(tmp_path):
    arm, content = load_arms()["rich_floor"], Content(MATRIX[:, :0], (), 0.0)
    items = ITEMS.with_columns(
        item_id=pl.col("item_index"), year=pl.lit(1999), genres=pl.lit(["Drama"])
    )
    tags = pl.DataFrame({"item_id": range(N), "tag": "slow", "n_applications": 200})
    tower = build_tower(arm, 0, items, content, tags)
    torch.save({"tower": tower.state_dict(), "new": None, "step": 1}, tmp_path / "best.pt")
    served = ServedArm.load(arm, 0, items, content, tmp_path / "best.pt", tags)
    assert np.isfinite(served.scores([1])).all()


def test_a_checkpoint_round_trip(served, tmp_path):
    arm = load_arms()["llm"]
    content = Content(MATRIX, NAMES, 1.0)
    tower = build_tower(arm, 0, ITEMS, content)
    new = torch.arange(N) == 3
    torch.save({"tower": tower.state_dict(), "new": new, "step": 1}, tmp_path / "best.pt")
    loaded = ServedArm.load(arm, 0, ITEMS, content, tmp_path / "best.pt")
    as_learnt = ServedArm(tower, NAMES).scores([1])
    np.testing.assert_allclose(loaded.scores([1])[~new], as_learnt[~new])
    assert loaded.scores([1])[3] != as_learnt[3], "a new item is known by content alone"

    other = Content(MATRIX[:, :3], NAMES[:3], 1.0)
    with pytest.raises(RecfeatError, match="trained on other items or features"):
        ServedArm.load(arm, 0, ITEMS, other, tmp_path / "best.pt")
    with pytest.raises(RecfeatError, match=r"has no checkpoint at .* train it with"):
        ServedArm.load(arm, 0, ITEMS, content, tmp_path / "none.pt")
