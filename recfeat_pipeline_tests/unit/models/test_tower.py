import numpy as np
import pytest
import torch

from recfeat_pipeline.models.histories import Context
from recfeat_pipeline.models.metadata import Metadata
from recfeat_pipeline.models.tower import TwoTower
from recfeat_pipeline.models.trained import count_parameters


@pytest.mark.parametrize(("width", "expected"), [(0, 383_840), (1128, 472_480), (132, 408_736)])
def test_parameter_counts_are_the_published_ones(width, expected):
    content = torch.zeros(9375, width) if width else None
    assert count_parameters(TwoTower(9375, content)) == expected


def test_content_is_pooled_as_if_before_the_projection():
    torch.manual_seed(0)
    content = torch.rand(6, 5)
    tower = TwoTower(6, content).double()
    tower.content = content.double()
    history = torch.tensor([[0, 3, 6], [5, 6, 6]])  # 6 pads
    times = torch.zeros(2, dtype=torch.int64)
    weights = torch.tensor([[1.5, -0.5, 0.0], [-2.0, 0.0, 0.0]]).double()
    mean = torch.stack(
        [(1.5 * content[0] - 0.5 * content[3]) / 2.0, -2.0 * content[5] / 2.0]
    ).double()
    slot = torch.relu(tower.user_content(mean))
    ids = tower.user_norm[0](
        torch.stack([tower.id_table.weight[[0, 3]].sum(0), tower.id_table.weight[5]])
    )
    expected = torch.nn.functional.normalize(tower.user_head(torch.cat([ids, slot], 1)), dim=1)
    assert torch.allclose(
        tower.user_vectors(Context(history, weights, times)), expected, atol=1e-12
    )


def test_scores_are_cosines_and_an_all_zero_weight_is_harmless():
    tower = TwoTower(4, torch.rand(4, 3))
    times = torch.zeros(2, dtype=torch.int64)
    users = tower.user_vectors(Context(torch.tensor([[0, 1], [2, 4]]), torch.zeros(2, 2), times))
    norms = torch.cat([users, tower.item_vectors()]).norm(dim=1)
    assert torch.allclose(norms, torch.ones_like(norms), atol=1e-5)


def test_arms_of_a_seed_start_equal_in_what_they_share():
    floor, content = TwoTower(9, seed=3), TwoTower(9, torch.rand(9, 2), seed=3)
    assert torch.equal(floor.id_table.weight, content.id_table.weight)
    assert torch.equal(floor.item_id.weight, content.item_id.weight)
    assert not torch.equal(floor.id_table.weight, TwoTower(9, seed=4).id_table.weight)


def test_rich_arms_have_the_published_widths():
    metadata = Metadata(
        np.zeros((9, 20), np.float32), np.zeros((9, 306), np.float32), np.zeros(9, np.int64)
    )
    tower = TwoTower(9, torch.rand(9, 132), four_pools=True, metadata=metadata)
    assert tower.user_head[0].in_features == 4 * 32 + 32 + 32 + 4 == 196
    assert tower.item_head[0].in_features == 8 + 16 + 32 + 32 + 8 == 96


def test_pools_of_liked_disliked_and_weighted_items():
    tower = TwoTower(5, four_pools=True, recency=True)
    table = tower.id_table.weight
    context = Context(
        torch.tensor([[3, 1, 0, 5]]), torch.tensor([[2.0, -1.0, 0.5, 0.0]]), torch.tensor([0])
    )
    expected = [
        table[3] + table[1] + table[0],
        table[3] + table[0],
        table[1],
        2 * table[3] - table[1] + 0.5 * table[0],
        table[3],  # the last item
    ]
    for got, want in zip(tower._pools(context), expected, strict=True):
        assert torch.allclose(got[0], want, atol=1e-7)


def test_genre_context_is_the_mean_weight_and_the_share_of_each_genre():
    genres = np.array([[1, 0], [1, 1], [0, 1]], np.float32)
    metadata = Metadata(genres, np.zeros((3, 0), np.float32), np.array([0, 1, 2]))
    slots = TwoTower(3, metadata=metadata).metadata
    seen = []
    slots.user_genre.register_forward_hook(lambda _, args, __: seen.append(args[0]))
    context = Context(
        torch.tensor([[0, 1, 3]]), torch.tensor([[2.0, -1.0, 0.0]]), torch.tensor([7])
    )
    slots.user_slots(context)
    # Genre 0: items 0 and 1, mean (2 - 1) / 2; genre 1: item 1. Three genre marks in all.
    assert seen[0][0].tolist() == pytest.approx([0.5, -1.0, 2 / 3, 1 / 3])


def test_a_blanked_item_is_known_by_content_alone():
    tower = TwoTower(3, torch.rand(3, 2))
    blank = torch.tensor([False, True, False])
    before = tower.item_vectors(blank=blank)
    with torch.no_grad():
        tower.id_table.weight[1] += 5.0
    after = tower.item_vectors(blank=blank)
    assert torch.equal(before, after)
    assert not torch.equal(tower.item_vectors()[1], after[1])
    assert torch.equal(tower.item_vectors(torch.tensor([2, 0]))[0], after[2])
