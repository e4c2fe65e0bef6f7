import polars as pl
import pytest

from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.models.leaks import example_leaks
from recfeat_pipeline_tests.unit.models.worlds import checkerboard, make_events

EVENTS = make_events(
    [
        (1, 0, 3.0, 10, "train"),
        (1, 1, 3.0, 20, "train"),
        (1, 2, 3.0, 30, "test"),
        (2, 0, 3.0, 10, "train"),
        (2, 3, 3.0, 40, "train"),
    ]
)
EXAMPLES = build_examples(EVENTS)


def change(row: int, **values) -> pl.DataFrame:
    rows = EXAMPLES.rows(named=True)
    rows[row] |= values
    return pl.DataFrame(rows, schema=EXAMPLES.schema)


def test_what_is_built_does_not_leak():
    assert example_leaks(EVENTS, EXAMPLES) == []
    events = checkerboard()
    assert example_leaks(events, build_examples(events)) == []


@pytest.mark.parametrize(
    ("examples", "said"),
    [
        (change(0, target_index=3), "not the event they name"),
        (change(1, split="train"), "another split"),
        (change(2, history_length=2), "beyond the user's first event"),
        (pl.concat([EXAMPLES, EXAMPLES.head(1)]), "share their target"),
    ],
)
def test_a_wrong_example_is_named(examples, said):
    found = example_leaks(EVENTS, examples)
    assert any(said in sentence for sentence in found), found


def test_a_history_of_the_future_is_named():
    later = EVENTS.with_columns(split=pl.Series(["test", "train", "train", "train", "train"]))
    assert any("later split" in s for s in example_leaks(later, build_examples(later)))
    late = EVENTS.with_columns(timestamp=pl.Series([99, 20, 30, 10, 40]))
    assert any("later than their target" in s for s in example_leaks(late, build_examples(late)))
