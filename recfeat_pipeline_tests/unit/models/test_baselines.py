from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
import torch

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.arms import load_arms
from recfeat_pipeline.models.beside import Sum, standard
from recfeat_pipeline.models.choose import choose_weight
from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.models.families.ease import RIDGE
from recfeat_pipeline.models.families.ials import factorise, fold_in
from recfeat_pipeline.models.item_models import (
    CONTENT_WEIGHT,
    UNTRUSTED,
    ItemItem,
    cosine_neighbours,
    ease,
    ease_with_content,
    gram,
    transitions,
)
from recfeat_pipeline.models.reading import Reading
from recfeat_pipeline.models.scorer import Scores
from recfeat_pipeline.models.taken import Taken
from recfeat_pipeline_tests.unit.models.worlds import (
    NO_CONTENT,
    PARITY,
    checkerboard,
    make_content,
    make_data,
    make_events,
    recipe_for,
)


def to_taken(matrix: torch.Tensor) -> Taken:
    lengths = matrix.sum(1).long()
    return Taken(lengths.cumsum(0) - lengths, matrix.nonzero()[:, 1], matrix.shape[1])


class Run(NamedTuple):
    rank: np.ndarray
    rank_with_seen: np.ndarray
    settings: dict[str, float]


def run(arm: str, events: pl.DataFrame, content: Content = NO_CONTENT, n_items: int = 20) -> Run:
    data = make_data(events, n_items)
    scorer = load_arms()[arm].family.fit(data, content, recipe_for(arm))
    return Run(*data.held_out("test").rank(scorer), dict(scorer.settings))


def test_popularity_by_hand():
    events = make_events(
        [
            (1, 0, 3.0, 1, "train"),
            (2, 0, 3.0, 1, "train"),
            (3, 1, 3.0, 1, "train"),
            (9, 2, 3.0, 1, "test"),
            (9, 1, 3.0, 2, "test"),
            (9, 3, 3.0, 3, "test"),
        ]
    )
    counted = run("popularity", events, n_items=4)
    # Counts 2 1 0 0. Item 1 is second; then 3 has only 0 before it, for 1 and 2 are seen.
    assert counted.rank.tolist() == [2, 2]
    assert counted.rank_with_seen.tolist() == [2, 4], "with 2 a candidate, 3 ties: 3.5 rounded up"


def test_recent_popularity_knows_only_earlier_windows():
    day = 86_400
    events = make_events(
        [(user, 0, 3.0, user, "train") for user in range(5)]  # long popular
        + [(6, 2, 3.0, 100 * day, "train"), (7, 3, 3.0, 100 * day, "train")]  # lately
        + [(8, 4, 3.0, 125 * day, "train")]  # in the target's own window
        + [(9, 1, 3.0, 90 * day, "test"), (9, 2, 3.0, 125 * day, "test")]
    )
    counted = run("recent_popularity", events, n_items=5)
    assert counted.rank.tolist() == [2], "2 and 3 tie in the window before; 0, 4 are behind"


def test_without_timestamps_recent_popularity_is_popularity():
    events = checkerboard().with_columns(timestamp=pl.lit(None, pl.Int64))
    recent, popular = (run(arm, events) for arm in ("recent_popularity", "popularity"))
    assert np.array_equal(recent.rank, popular.rank)


def test_gram_counts_users_who_took_both(monkeypatch):
    monkeypatch.setattr("recfeat_pipeline.models.item_models.BLOCK", 2)
    taken = torch.tensor([[1.0, 1, 0], [1, 0, 0], [1, 1, 1]])
    assert gram(to_taken(taken)).tolist() == [[3, 2, 1], [2, 2, 1], [1, 1, 1]]


