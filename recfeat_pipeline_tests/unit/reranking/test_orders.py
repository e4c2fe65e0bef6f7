"""Places after an answer, and two orders in one."""

import numpy as np
import pytest

from recfeat_pipeline.reranking.orders import (
    WEIGHTS,
    by_scores,
    choose_weight,
    fused,
    ranks,
    reordered,
)


def test_the_chosen_come_first_and_the_others_keep_their_order():
    shown = np.array([[2, 0, 3, 1]])  # number 1 is the base's third
    places = reordered(shown, np.array([[3, 1, 0]]))  # the base's fourth, then its third
    assert places.tolist() == [[2, 3, 1, 0]]
    assert ranks(places, np.array([3])).tolist() == [1]
    assert ranks(places, np.array([0])).tolist() == [3]


def test_without_an_answer_the_base_order_stands():
    shown = np.array([[2, 0, 1], [1, 0, 2]])
    places = reordered(shown, np.array([[0, 0], [1, 0]]))
    assert places.tolist() == [[0, 1, 2], [1, 0, 2]]


def test_an_order_by_scores_leaves_ties_as_the_base_had_them():
    assert by_scores(np.array([[0.1, 0.7, 0.7, 0.1]])).tolist() == [[2, 0, 1, 3]]


def test_fusion_goes_from_the_bases_order_to_the_new_one():
    places = np.array([[3, 2, 1, 0]])
    assert fused(places, 0.0).tolist() == [[0, 1, 2, 3]]
    assert fused(places, 1.0).tolist() == places.tolist()
    # Both ends get 1/61 + 1/64, which is more than the middle's 1/62 + 1/63.
    assert fused(places, 0.5).tolist() == [[0, 2, 3, 1]]


@pytest.mark.parametrize(("right", "best"), [(3, 1.0), (0, 0.0)])
def test_validation_chooses_the_order_that_is_right(right, best):
    places = np.array([[3, 2, 1, 0]] * 5)
    targets = np.full(5, right)
    chosen = choose_weight(places, targets, np.ones(5))
    assert ranks(fused(places, chosen), targets).tolist() == [1] * 5
    assert chosen in WEIGHTS
    assert (chosen > 0.5) == (best > 0.5)


def test_a_request_counts_as_many_as_it_stands_for():
    places = np.array([[1, 0], [1, 0]])
    targets = np.array([0, 1])
    assert choose_weight(places, targets, np.array([9.0, 1.0])) == 0.0
    assert choose_weight(places, targets, np.array([1.0, 9.0])) > 0.5


def test_with_nothing_to_choose_on_the_base_order_stands():
    assert choose_weight(np.empty((0, 3), int), np.empty(0, int), np.empty(0)) == 0.0
