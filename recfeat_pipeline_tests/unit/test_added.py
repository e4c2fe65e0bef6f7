"""Items scored beside the catalogue, until the catalogue lists them."""

import polars as pl
import pytest

from recfeat_pipeline.added import add_item, drop_listed, new_item_id, with_added
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import CATALOG_ITEMS, DOCUMENTS, ITEMS

STRING, INTEGER = pl.String(), pl.Int64()


def items(*ids):
    rows = [{"item_id": i, "title": f"Film {i}", "genres": [], "in_corpus": True} for i in ids]
    return pl.DataFrame(rows, schema=ITEMS)


def document(item_id):
    row = {"item_id": item_id, "title": "New", "text": "x", "content_hash": "h", "n_chars": 1}
    return pl.DataFrame([{**row, "fields": []}], schema=DOCUMENTS)


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path)
    lake.open()
    lake.write("catalog_items", items(1, 2).select(list(CATALOG_ITEMS)))
    lake.write("items", items(1, 2))
    return lake


def add(lake, item_id=7, title="New"):
    return add_item(lake, pl.DataFrame({"item_id": [item_id], "title": [title]}), document(item_id))


def test_an_added_item_stands_outside_the_corpus(lake):
    shard = add(lake)
    added = lake.read("items").row(2, named=True)
    assert (added["item_id"], added["title"], added["in_corpus"]) == (7, "New", False)
    assert lake.read("documents", shard=shard)["item_id"].to_list() == [7]


def test_adding_it_again_replaces_it(lake):
    add(lake)
    add(lake, title="Newer")
    assert lake.read("items")["title"].to_list() == ["Film 1", "Film 2", "Newer"]
    assert lake.read("documents").height == 1


def test_reading_the_catalogue_again_keeps_it(lake):
    add(lake)
    assert with_added(lake, items(1, 2, 3))["item_id"].to_list() == [1, 2, 3, 7]


def test_the_catalogues_own_row_and_document_take_over(lake):
    shard = add(lake)
    assert with_added(lake, items(1, 7))["title"].to_list() == ["Film 1", "Film 7"]
    drop_listed(lake, shard, document(8))
    assert lake.read("documents").height == 1
    drop_listed(lake, shard, document(7))
    assert lake.read("documents").is_empty()


def test_an_item_may_come_before_any_catalogue(tmp_path):
    lake = Lake(tmp_path)
    add(lake)
    assert lake.read("items")["item_id"].to_list() == [7]
    text_ids = items(1).with_columns(pl.col("item_id").cast(pl.String))
    assert with_added(lake, text_ids).equals(text_ids)


def test_new_ids_are_stable_and_no_catalogues():
    assert new_item_id(INTEGER, 862, "") == 1_000_000_000_862
    assert new_item_id(STRING, 862, "") == "tmdb:862"
    assert new_item_id(STRING, None, "Solaris") == "title:Solaris"
    assert new_item_id(INTEGER, None, "Solaris") == new_item_id(INTEGER, None, "Solaris")
    assert new_item_id(INTEGER, None, "Solaris") > 2 * 10**12
