import polars as pl

from recfeat_pipeline.models import examples
from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.schemas import EXAMPLES
from recfeat_pipeline_tests.unit.models.worlds import make_events


def history(user: int, length: int, split: str = "train") -> list[tuple]:
    return [(user, item, 3.0, 100 + item, split) for item in range(length)]


def test_every_later_event_is_a_target_when_few():
    built = build_examples(make_events(history(7, 4)))
    assert built.schema == pl.Schema(EXAMPLES)
    assert built["event_row"].to_list() == [1, 2, 3], "the first event has no history"
    assert built["history_length"].to_list() == [1, 2, 3]
    assert built["target_index"].to_list() == [1, 2, 3]
    assert built["example_id"].to_list() == [0, 1, 2]


def test_at_most_per_user_distinct_targets_in_each_split():
    rows = history(1, 30) + history(2, 40)
    rows = [(u, i, r, t, "valid" if i >= 25 else s) for u, i, r, t, s in rows]
    built = build_examples(make_events(rows), per_user=5)
    counts = built.group_by("user_id", "split").len().sort("user_id", "split")
    assert counts.rows() == [(1, "train", 5), (1, "valid", 5), (2, "train", 5), (2, "valid", 5)]
    assert built["event_row"].is_unique().all()


def test_a_test_target_may_look_back_on_training_events():
    events = make_events([(1, 0, 3.0, 1, "train"), (1, 1, 3.0, 2, "test")])
    assert build_examples(events).select("split", "history_length").rows() == [("test", 1)]


def test_the_same_seed_gives_the_same_draw_and_another_seed_another():
    events = make_events(history(1, 200))
    assert build_examples(events, seed=3).equals(build_examples(events, seed=3))
    assert not build_examples(events, seed=3).equals(build_examples(events, seed=4))


def test_every_position_is_equally_likely():
    events = make_events([row for user in range(2000) for row in history(user, 5)])
    drawn = (
        build_examples(events, per_user=1)["history_length"].value_counts().sort("history_length")
    )
    assert drawn["history_length"].to_list() == [1, 2, 3, 4]
    assert drawn["count"].is_between(420, 580).all(), "2,000 draws over four positions: 500 each"


def test_events_without_a_split_and_single_events_give_no_example():
    events = make_events([(1, 0, 3.0, 1, None), (1, 1, 3.0, 2, None), (2, 0, 3.0, 1, "train")])
    assert build_examples(events).is_empty()
    assert build_examples(events.clear()).is_empty()


def test_the_draw_does_not_depend_on_how_it_is_cut(monkeypatch):
    events = make_events([row for user in range(30) for row in history(user, 1 + user % 7)])
    whole = build_examples(events, per_user=2)
    for chunk in (1, 5, 40):
        monkeypatch.setattr(examples, "CHUNK", chunk)
        assert build_examples(events, per_user=2).equals(whole)
