import polars as pl
import pytest

from recfeat_pipeline.models.arms import load_arms
from recfeat_pipeline.models.content import build_content
from recfeat_pipeline.models.metadata import build_metadata
from recfeat_pipeline.models.sizes import content_width, parameters, source_widths
from recfeat_pipeline.models.tower import count_parameters
from recfeat_pipeline.models.train import build_tower
from recfeat_pipeline.schemas import DIMENSIONS
from recfeat_pipeline_tests.unit.models.worlds import make_items

DIMENSIONS_FRAME = pl.DataFrame(
    [("t", "themes", "war", "", ["war"], 0), ("t", "tone", "dark", "", ["dark", "grim"], 1)],
    schema=DIMENSIONS,
    orient="row",
)
ITEMS = make_items(20).with_columns(genres=pl.lit(["Drama"]), year=pl.lit(1990, pl.Int32))
TAGS = pl.DataFrame(
    [(i, tag, 1.0) for tag, n in (("war", 20), ("dark", 12), ("rare", 4), ("odd", 9))
     for i in range(100, 100 + n)],
    schema={"item_id": pl.Int64, "tag": pl.String, "relevance": pl.Float32}, orient="row",
)  # fmt: skip
SCORES = ITEMS.select("item_id").join(DIMENSIONS_FRAME.select("dimension"), how="cross")
FRAMES = {
    "llm": SCORES.with_columns(score=pl.lit(0.5, pl.Float32)),
    "curated": TAGS,
    "profile": ITEMS.select("item_id", vector=pl.lit([0.6, 0.8, 0.0])),
}


@pytest.mark.parametrize("arm", [arm.id for arm in load_arms().values() if arm.is_trained])
def test_a_size_is_that_of_the_model_that_would_be_trained(arm):
    arm = load_arms()[arm]
    left_out = [group for group in arm.groups_left_out if group not in ("themes", "tone")]
    if left_out:
        return  # this small taxonomy has no such group
    content = build_content(arm, FRAMES, ITEMS, DIMENSIONS_FRAME)
    sources = source_widths(ITEMS, DIMENSIONS_FRAME, TAGS, 3)
    width = content_width(arm, sources, DIMENSIONS_FRAME)
    assert width == content.width
    expected = count_parameters(build_tower(arm, 0, ITEMS, content))
    assert parameters(arm, 20, width, build_metadata(ITEMS)) == expected


def test_published_sizes():
    arms = load_arms()
    widths = {"floor": 0, "curated": 1128, "llm": 132}
    sizes = [parameters(arms[arm], 9375, width) for arm, width in widths.items()]
    assert sizes == [383_840, 472_480, 408_736]


def test_what_is_not_known_or_not_trained_has_no_size():
    arms = load_arms()
    sources = source_widths(ITEMS, DIMENSIONS_FRAME, TAGS.clear(), 0)
    assert content_width(arms["curated"], sources, DIMENSIONS_FRAME) is None
    assert content_width(arms["profile"], sources, DIMENSIONS_FRAME) is None
    assert content_width(arms["llm"], sources, DIMENSIONS_FRAME) == 2
    assert parameters(arms["popularity"], 20, 0) is None
    assert parameters(arms["rich_llm"], 20, 2) is None
