"""What a large catalogue changes: from a stated size on, nothing is items × items or N wide."""

import numpy as np
import pytest
import torch

from recfeat_pipeline.models import ranks
from recfeat_pipeline.models.family import load_family
from recfeat_pipeline.models.item_models import MOST_ITEMS
from recfeat_pipeline.models.module import SAMPLED, SAMPLED_ABOVE, Learning
from recfeat_pipeline.models.neighbours import BLOCK, _nearest
from recfeat_pipeline.models.ranks import Seen, block_of, rank_examples
from recfeat_pipeline.models.sequence import SequenceSettings

NO_NEXT = "No user has two training events, so there is no next item to learn from."


def test_the_softmax_is_sampled_above_a_stated_size():
    published, of_sequences = Learning(), SequenceSettings()
    assert [published.n_sampled(n) for n in (SAMPLED_ABOVE, SAMPLED_ABOVE + 1)] == [0, SAMPLED]
    assert Learning(negatives=0).n_sampled(10**6) == 0, "asked for"
    assert Learning(negatives=7).n_sampled(100) == 7
    assert [of_sequences.n_sampled(n) for n in (4 * 1024, 4 * 1024 + 1)] == [0, 1024]


@pytest.mark.parametrize("name", ["ease", "item_knn", "markov", "hybrid_tower", "hybrid_sasrec"])
def test_what_is_items_by_items_refuses_a_large_catalogue(name):
    family = load_family(name)
    assert family.refusal(MOST_ITEMS, 1) is None
    said = family.refusal(100_000, 1)
    assert said
    assert "100,000 items are 40 GB" in said
    assert f"up to {MOST_ITEMS:,} items" in said


@pytest.mark.parametrize("name", ["tower", "sasrec", "published", "popularity", "ials", "lightgcn"])
def test_what_is_not_takes_any(name):
    assert load_family(name).refusal(10**6, 1) is None


def test_scores_at_once_are_bounded_whatever_the_catalogue():
    cpu = torch.device("cpu")
    assert block_of(cpu, 1_420) == block_of(cpu, 200_000) == ranks.BLOCK
    assert block_of(cpu, 10**6) * 10**6 <= ranks.CELLS
    assert block_of(cpu, 10**9) == 1


def test_smaller_blocks_give_the_same_ranks(monkeypatch):
    draws = torch.Generator().manual_seed(0)
    users, items = torch.randn(9, 4, generator=draws), torch.randn(50, 4, generator=draws)
    nothing = Seen(*(np.zeros(n, kind) for n, kind in ((0, int), (0, bool), (9, int), (9, int))))
    targets = np.arange(9)
    whole, _ = rank_examples(users, items, targets, nothing)
    monkeypatch.setattr(ranks, "CELLS", 100)  # two examples at once
    assert np.array_equal(rank_examples(users, items, targets, nothing)[0], whole)


def test_neighbours_are_found_without_a_matrix_of_items_by_items():
    n, asked = 2 * BLOCK + 5, []
    vectors = torch.randn(n, 3, generator=torch.Generator().manual_seed(0))

    def similar(start, stop):
        asked.append(stop - start)
        return vectors[start:stop] @ vectors.T

    found = _nearest(similar, n, 2)
    assert max(asked) <= BLOCK
    whole = (vectors @ vectors.T).fill_diagonal_(-torch.inf).topk(2, dim=1).indices
    assert torch.equal(found, whole)


@pytest.mark.parametrize(
    ("name", "is_trained"),
    [("tower", True), ("hybrid_sasrec", True), ("tiger", True), ("ease", False), ("markov", False)],
)
def test_what_learns_the_next_event_refuses_users_of_one(name, is_trained):
    said = load_family(name).refusal(20, n_examples=0)
    assert said == (NO_NEXT if is_trained else None)