@pytest.mark.parametrize("width", [3, 30])  # few columns have a short way
def test_ease_with_content_is_ease_of_both(width):
    generator = torch.Generator().manual_seed(0)
    taken = (torch.rand(200, 40, generator=generator) < 0.2).float()
    rows = torch.randn(40, width, generator=generator)
    weighed = ease_with_content(taken.T @ taken, 30.0, rows)
    for weight in CONTENT_WEIGHT:
        expected = ease(taken.T @ taken + weight * rows @ rows.T, 30.0)
        torch.testing.assert_close(weighed(weight), expected, rtol=1e-3, atol=1e-6)


def test_ease_is_the_constrained_least_squares_solution():
    """No other zero-diagonal matrix has a smaller ridge loss: the gradient is zero off-diagonal."""
    taken = (torch.rand(40, 6, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    weights = ease(taken.T @ taken, 5.0)
    assert weights.diagonal().tolist() == [0] * 6
    gradient = -taken.T @ (taken - taken @ weights) + 5.0 * weights
    assert gradient.fill_diagonal_(0).abs().max() < 1e-4


def test_side_information_enters_as_further_rows():
    """As EASE of the stacked matrix [X; sqrt(w) Fᵀ], with both traces alike before w."""
    events = checkerboard(n_users=150)
    matrix = np.random.default_rng(0).random((20, 3), np.float32)
    weight = run("ease_llm", events, make_content(matrix)).settings["content_weight"]
    taken = Taken.of(events.filter(pl.col("split") == "train"), 20).dense(0, 90)
    rows = torch.from_numpy(matrix).T
    rows = rows * (weight * taken.square().sum() / rows.square().sum()).sqrt()
    stacked = torch.cat([taken, rows])
    ridge = run("ease", events).settings["ridge"]
    expected = ease(stacked.T @ stacked, ridge)

    data = make_data(events)
    scorer = load_arms()["ease_llm"].family.fit(data, make_content(matrix), recipe_for("ease_llm"))
    assert torch.allclose(scorer.weights, expected, atol=1e-4)


def test_content_speaks_for_an_item_that_nobody_took():
    is_new = pl.col("item_index") == 6
    events = checkerboard(n_users=150).filter(~is_new | (pl.col("split") != "train"))
    of_new = build_examples(events).filter(split="test")["target_index"] == 6
    with_content, without = (
        run(arm, events, content).rank[of_new.to_numpy()]
        for arm, content in (("ease_llm", make_content(PARITY)), ("ease", NO_CONTENT))
    )
    assert (with_content <= 10).mean() > 0.9, "before the items of the other parity"
    assert with_content.mean() < without.mean()


def test_only_the_nearest_neighbours_are_heard():
    similarity = torch.tensor([[10.0, 8, 2], [8, 10, 1], [2, 1, 10]])
    weights = cosine_neighbours(similarity, 1)
    assert (weights > 0).tolist() == [[False, True, True], [True, False, False], [False] * 3]
    assert weights[0, 1] == pytest.approx(8 / (10 + 10))


def test_transitions_follow_the_order():
    events = make_events([(1, 0, 3.0, 1, "train"), (1, 1, 3.0, 2, "train"), (1, 2, 3.0, 3, "test")])
    taken = torch.tensor([[1.0, 1, 0]])
    shares = transitions(events.filter(split="train"), to_taken(taken))
    assert shares[0].argmax() == 1
    assert shares[0, 1] == pytest.approx(1 / (1 + UNTRUSTED), rel=1e-2)
    assert (shares[1] < 1e-3).all(), "the step into a test event is not learnt"


def test_later_followers_count_less():
    """3 follows 0 at the third place: half of half of the next one."""
    events = make_events([(1, item, 3.0, item, "train") for item in range(4)])
    taken = to_taken(torch.ones(1, 4))
    far = transitions(events, taken, orders=3, decay=0.5)[0]
    assert (far[2] / far[1]).item() == pytest.approx(0.5, rel=1e-2)
    assert (far[3] / far[1]).item() == pytest.approx(0.25, rel=1e-2)
    assert transitions(events, taken)[0, 2] < 1e-3


def test_folding_in_solves_the_users_own_least_squares(monkeypatch):
    monkeypatch.setattr("recfeat_pipeline.models.families.ials.BLOCK_PLACES", 4)
    factors = torch.randn(9, 64, generator=torch.Generator().manual_seed(0))
    rows = Taken(torch.tensor([0, 1, 1, 3]), torch.tensor([3, 4, 8, 0, 1, 2]), 9)
    got = fold_in(rows, factors, 0.1)
    for row, taken in enumerate([[3], [], [4, 8], [0, 1, 2]]):
        v = factors[taken]
        system = v.T @ v + 0.1 * factors.T @ factors + 0.1 * (len(taken) + 0.1 * 9) * torch.eye(64)
        assert torch.allclose(got[row], torch.linalg.solve(system, v.sum(0)), atol=1e-4)


def test_factors_follow_the_seed():
    taken = (torch.rand(30, 8, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    one, same, other = (factorise(to_taken(taken), 0.01, seed) for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_setting_is_chosen_on_validation_only():
    events = checkerboard(n_users=150)
    chosen = run("ease", events).settings["ridge"]
    assert chosen in RIDGE
    blind = events.filter(pl.col("split") != "valid")
    assert run("ease", blind).settings["ridge"] == RIDGE[0]


def test_weights_are_summed_row_by_row():
    # The solver's columns lie in a row; sums over such a matrix took ten times as long.
    solved = ease(2.0 * torch.eye(4) + 0.5, 1.0)
    assert not solved.is_contiguous()
    assert ItemItem(solved, Reading(), {}).weights.is_contiguous()


def test_a_weight_is_chosen_as_if_each_were_asked_for_itself():
    data = make_data(checkerboard(n_users=60), 20)
    draws = torch.Generator().manual_seed(0)
    first, second = (
        ItemItem(torch.randn(20, 20, generator=draws), Reading(), {}) for _ in range(2)
    )
    weights = (0.0, 0.1, 0.3, 1.0, 3.0)
    each = [(1 / data.valid.rank(Sum(first, second, weight, 20))[0]).mean() for weight in weights]
    chosen = choose_weight(data, weights, first, second, standard)
    assert chosen == weights[int(np.argmax(each))]
    assert len(set(each)) > 1, "they differ"
    blind = make_data(checkerboard(n_users=60).filter(pl.col("split") != "valid"), 20)
    assert choose_weight(blind, (0.3, 1.0), first, second) == 0.3


def test_a_sum_says_what_drove_its_trained_part_as_far_as_it_moves_the_sum():
    class Driven(Scores):
        def drivers(self, liked, item, n):
            return [(2, 3.0)]

    trained = Driven(lambda held, start, stop: torch.tensor([[0.0, 3.0, 6.0]]))
    counted = Scores(lambda held, start, stop: torch.tensor([[1.0, 0.0, 0.0]]))
    assert Sum(trained, counted, 0.3, 3).drivers([0], 1, 4) == [(2, 1.0)]  # 3 over a spread of 3
    assert Sum(counted, counted, 0.3, 3).drivers([0], 1, 4) == []


def test_taken_is_a_sparse_matrix():
    matrix = (torch.rand(7, 5, generator=torch.Generator().manual_seed(2)) < 0.4).float()
    matrix[3] = 0
    taken = to_taken(matrix)
    assert torch.equal(taken.dense(0, 7), matrix)
    assert torch.equal(taken.dense(2, 5), matrix[2:5])
    assert torch.equal(taken.transposed().dense(0, 5), matrix.T)
    assert torch.equal(taken.counts(), matrix.sum(0))


def test_taken_of_events_has_a_row_per_user():
    events = make_events(
        [(1, 2, 3.0, 1, "train"), (1, 0, 3.0, 2, "train"), (5, 1, 3.0, 1, "train")]
    )
    assert Taken.of(events, 3).dense(0, 2).tolist() == [[1, 0, 1], [0, 1, 0]]
