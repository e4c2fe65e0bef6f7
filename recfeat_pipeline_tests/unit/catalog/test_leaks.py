import polars as pl
import pytest

from recfeat_pipeline.catalog.leaks import leak_check
from recfeat_pipeline.schemas import EVENTS


def events(*rows) -> pl.DataFrame:
    """Rows of (user, item, time, split, position)."""
    return pl.DataFrame(
        [(u, i, None, t, s, p) for u, i, t, s, p in rows], schema=EVENTS, orient="row"
    )


def test_sound_events_have_no_violation():
    sound = events(
        (1, 0, None, "train", 0),
        (1, 1, 5, "train", 1),
        (1, 2, None, "valid", 2),
        (1, 3, 5, "test", 3),  # equal times are allowed
        (2, 0, 1, "test", 0),  # an earlier time of another user
    )
    assert leak_check(sound) == []


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([(1, 0, 5, "train", 0), (1, 1, 4, "test", 1)], "earlier in time"),
        (
            [(1, 0, 5, "train", 0), (1, 1, None, "valid", 1), (1, 2, 4, "test", 2)],
            "earlier in time",
        ),
        ([(1, 0, 5, "test", 0), (1, 1, 6, "train", 1)], "earlier split"),
        ([(1, 0, 5, "train", 0), (1, 0, 6, "test", 1)], "repeat an item"),
        ([(1, 0, 5, "train", 0), (1, 1, 6, "train", 2)], "not numbered"),
        ([(1, 0, 5, "train", 0), (2, 1, 6, "train", 1)], "not numbered"),
        ([(1, 0, 5, "train", 0), (2, 0, 5, "train", 0), (1, 1, 6, "train", 1)], "not numbered"),
    ],
)
def test_each_leak_is_found(rows, fault):
    violations = leak_check(events(*rows))
    assert any(fault in violation for violation in violations)
    assert "user" in violations[0]


@pytest.mark.parametrize(
    ("split", "rows", "fault"),
    [
        ("three_way", [(1, 0, 5, "train", 0), (1, 1, 6, "test", 1)], "events in another split"),
        ("published", [(1, 0, 5, "train", 0), (1, 1, 6, "valid", 1)], "events in another split"),
        ("global_time", [(1, 0, 5, "train", 0), (2, 1, 5, "test", 0)], "after every event"),
        ("global_time", [(1, 0, 5, "valid", 0), (2, 1, 4, "test", 0)], "after every event"),
        ("global_time", [(1, 0, 5, "train", 0), (2, 1, None, "valid", 0)], "after every event"),
        (
            "leave_one_out",
            [(1, 0, 5, "train", 0), (1, 1, 6, "test", 1), (1, 2, 7, "test", 2)],
            "not alone",
        ),
    ],
)
def test_each_broken_promise_of_a_split_is_found(split, rows, fault):
    [violation] = leak_check(events(*rows), split)
    assert fault in violation
    assert leak_check(events(*rows), "provided") == [], "the catalogue's own promises nothing"
