from dataclasses import replace

import polars as pl
import pytest

from recfeat_pipeline.catalog.read import read_catalog
from recfeat_pipeline.catalog.splits import SPLITS
from recfeat_pipeline.defs.catalog.stored import (
    load_catalog,
    refuse_other_content,
    refuse_other_split,
    save_catalog,
)
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake


@pytest.fixture(scope="module")
def catalog():
    return read_catalog(None, "global_time")


def test_a_catalogue_comes_back_with_its_rules(tmp_path, catalog):
    save_catalog(Lake(tmp_path), catalog)
    rules = load_catalog(Lake(tmp_path)).rules
    assert (rules.split, tuple(rules.split_shares)) == ("global_time", (0.8, 0.1, 0.1))


def test_a_lake_with_models_refuses_another_split(tmp_path, catalog):
    lake = Lake(tmp_path)
    refuse_other_split(lake, catalog)  # an empty lake takes any
    lake.write_note("corpus", {"split": "three_way", "split_shares": [0.8, 0.1, 0.1]})
    refuse_other_split(lake, catalog)  # and so does one without models
    lake.write_bytes("runs/arm=floor/seed=0/ranks.parquet", b"")
    with pytest.raises(
        RecfeatError, match=r"models of the split three_way, not global_time\. Give"
    ):
        refuse_other_split(lake, catalog)
    for name in SPLITS:
        lake.write_note("corpus", {"split": name})
        same = replace(catalog, rules=replace(catalog.rules, split=name))
        refuse_other_split(lake, same)


def test_other_shares_are_another_split(tmp_path, catalog):
    lake = Lake(tmp_path)
    lake.write_note("corpus", {"split": "global_time", "split_shares": [0.7, 0.2, 0.1]})
    lake.write_bytes("runs/arm=floor/seed=0/ranks.parquet", b"")
    with pytest.raises(RecfeatError, match=r"global_time \[0.7, 0.2, 0.1\], not global_time \[0.8"):
        refuse_other_split(lake, catalog)


def test_an_unknown_split_is_an_error():
    with pytest.raises(RecfeatError, match="There is no split 'random'; give --split"):
        read_catalog(None, "random")


def test_another_catalogue_of_the_same_name_is_refused(tmp_path, catalog):
    lake = Lake(tmp_path)
    refuse_other_content(lake, catalog)  # an empty lake takes any
    lake.open(catalog="embedded", name=catalog.name)
    save_catalog(lake, catalog)
    refuse_other_content(lake, catalog)
    grown = catalog.items.with_columns(item_id=pl.col("item_id") + catalog.items.height // 3)
    refuse_other_content(lake, replace(catalog, items=grown))
    refuse_other_content(lake, replace(catalog, items=catalog.items.head(10)))  # cut: see days.py
    others = catalog.items.with_columns(item_id=pl.col("item_id") + 10**6)
    for items in (others, catalog.items.with_columns(pl.col("item_id").cast(pl.String))):
        with pytest.raises(RecfeatError, match="only 0 are in embedded"):
            refuse_other_content(lake, replace(catalog, items=items))
