"""The worked examples of docs/arms.md are files that work where a user would put them."""

import re
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.content.fill import fill
from recfeat_pipeline.content.slot import Slot
from recfeat_pipeline.evaluation.metrics import headline, measure
from recfeat_pipeline.models.arms import resolve_arms
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.registry import use_folder
from recfeat_pipeline_tests.unit.content.stores import TAXONOMY, make_store
from recfeat_pipeline_tests.unit.models.worlds import (
    NO_CONTENT,
    checkerboard,
    make_data,
    make_items,
)

PAGE = Path(__file__).parents[3] / "docs" / "arms.md"
FAMILY, SOURCE, METRIC = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@pytest.fixture(autouse=True)
def _own(tmp_path, _no_settings_from_outside):
    use_folder(str(tmp_path))
    for name, text in (
        ("families/together.py", FAMILY),
        ("content/age.py", SOURCE),
        ("metrics/rbp.py", METRIC),
    ):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    (tmp_path / "mine.toml").write_text(
        'title = "Mine"\nrole = "baseline"\nsection = "baseline"\n'
        '[model]\nfamily = "together"\n[train]\npower = 0.5\n'
    )


def test_the_family():
    [arm] = resolve_arms("mine")
    assert arm.settings.power == 0.5
    assert arm.family.space() == {"power": (0.5, 1.0)}
    data = make_data(checkerboard(n_users=150))
    scorer = arm.family.fit(data, NO_CONTENT, Recipe(arm.settings))
    test = data.held_out("test")
    rank, _ = test.rank(scorer)
    lengths = test.examples["history_length"].to_numpy()
    assert (rank <= 10 - lengths).mean() > 0.9, "users of even items go on with even items"


def test_the_content_source():
    items = make_items(2).with_columns(year=pl.Series([2006, None], dtype=pl.Int32))
    store = make_store(2, items=items)
    content = fill(Slot(sources=("age",)), store, items, TAXONOMY, None)
    assert content.names == ("age:age",)
    np.testing.assert_allclose(content.matrix, [[0.2], [0]], rtol=1e-6)


def test_the_metric():
    found = measure("rbp", 10)
    ranks = np.array([1, 2, 11])
    np.testing.assert_allclose(found.values(ranks), [0.2, 0.16, 0])
    in_sql = duckdb.sql(f"SELECT {found.sql('rank')} FROM (SELECT unnest([1, 2, 11]) AS rank)")
    np.testing.assert_allclose([value for (value,) in in_sql.fetchall()], [0.2, 0.16, 0])
    assert found in headline()
