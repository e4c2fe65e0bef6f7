"""What is scored is not what is evaluated."""

import polars as pl
import pytest

from recfeat_pipeline.catalog.scoring import scored_items
from recfeat_pipeline.catalog.types import CorpusRules
from recfeat_pipeline.schemas import FIELDS, INTERACTIONS

ITEMS = pl.DataFrame(
    {
        "item_id": range(8),
        "year": [1990, 1995, 1995, 1996, 1980, None, None, None],
        "in_corpus": [True, True] + [False] * 6,
    }
)
MUTE = 3  # an item with its title alone
FIELD_ROWS = [
    (i, "catalog", label, place, text)
    for i in range(8)
    for place, (label, text) in enumerate((("Title", "x"), ("Plot", "told"), ("Votes", "9")))
    if i != MUTE or label != "Plot"
]
TIMES = {0: 10, 1: 20, 2: 30, 4: 95, 5: 100, 6: 20}  # item 7 was never met
EVENTS = [(u, item, None, time, None, None) for u in range(3) for item, time in TIMES.items()]


@pytest.mark.parametrize(
    ("rule", "scored"),
    [
        ("corpus", [0, 1]),
        ("all", [0, 1, 2, 4, 5, 6, 7]),
        # 2 is of the corpus' latest year, 5 was first met in the last tenth, 7 never; 4 is old.
        ("corpus_and_newer", [0, 1, 2, 5, 7]),
    ],
)
def test_who_gets_features(rule, scored):
    fields = pl.DataFrame(FIELD_ROWS, schema=FIELDS, orient="row")
    interactions = pl.DataFrame(EVENTS, schema=INTERACTIONS, orient="row")
    found = scored_items(ITEMS, fields, interactions, CorpusRules(scored=rule))
    assert found["item_id"].to_list() == scored


def test_without_any_time_what_nobody_met_is_new():
    fields = pl.DataFrame(FIELD_ROWS, schema=FIELDS, orient="row")
    untimed = [(u, item, r, None, p, s) for u, item, r, _, p, s in EVENTS]
    interactions = pl.DataFrame(untimed, schema=INTERACTIONS, orient="row")
    found = scored_items(ITEMS, fields, interactions, CorpusRules())
    assert found["item_id"].to_list() == [0, 1, 2, 7]
