"""Windows, readings and the item side of the sequence families."""

import numpy as np
import polars as pl
import pytest
import torch

from recfeat_pipeline.models.families.tower import PooledTower, Settings
from recfeat_pipeline.models.histories import Context
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.reading import READINGS, Reading, ReadingSettings, readings
from recfeat_pipeline.models.taken import Taken
from recfeat_pipeline.models.windows import Windows
from recfeat_pipeline_tests.unit.models.worlds import checkerboard, make_data, make_events


def world(times: list[int | None], **more):
    rows = [(1, item, 3.0, time, "train") for item, time in enumerate(times)]
    return make_data(make_events([*rows, (2, 5, 3.0, 1, "train"), (2, 6, 3.0, 2, "train")]), **more)


def test_every_event_after_the_first_is_predicted_from_those_before_it():
    windows = Windows.of(world([1, 2, 3, 4]), context=3)
    history, target = windows.draw(torch.tensor([0, 1]))
    none = windows.n_items
    assert history.tolist() == [[0, 1, 2], [none, none, 5]]
    assert target.tolist() == [[1, 2, 3], [none, none, 6]]
    assert windows.places().tolist() == [3, 1]


def test_a_long_history_is_entered_at_every_place():
    windows = Windows.of(world([1, 2, 3, 4, 5]), context=2)
    torch.manual_seed(0)
    seen = {tuple(windows.draw(torch.tensor([0]))[0][0].tolist()) for _ in range(50)}
    assert seen == {(0, 1), (1, 2), (2, 3)}


def test_events_of_unknown_time_are_in_another_order_each_time_and_timed_ones_stay():
    windows = Windows.of(world([None, None, None, 7, 8]), context=10)
    torch.manual_seed(0)
    drawn = [windows.draw(torch.tensor([0])) for _ in range(60)]
    assert len({tuple(history[0].tolist()) for history, _ in drawn}) == 6, "3! orders"
    for history, target in drawn:
        assert sorted(history[0, :3].tolist()) == [0, 1, 2]
        assert target[0, 2:].tolist() == [3, 4]


def test_events_with_a_position_and_no_time_stay_where_they_are():
    windows = Windows.of(world([None, None, None], has_positions=True), context=10)
    torch.manual_seed(0)
    drawn = {tuple(windows.draw(torch.tensor([0]))[1][0].tolist()) for _ in range(30)}
    assert drawn == {(1, 2)}


def test_a_reading_fades_from_the_newest():
    taken = Taken(torch.tensor([0, 3]), torch.tensor([7, 8, 9, 4]), 10)
    assert Reading(10, 0.5).weights(taken).tolist() == [0.25, 0.5, 1.0, 1.0]


def test_what_an_arm_sets_is_not_chosen():
    assert readings(ReadingSettings()) == READINGS
    assert readings(ReadingSettings(5, 0.7)) == (Reading(5, 0.7),)
    assert {each.context for each in readings(ReadingSettings(context=5))} == {5}
    assert {each.decay for each in readings(ReadingSettings(decay=0.7))} == {0.7}


@pytest.mark.parametrize("content", [None, torch.eye(10, 3)])
def test_states_are_those_of_the_histories_up_to_there(content):
    """What is learnt at a place is what is asked at test: the same history gives the same state."""
    tower = PooledTower(10, content, Settings(window=4, fade=0.5, width=8), seed=3).eval()
    tower.decay = 0.5
    history = torch.tensor([[1, 2, 3, 4]])
    states = tower.states_of(history)
    for place in range(4):
        newest_first = torch.full((1, 6), 10)  # longer than any history: the rest is empty
        newest_first[:, : place + 1] = history[:, : place + 1].flip(1)
        context = Context(newest_first, torch.ones(1, 6), torch.zeros(1))
        torch.testing.assert_close(tower.user_vectors(context)[:, :-1], states[:, place])


@pytest.mark.parametrize("own_output", [False, True])
def test_a_new_item_is_its_content_alone(own_output):
    content = torch.eye(3).repeat(2, 1)  # items 0 and 3 are described alike
    tower = PooledTower(6, content, Settings(width=8, own_output=own_output))
    with torch.no_grad():
        assert tower.bias is not None
        tower.bias += torch.arange(6)
    rows = tower.item_vectors(blank=torch.tensor([True] * 6))
    torch.testing.assert_close(rows[0], rows[3])
    assert not torch.allclose(tower.item_vectors()[0], tower.item_vectors()[3])


def test_seen_items_are_no_candidates_of_the_loss(tmp_path):
    from recfeat_pipeline.models.families.tower import build
    from recfeat_pipeline.models.recipe import Recipe
    from recfeat_pipeline_tests.unit.models.worlds import NO_CONTENT

    module = build(make_data(checkerboard(n_users=30)), NO_CONTENT, Recipe(Settings()))
    history = torch.tensor([[0, 1, 2], [20, 3, 4]])
    target = torch.tensor([[1, 2, 0], [20, 4, 5]])
    at = target != 20
    logits = torch.zeros(int(at.sum()), 20)
    module._mask_seen(logits, history, target[at], at)
    out = [np.flatnonzero(row.numpy() < 0).tolist() for row in logits]
    assert out == [[0], [0, 1], [1, 2], [3], [3, 4]], "the third target was taken once more"


def test_bpr_lifts_the_target_above_drawn_items():
    """A step raises the target, and lowers each drawn item by as much in all."""
    from recfeat_pipeline.models.families.tower import build
    from recfeat_pipeline.models.recipe import Recipe
    from recfeat_pipeline_tests.unit.models.worlds import NO_CONTENT

    settings = Settings(loss="bpr", negatives=500, width=4)
    module = build(make_data(checkerboard(n_users=30)), NO_CONTENT, Recipe(settings))
    states = torch.nn.functional.pad(torch.ones(1, 4), (0, 1), value=1.0)
    module._drawn_loss(states, torch.tensor([3])).backward()
    of_bias = module.tower.bias.grad
    others = torch.cat([of_bias[:3], of_bias[4:]])
    assert of_bias[3] < 0
    assert (others > 0).all(), "every item is drawn, and pushed down"
    torch.testing.assert_close(others.sum(), -of_bias[3])


def test_a_sample_is_drawn_where_it_is_a_quarter_of_the_catalogue():
    assert Settings(negatives=256).n_sampled(1025) == 256
    assert Settings(negatives=256).n_sampled(1024) == 0


def test_choosing_looks_at_a_fixed_part_of_a_large_validation(monkeypatch):
    monkeypatch.setattr("recfeat_pipeline.models.data.CHOOSING", 5)
    data = make_data(checkerboard(n_users=60))
    part: HeldOut = data.valid
    assert len(part.targets) == 5
    assert part.examples.equals(make_data(checkerboard(n_users=60)).valid.examples)
    every = data.examples.filter(pl.col("split") == "valid")
    assert part.examples.join(every, on="example_id", how="semi").height == 5
