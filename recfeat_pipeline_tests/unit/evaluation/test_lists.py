"""Coverage, Gini, novelty and similarity of lists, by hand."""

import math

import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.evaluation.list_metrics import measure_lists
from recfeat_pipeline.evaluation.lists import (
    PAD,
    Lists,
    Taken,
    coverage,
    gini,
    novelty,
    similarity,
)
from recfeat_pipeline.evaluation.metrics import list_metrics
from recfeat_pipeline.schemas import EVENTS, LIST_METRICS

EVENTS_OF = {"a": [0, 1, 1], "b": [0, 1], "c": [0], "d": [0, 2]}  # four users; item 3 is untaken


def taken(n_items: int = 5) -> Taken:
    rows = [(u, i, None, None, "train", 0) for u, items in EVENTS_OF.items() for i in items]
    rows.append(("a", 3, None, None, "test", 3))
    return Taken.of(
        pl.DataFrame(rows, schema={**EVENTS, "user_id": pl.String}, orient="row"), n_items
    )


def lists(*rows: list[int]) -> Lists:
    return Lists(np.array(rows), 5, taken())


def test_coverage_is_the_share_of_the_catalogue():
    assert coverage(lists([0, 1], [0, 2])) == 3 / 5
    assert coverage(lists([0, PAD], [0, PAD])) == 1 / 5


def test_gini_of_even_and_of_single_exposure():
    assert gini(lists([0, 1], [2, 3], [4, PAD])) == pytest.approx(0)
    assert gini(lists([0], [0], [0])) == pytest.approx(4 / 5)  # (n - 1) / n
    # Exposures 0 0 0 1 3: (2*4 - 6) * 1 + (2*5 - 6) * 3 over 5 * 4.
    assert gini(lists([0, 1], [0, PAD], [0, PAD])) == pytest.approx(14 / 20)


def test_novelty_is_in_bits_and_an_untaken_item_counts_as_taken_once():
    # Shares 4/4, 2/4, and 1/4 for item 3, of which only a test event is known.
    assert novelty(lists([0, 1, 3])) == pytest.approx((0 + 1 + 2) / 3)
    assert novelty(lists([1, PAD, PAD], [1, 3, PAD])) == pytest.approx((1 + 1 + 2) / 3)


def test_similarity_is_the_mean_over_lists_of_the_mean_pair():
    one = 2 / math.sqrt(4 * 2)  # items 0 and 1 share two users
    two = 1 / math.sqrt(4 * 1)  # items 0 and 2 share one
    assert similarity(lists([0, 1])) == pytest.approx(one)
    assert similarity(lists([0, 1, 2])) == pytest.approx((one + two + 0) / 3)
    assert similarity(lists([0, 1, PAD], [0, 2, PAD], [4, PAD, PAD])) == pytest.approx(
        (one + two) / 2
    )
    assert similarity(lists([3, 4])) == 0


def test_every_run_has_every_metric_at_every_cut_off():
    items = pl.DataFrame({"item_id": [10, 11, 12, 13, 14, 99], "in_corpus": [True] * 5 + [False]})
    items = items.with_columns(item_index=pl.Series([0, 1, 2, 3, 4, None], dtype=pl.Int32))
    rows = [("llm", "0", 7, 1, 10), ("llm", "0", 7, 2, 11), ("llm", "0", 9, 1, 12),
            ("floor", "1", 7, 1, 10)]  # fmt: skip
    top = pl.DataFrame(
        rows, schema=["arm", "seed", "example_id", "position", "item_id"], orient="row"
    )
    events = pl.DataFrame(
        [(u, i, None, None, "train", 0) for u, own in enumerate(EVENTS_OF.values()) for i in own],
        schema=EVENTS, orient="row",
    )  # fmt: skip
    frame = measure_lists(top, events, items)
    assert frame.schema == pl.Schema(LIST_METRICS)
    values = {row[:4]: row[4:] for row in frame.iter_rows()}
    assert len(values) == 2 * sum(len(m.cutoffs) for m in list_metrics().values())
    assert values["llm", "0", "coverage", 10] == (pytest.approx(3 / 5), 2)
    assert values["floor", "1", "coverage", 10] == (pytest.approx(1 / 5), 1)
    assert values["llm", "0", "novelty", 10] == (pytest.approx((0 + 1 + 2) / 3), 2)
