import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.defs.drive import Plan, arm_seed_pairs
from recfeat_pipeline.defs.training.inputs import Inputs
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.models.arms import load_arms, resolve_arms
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.made_of import run_hash
from recfeat_pipeline_tests.unit.models.worlds import make_items

ITEMS = make_items(3).with_columns(year=pl.Series([1990, 2000, 2010], dtype=pl.Int32))
NONE = Content(np.zeros((3, 0), np.float32), (), 0.0)


def made_from(
    arm: str,
    items: pl.DataFrame = ITEMS,
    tags: pl.DataFrame | None = None,
    content: Content = NONE,
) -> str:
    none = pl.DataFrame()
    data = Data(none, none, items, lambda: tags)
    inputs = Inputs(data, content, None, "test")
    return run_hash(load_arms()[arm], 0, 10, inputs.data, inputs.content, "corpus")


@pytest.mark.parametrize(("arm", "sees"), [("rich_floor", True), ("floor", False)])
def test_metadata_counts_for_the_arms_that_see_it(arm, sees):
    older = ITEMS.with_columns(year=pl.lit(1990, pl.Int32))
    tagged = pl.DataFrame({"item_id": [100], "tag": ["slow"], "n_applications": [2000]})
    assert (made_from(arm, older) != made_from(arm)) == sees
    assert (made_from(arm, tags=tagged) != made_from(arm)) == sees


def test_one_score_that_changes_is_another_run():
    scores = np.array([[0.1], [0.2], [0.3]], np.float32)
    changed = scores + np.array([[0], [0], [0.01]], np.float32)
    one, same, other = (Content(m, ("dark",), 1.0) for m in (scores, scores.copy(), changed))
    assert made_from("llm", content=one) == made_from("llm", content=same)
    assert made_from("llm", content=one) != made_from("llm", content=other)


def test_a_model_without_luck_is_fitted_once():
    version = load_version("genome132-v1")
    plan = Plan(version, resolve_arms("ease,ease_random,floor"), [3, 4])
    pairs = [(arm.id, seed) for arm, seed in arm_seed_pairs(plan)]
    assert pairs == [("ease", 3), ("ease_random", 3), ("floor", 3), ("ease_random", 4),
                     ("floor", 4)]  # fmt: skip
