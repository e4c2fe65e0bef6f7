"""Another program's ranks, lists and vectors on our examples, by hand."""

import numpy as np
import polars as pl
import pytest
import torch

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.models.imported import (
    ToRank,
    from_lists,
    from_ranks,
    from_vectors,
    with_histories,
)
from recfeat_pipeline.models.ranks import rank_examples
from recfeat_pipeline.schemas import RANKS
from recfeat_pipeline_tests.unit.models.worlds import checkerboard, make_events, make_items

EVENTS = make_events(
    [
        (1, 0, 5.0, 10, "test"),
        (1, 3, 4.0, 11, "test"),  # example: history 0, target 3
        (1, 1, 4.0, None, "test"),  # example: history 0 3, target 1
        (2, 4, 3.0, 20, "train"),
        (2, 2, 3.0, 21, "train"),
    ]
)
EXAMPLES = build_examples(EVENTS)
ITEMS = make_items(6)  # ids 100 to 105


@pytest.fixture
def asked():
    return ToRank.of(EVENTS, EXAMPLES, ITEMS, "test")


def test_examples_are_exported_with_all_that_was_before_them(asked):
    frame = with_histories(EVENTS, EXAMPLES, asked.items)
    assert frame.rows(named=True)[1] == {
        "example_id": 1, "user_id": 1, "split": "test", "history": [100, 103],
        "history_ratings": [5.0, 4.0], "history_times": [10, 11], "target_item_id": 101,
        "time": None,
    }  # fmt: skip
    assert frame["history"].to_list() == [[100], [100, 103], [104]]


def test_ranks_are_taken_as_they_are(asked):
    frame = from_ranks(pl.DataFrame({"example_id": [1, 0], "rank": [4, 2]}), asked)
    assert frame.schema == pl.Schema(RANKS)
    assert frame.select("example_id", "target_item_id", "rank", "rank_with_seen").rows() == [
        (0, 103, 2, None), (1, 101, 4, None)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ids", "ranks", "sentence"),
    [
        ([0], [1], "1 of 2 examples have no rank, example 1 first"),
        ([0, 0, 1], [1, 2, 1], "Example 0 has several ranks"),
        ([0, 1], [1, 5], "Example 1 has rank 5; a rank is a whole number from 1 to 4"),
        ([0, 1], [0, 1], "Example 0 has rank 0"),
        ([0, 1], [1.5, 1], "Example 0 has rank 1.5"),
        ([0, 2], [1, 1], "Example 2 is none of the 2 that are ranked"),
        ([0, 1], ["first", "last"], "The column rank holds String, not numbers"),
    ],
)
def test_ranks_that_cannot_be_are_refused(asked, ids, ranks, sentence):
    with pytest.raises(RecfeatError, match=sentence):
        from_ranks(pl.DataFrame({"example_id": ids, "rank": ranks}), asked)


def test_lists_keep_our_masks_and_a_target_outside_has_the_mean_rank_of_the_rest(asked):
    lists = {0: [100, 105, 999, 105, 103], 1: [100, 104]}
    given = pl.DataFrame({"example_id": list(lists), "item_id": list(lists.values())})
    frame, said = from_lists(given.explode("item_id"), asked)
    # 0: 100 is seen, 999 unknown, 105 twice: the target is second. 1: candidates are 101, 102, 104
    # and 105; behind 104 three tie, and the middle of places 2 to 4 is 3.
    assert frame["rank"].to_list() == [2, 3]
    assert frame["rank_with_seen"].to_list() == [None, None]
    assert said == ["2 entries that name no item of the corpus, or one again."]


def test_scores_and_positions_win_over_the_order(asked):
    rows = {"example_id": [0, 0, 1, 1], "item_id": [105, 103, 101, 104]}
    scored, _ = from_lists(pl.DataFrame({**rows, "score": [1.0, 2.0, 7.0, 7.0]}), asked)
    placed, _ = from_lists(pl.DataFrame({**rows, "position": [2, 1, 1, 2]}), asked)
    assert scored["rank"].to_list() == [1, 2], "equal scores tie: places 1 and 2, rounded up"
    assert placed["rank"].to_list() == [1, 1]


