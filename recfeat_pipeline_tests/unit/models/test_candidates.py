"""A base's best, where the target is among them, and what the user took before."""

import numpy as np
import pytest
import torch

from recfeat_pipeline.models.candidates import Candidates, likeness
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.scorer import Scores
from recfeat_pipeline_tests.unit.models.worlds import checkerboard, make_data

DATA = make_data(checkerboard(n_users=40))
TEST = DATA.held_out("test")
DESCENDING = Scores(lambda held, start, stop: torch.arange(20.0, 0, -1).repeat(stop - start, 1))


@pytest.fixture(scope="module")
def found():
    return Candidates.of(DESCENDING, TEST, 6, DATA.n_items)


def test_candidates_are_the_best_that_were_not_seen(found):
    for at, items in enumerate(found.lists[:20]):
        seen = set(TEST.known.histories(at, at + 1, 20).columns.tolist())
        assert items.tolist() == [item for item in range(20) if item not in seen][:6]


def test_a_target_in_the_list_has_its_place_as_rank_and_another_its_own(found):
    inside = found.places >= 0
    assert 0 < inside.sum() < len(inside)
    rows = np.flatnonzero(inside)
    assert (found.lists[rows, found.places[rows]] == TEST.targets[rows]).all()
    assert (found.ranks[inside] == found.places[inside] + 1).all()
    assert (found.ranks[~inside] > 6).all()
    assert (found.ranks == TEST.rank(DESCENDING)[0]).all()  # no ties here


def test_some_of_the_requests_are_the_same_requests(found):
    rows = np.array([3, 11])
    few = found.take(rows)
    assert few.held.targets.tolist() == TEST.targets[rows].tolist()
    assert few.lists.tolist() == found.lists[rows].tolist()


def test_histories_are_the_newest_events_newest_first(found):
    items, ratings = found.histories(3)
    long = int(TEST.examples["history_length"].arg_max())
    row = TEST.examples["event_row"][long]
    own = TEST.events["item_index"][row - 3 : row].to_list()
    assert items[long].tolist() == own[::-1]
    assert ratings[long].tolist() == [4.0] * 3
    assert max(map(len, items)) == 3


def test_candidates_are_scored_by_another_model(found):
    ascending = Scores(lambda held, start, stop: torch.arange(20.0).repeat(stop - start, 1))
    assert (found.scored_by(ascending) == found.lists).all()


def test_new_items_and_shares_are_counted_within_the_list(found):
    counts = np.where(np.arange(20) < 4, 3, 50)
    assert found.new(counts).tolist() == [(row < 4).sum() for row in found.lists]
    assert found.share(counts > 10) == pytest.approx([(row >= 4).mean() for row in found.lists])


def test_a_catalogue_seen_through_leaves_places_empty():
    liked = HeldOut.liked(list(range(17)), 20)
    found = Candidates.of(DESCENDING, liked, 6, 20)
    assert found.lists.tolist() == [[17, 18, 19, -1, -1, -1]]


def test_likeness_is_to_what_was_taken():
    matrix = np.array([[1, 0], [0, 1], [0.9, 0.1], [0.1, 0.9]], np.float32)
    alike = likeness(np.array([[2, 3], [2, 3]]), [np.array([0]), np.array([], int)], matrix)
    assert alike[0, 0] > 0.9 > 0 > alike[0, 1]
    assert alike[1].tolist() == [0, 0], "of whom nothing is known everything is alike"
