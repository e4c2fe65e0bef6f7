import pytest
import torch

from recfeat_pipeline.models.tower import TwoTower, count_parameters


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
    weights = torch.tensor([[1.5, -0.5, 0.0], [-2.0, 0.0, 0.0]]).double()
    mean = torch.stack(
        [(1.5 * content[0] - 0.5 * content[3]) / 2.0, -2.0 * content[5] / 2.0]
    ).double()
    slot = torch.relu(tower.user_content(mean))
    ids = tower.user_norm(
        torch.stack([tower.id_table.weight[[0, 3]].sum(0), tower.id_table.weight[5]])
    )
    expected = torch.nn.functional.normalize(tower.user_head(torch.cat([ids, slot], 1)), dim=1)
    assert torch.allclose(tower.user_vectors(history, weights), expected, atol=1e-12)


def test_scores_are_cosines_and_an_all_zero_weight_is_harmless():
    tower = TwoTower(4, torch.rand(4, 3))
    users = tower.user_vectors(torch.tensor([[0, 1], [2, 4]]), torch.zeros(2, 2))
    norms = torch.cat([users, tower.item_vectors()]).norm(dim=1)
    assert torch.allclose(norms, torch.ones_like(norms), atol=1e-5)


def test_arms_of_a_seed_start_equal_in_what_they_share():
    floor, content = TwoTower(9, seed=3), TwoTower(9, torch.rand(9, 2), seed=3)
    assert torch.equal(floor.id_table.weight, content.id_table.weight)
    assert torch.equal(floor.item_id.weight, content.item_id.weight)
    assert not torch.equal(floor.id_table.weight, TwoTower(9, seed=4).id_table.weight)
