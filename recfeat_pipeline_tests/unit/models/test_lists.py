"""The lists that a model would show, for a sample of the examples."""

import polars as pl
import torch

from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.models.lists import sample_examples, top_lists
from recfeat_pipeline.models.scorer import Scores
from recfeat_pipeline.schemas import TOP_LISTS
from recfeat_pipeline_tests.unit.models.worlds import checkerboard, make_items

EVENTS = checkerboard()
DATA = Data(EVENTS, build_examples(EVENTS), make_items(20))


def by_id(held, start, stop):
    """The higher the id, the better."""
    return torch.arange(20, dtype=torch.float32).repeat(stop - start, 1)


def test_lists_hold_the_best_items_that_the_user_has_not_seen():
    frame = top_lists(Scores(by_id), DATA, "test")
    assert frame.schema == pl.Schema(TOP_LISTS)
    examples = DATA.examples.filter(pl.col("split") == "test")
    assert frame["example_id"].n_unique() == examples.height
    for example, row, length in examples.select(
        "example_id", "event_row", "history_length"
    ).iter_rows():
        seen = set(EVENTS["item_index"][row - length : row])
        expected = [100 + item for item in range(19, -1, -1) if item not in seen]
        own = frame.filter(pl.col("example_id") == example)
        assert own["item_id"].to_list() == expected
        assert own["position"].to_list() == list(range(1, len(expected) + 1))


def test_the_sample_is_spread_over_popularity_and_history_and_never_changes():
    tiers = pl.Series("tier", [f"Q{1 + i // 5}" for i in range(20)])
    items = make_items(20).with_columns(tiers)
    chosen = sample_examples(DATA.examples, items, 60)
    assert 50 <= chosen.height <= 60
    assert chosen["example_id"].is_unique().all()
    assert chosen.equals(sample_examples(DATA.examples.reverse(), items, 60))
    for tier in tiers.unique():
        whole, part = (
            (tiers.gather(frame["target_index"]) == tier).mean()
            for frame in (DATA.examples, chosen)
        )
        assert abs(whole - part) < 0.03
    assert sample_examples(DATA.examples, items, 10**6).height == DATA.examples.height