def test_an_example_without_a_list_ties_everything(asked):
    frame, said = from_lists(pl.DataFrame({"example_id": [0], "item_id": [103]}), asked)
    assert frame["rank"].to_list() == [1, 3]  # the middle of four candidates, rounded up
    assert said == ["1 examples without a list: their target has the mean rank of all."]


def test_vectors_rank_as_those_of_our_own_models():
    events, items = checkerboard(), make_items(20)
    asked = ToRank.of(events, build_examples(events), items, "test")
    rng = np.random.default_rng(0)
    users = rng.normal(size=(asked.examples.height, 4)).astype(np.float32)
    vectors = rng.normal(size=(20, 4)).astype(np.float32)
    shuffled = rng.permutation(20)
    frame, said = from_vectors(
        asked.examples.select("example_id", vector=pl.Series(users, dtype=pl.List(pl.Float32))),
        pl.DataFrame(vectors[shuffled], schema=["a", "b", "c", "d"]).with_columns(
            item_id=pl.Series(100 + shuffled)
        ),
        asked,
    )
    rank, with_seen = rank_examples(
        torch.from_numpy(users), torch.from_numpy(vectors), asked.held.targets, asked.held.seen
    )
    assert frame["rank"].to_list() == rank.tolist()
    assert frame["rank_with_seen"].to_list() == with_seen.tolist()
    assert said == []


def test_missing_vectors_are_said_and_placed(asked):
    """Item 103 has no vector and is last of five candidates; nobody knows user 1's: all tie."""
    users = pl.DataFrame({"user_id": [1], "vector": [[1.0, 0.0]]})
    vectors = [[float(n), -1.0] for n in (0, 1, 2, 4, 5)]
    items = pl.DataFrame({"item_id": [100, 101, 102, 104, 105], "vector": vectors})
    frame, said = from_vectors(users, items, asked)
    assert frame["rank"].to_list() == [5, 4]
    assert said == ["1 items without a vector, behind all others."]
    strangers = users.with_columns(user_id=pl.Series([9]))
    with pytest.raises(RecfeatError, match="No user_id of the vectors is among the examples"):
        from_vectors(strangers, items, asked)
    with pytest.raises(RecfeatError, match="2 dimensions and the items' 1"):
        from_vectors(users, items.with_columns(pl.col("vector").list.head(1)), asked)


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"score": [1.0, float("nan")]}, "score holds a number that is missing or not finite"),
        ({"position": [1, None]}, "score holds a number that is missing or not finite"),
        ({"position": ["a", "b"]}, "position holds String, not numbers"),
    ],
)
def test_lists_whose_places_are_no_numbers_are_refused(asked, columns, sentence):
    with pytest.raises(RecfeatError, match=sentence):
        from_lists(pl.DataFrame({"example_id": [0, 0], "item_id": [100, 101], **columns}), asked)


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        ({"id": [100], "a": [1.0]}, "Vectors by item_id are looked for among the columns id, a"),
        ({"item_id": [100]}, "Beside item_id there is no column"),
        ({"item_id": [100], "name": ["Heat"]}, "The column name holds String, not numbers"),
        ({"item_id": [100], "vector": ["[1.0]"]}, "The vectors by item_id are String"),
        ({"item_id": [100], "vector": [[float("inf")]]}, "holds a number that is not finite"),
    ],
)
def test_vectors_that_cannot_be_read_are_refused(asked, items, sentence):
    users = pl.DataFrame({"example_id": [0, 1], "vector": [[1.0], [1.0]]})
    with pytest.raises(RecfeatError, match=sentence):
        from_vectors(users, pl.DataFrame(items), asked)
