import polars as pl
import pytest

from recfeat_pipeline.commands.arm_sizes import measure
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import load_arms, resolve_arms
from recfeat_pipeline.schemas import EVENTS, EXAMPLES
from recfeat_pipeline.store import open_store
from recfeat_pipeline_tests.unit.content.stores import SCORES, TAXONOMY, VERSION, make_store
from recfeat_pipeline_tests.unit.models.worlds import make_items


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path)


def test_without_a_lake_the_sizes_are_the_published_ones(lake):
    where, sizes = measure(lake, load_arms().values())
    assert where.startswith("the published corpus of 9,375 items")
    known = {name: sizes[name].n_parameters for name in ("floor", "curated", "llm")}
    assert known == {"floor": 383_840, "curated": 472_480, "llm": 408_736}
    assert sizes["curated"].content_width == 1_128
    assert sizes["random"] == sizes["llm"]
    assert sizes["curated_pca"].content_width == sizes["llm"].content_width == 132
    assert sizes["llm_without_tone"].content_width < 132
    assert sizes["popularity"].n_parameters is None, "it is counted"
    assert sizes["rich_llm"].n_parameters is None, "its genres and years are not known"


def test_sizes_are_those_of_the_lakes_corpus(lake, tmp_path):
    items = make_items(20).with_columns(genres=pl.lit(["Drama"]), year=pl.lit(1990, pl.Int32))
    lake.open(name="mine")
    lake.remember(promoted=VERSION)
    for name, frame in (
        ("items", items),
        ("events", pl.DataFrame(schema=EVENTS)),
        ("examples", pl.DataFrame(schema=EXAMPLES)),
    ):
        lake.write(name, frame)
    lake.write_note("catalog", {"source": "embedded"})
    lake.write("dimensions", TAXONOMY, version=VERSION)
    scores = pl.DataFrame([(100, "tense", 0.5)], schema=SCORES, orient="row")
    store = make_store(20, scores=scores, items=items)
    with open_store(lake, read_only=False):
        pass
    store.execute(f"ATTACH '{lake.feature_store}' AS file")
    store.execute("COPY FROM DATABASE memory TO file")
    store.close()
    where, sizes = measure(lake, resolve_arms("floor,llm,genres,rich_llm,curated,profile"))
    assert where == "the 20 items of mine"
    widths = {name: size.content_width for name, size in sizes.items()}
    assert widths == {
        "floor": None, "llm": 3, "genres": 1, "rich_llm": 3, "curated": None, "profile": None
    }  # fmt: skip
    assert sizes["floor"].n_parameters < sizes["genres"].n_parameters < sizes["llm"].n_parameters
    assert sizes["rich_llm"].n_parameters > sizes["llm"].n_parameters
    assert sizes["curated"].n_parameters is None, "there are no tags"


def test_a_store_that_cannot_be_read_now_is_said(lake):
    with open_store(lake, read_only=False) as store:
        store.execute("UPDATE store_format SET format = 1")
    lake.write("events", pl.DataFrame(schema=EVENTS))
    where, sizes = measure(lake, resolve_arms("floor"))
    assert "this lake's feature store cannot be read now" in where
    assert sizes["floor"].n_parameters == 383_840
