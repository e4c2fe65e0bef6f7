from types import SimpleNamespace

import polars as pl
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import FIELDS
from recfeat_pipeline.text.collect import collect, scrape_new_item, with_creators, with_ids

ITEMS = pl.DataFrame({"item_id": ["a", "b"], "title": ["A", "B"], "year": [1995, None]})


def test_directors_come_from_the_catalogues_own_text():
    fields = pl.DataFrame(
        [
            ("a", "catalog", "Director", 0, "Ann One, Bob Two"),
            ("a", "catalog", "Plot", 1, "x, y"),
        ],
        schema={**FIELDS, "item_id": pl.String},
        orient="row",
    )
    assert with_creators(ITEMS, fields)["creators"].to_list() == [["Ann One", "Bob Two"], None]


def test_an_author_by_which_an_item_is_found_made_it_where_the_text_names_nobody():
    items = pl.DataFrame({"item_id": [1, 2, 3], "creators": [["Said"], None, None]})
    ids = pl.DataFrame({"item_id": [1, 2], "name": ["author"] * 2, "id": ["A", "B"]})
    assert with_ids(items, ids).sort("item_id")["creators"].to_list() == [["Said"], ["B"], None]


def test_without_sources_there_are_typed_and_empty_fields(tmp_path):
    collected = collect(ITEMS, [], Lake(tmp_path))
    assert collected.fields.is_empty()
    assert collected.fields.schema["item_id"] == pl.String


def test_a_tmdb_id_without_a_key_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(RecfeatError, match="set TMDB_API_KEY"):
        scrape_new_item(1, 862, [], Lake(tmp_path))


class Tmdb:
    """Knows one film."""

    name = "tmdb"

    def store(self, lake):
        return None

    def scrape(self, items, store, progress=None):
        return SimpleNamespace(stopped=None, reasons={})

    def raw(self, items, store):
        return items

    def evidence(self, raw):
        known = {"title": "Solaris", "years": [2002, 1972], "creators": ["A. T."], "imdb_id": "1"}
        return pl.DataFrame([known])

    def fields(self, raw):
        return pl.DataFrame(schema={**FIELDS, "item_id": pl.Int64})


def test_what_tmdb_knows_of_a_new_item_is_lent_to_the_other_sources(tmp_path):
    item, _, _ = scrape_new_item(7, 593, [Tmdb()], Lake(tmp_path))
    assert item.rows(named=True) == [
        {"item_id": 7, "title": "Solaris", "year": 1972, "imdb_id": "1", "tmdb_id": 593,
         "creators": ["A. T."]},
    ]  # fmt: skip
