"""What a family is told of the catalogue's order."""

import pytest

from recfeat_pipeline.defs.training.inputs import load_data
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.models.made_of import corpus_hash
from recfeat_pipeline_tests.unit.models.worlds import make_events, make_items


def loaded(tmp_path, corpus):
    lake = Lake(tmp_path)
    lake.open()
    events = make_events([(1, item, 3.0, None, "train") for item in range(3)])
    lake.write("events", events)
    lake.write("examples", build_examples(events))
    lake.write("items", make_items(3))
    lake.write_note("corpus", corpus)
    return load_data(lake)


@pytest.mark.parametrize(
    ("untimed", "unordered", "has_positions"),
    [(1.0, 0.0, True), (1.0, 1.0, False), (0.0, 0.0, False), (0.4, 0.1, True), (0.4, 0.4, False)],
)
def test_a_position_is_an_order_where_there_is_no_time(tmp_path, untimed, unordered, has_positions):
    told = {"untimed_share": untimed, "unordered_share": unordered}
    assert loaded(tmp_path, told).has_positions is has_positions


def test_models_that_learnt_from_a_drawn_order_are_stale(tmp_path):
    ordered = loaded(tmp_path / "a", {"untimed_share": 1.0, "unordered_share": 0.0})
    drawn = loaded(tmp_path / "b", {"untimed_share": 1.0, "unordered_share": 1.0})
    of_an_old_lake = loaded(tmp_path / "c", {})
    assert corpus_hash(ordered) != corpus_hash(drawn) == corpus_hash(of_an_old_lake)
