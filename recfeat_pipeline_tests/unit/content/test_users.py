"""The user's side of a content slot."""

import duckdb
import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.content.slot import ContentUnavailable, Slot
from recfeat_pipeline.content.users import fill_users
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline_tests.unit.models.worlds import make_events, make_items

EVENTS = make_events(
    [(user, item, None, item, "train") for user in range(10) for item in (0, 1)]
    + [(user, 2, None, 9, "test") for user in range(10)]
)
ITEMS = make_items(3)
SLOT = Slot(users=("user_profile",))
ASKED = pl.Series(range(10))


def filled(histories: dict[int, list[str]], slot: Slot = SLOT, asked: pl.Series = ASKED, seed=0):
    """What is known where the store holds profiles made from these histories."""
    store = duckdb.connect()
    profiles = pl.DataFrame(  # noqa: F841 - the query below reads it
        [(user, "v@1", [2.0 * user + 2, 0.0], history, 1) for user, history in histories.items()],
        schema=["user_id", "version", "vector", "history", "generated_at"], orient="row",
    )  # fmt: skip
    store.execute("CREATE SCHEMA features")
    store.execute("CREATE TABLE features.user_profiles AS SELECT * FROM profiles")
    return fill_users(slot, store, EVENTS, ITEMS, asked, seed)


def test_a_profile_made_of_what_is_held_out_is_not_shown():
    histories = {user: ["101", "100"] for user in range(9)} | {9: ["102", "101"]}
    found = filled(histories)
    assert 9 not in found.ids.to_list(), "item 102 is user 9's test event"
    assert found.ids.to_list() == list(range(9))
    assert found.coverage == pytest.approx(0.9)


def test_somebody_unknown_has_nothing_and_rows_are_of_mean_length_one():
    found = filled({user: ["100"] for user in (1, 3, 5)}, asked=pl.Series([1, 3]))
    assert found.numbers(pl.Series([3, 2, None])).tolist() == [1, 3, 3]
    assert found.of(pl.Series([3, 2]))[1].tolist() == [0, 0]
    assert np.linalg.norm(found.matrix, axis=1).mean() == pytest.approx(1)
    assert found.numbers(pl.Series(["3", "x"])).tolist() == [1, 3], "ids typed otherwise"


def test_the_control_is_another_users_profile():
    histories = {user: ["100"] for user in range(10)}
    real = filled(histories).matrix
    other = filled(histories, Slot(users=("user_profile",), user_control="shuffled")).matrix
    assert sorted(other[:, 0]) == sorted(real[:, 0])
    assert (other[:, 0] != real[:, 0]).mean() > 0.5


def test_too_few_known_users_are_a_typed_refusal():
    with pytest.raises(ContentUnavailable, match=r"know 10% of the users.*recfeat profiles users"):
        filled({0: ["100"]})
    with pytest.raises(ContentUnavailable, match="there are none"):
        filled({0: ["102"]})
    with pytest.raises(RecfeatError, match="'profile' is a source of items"):
        filled({0: ["100"]}, Slot(users=("profile",)))
    assert filled({0: ["100"]}, Slot()) is None
