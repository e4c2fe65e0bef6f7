"""A document made of the tags agrees with them, which is said wherever agreement is."""

import polars as pl
import pytest

from recfeat_pipeline.catalog.circles import circles
from recfeat_pipeline.defs.evaluation.provenance import circles_of
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import FIELDS, ITEMS, TAGS

N = 40


def fields(label="Genres"):
    rows = [
        (i, "catalog", name, position, text)
        for i in range(N)
        for position, (name, text) in enumerate([(label, f"War, t{i}"), ("Overview", "Told.")])
    ]
    return pl.DataFrame(rows, schema=FIELDS, orient="row")


@pytest.fixture
def items():
    frame = pl.DataFrame({"item_id": range(N), "title": [f"Item {i}" for i in range(N)]})
    empty = [pl.lit(None, dtype).alias(n) for n, dtype in ITEMS.items() if n not in frame]
    return frame.with_columns(empty).with_columns(in_corpus=pl.lit(True)).select(*ITEMS)


@pytest.fixture
def tags():
    rows = [(i, tag, 1.0) for i in range(N) for tag in ("war ", f"T{i}")]
    return pl.DataFrame(rows, schema=TAGS, orient="row")


def test_a_field_of_the_tags_is_a_circle_where_it_is_read(items, tags):
    [said] = circles(tags, fields(), items)
    assert "'Genres' spells out 100%" in said
    assert list(circles(tags, fields(), items, ["Genres"])) == [said]
    assert not list(circles(tags, fields(), items, ["Overview"]))  # the version does not show it
    assert not list(circles(tags, fields("Votes"), items))  # never fed
    assert not list(circles(tags.clear(), fields(), items))
    assert not list(circles(None, fields(), items))


def test_the_report_is_told_of_what_the_promoted_version_read(tmp_path, items, tags):
    lake = Lake(tmp_path)
    for name, frame in (("items", items), ("fields", fields()), ("tags", tags)):
        lake.write(name, frame)
    [said] = circles_of(lake, load_version("genome132-v1").key, None)
    assert "'Genres'" in said
    assert not circles_of(lake, load_version("genome132-overview-only").key, None)
    assert not circles_of(lake, "imported@12345678", None)
