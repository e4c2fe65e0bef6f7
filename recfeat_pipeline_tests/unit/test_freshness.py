"""A product is fresh while what it was made of has not changed, whatever the clock says."""

import os

import duckdb
import polars as pl
import pytest

from recfeat_pipeline import schemas, sql_models
from recfeat_pipeline.freshness import files_hash, is_fresh, stamp, tables_hash
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import store_made_of


def tags(*relevances):
    rows = [(number, "war", value) for number, value in enumerate(relevances)]
    return pl.DataFrame(rows, schema=schemas.TAGS, orient="row")


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


def test_the_same_content_is_not_written_again_and_other_content_is(lake, tmp_path):
    lake.write("tags", tags(0.5))
    lake.write_note("corpus", {"a": 1})
    paths = [tmp_path / "lake/catalog/tags.parquet", tmp_path / "lake/catalog/corpus.json"]
    for path in paths:
        os.utime(path, (0, 0))
    lake.write("tags", tags(0.5))
    lake.write_note("corpus", {"a": 1})
    assert [path.stat().st_mtime for path in paths] == [0, 0]
    lake.write("tags", tags(0.25))
    lake.write_note("corpus", {"a": 2})
    assert all(path.stat().st_mtime for path in paths)


def test_a_damaged_file_is_replaced_by_the_same_content(lake, tmp_path):
    lake.write("tags", tags(0.5))
    path = tmp_path / "lake/catalog/tags.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:50] + b"x" + whole[51:])
    lake.write("tags", tags(0.5))
    assert path.read_bytes() == whole


def test_tables_are_known_by_their_content(lake):
    lake.write("tags", tags(0.5))
    before = tables_hash(lake, "tags", "events")
    lake.write("tags", tags(0.25))
    assert tables_hash(lake, "tags", "events") != before
    lake.write("tags", tags(0.5))
    assert tables_hash(lake, "tags", "events") == before


def test_files_are_known_by_their_content(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("a")
    before = files_hash([path])
    os.utime(path, (0, 0))
    assert files_hash([path]) == before
    path.write_text("b")
    assert files_hash([path]) != before
    path.unlink()
    assert files_hash([path]) != before


def test_a_product_is_fresh_while_it_would_be_made_of_the_same(lake):
    assert not is_fresh(lake, "report", "a")
    stamp(lake, "report", "a")
    assert is_fresh(lake, "report", "a")
    assert not is_fresh(lake, "report", "b")


@pytest.fixture
def models(tmp_path, monkeypatch):
    for name, sql in {
        "a/t": "SELECT * FROM {{ source('lake', 'tags') }}",
        "a/u": "SELECT count(*) AS n FROM {{ ref('a.t') }}",
        "a/v": "SELECT 1 AS one",
    }.items():
        path = tmp_path / f"sql/{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sql)
    found = sql_models.read_models(tmp_path / "sql")
    monkeypatch.setattr(sql_models, "load_models", lambda: found)
    return found


def test_a_store_table_is_built_again_when_what_it_is_made_of_changes(lake, models, monkeypatch):
    built = []
    compile_sql = sql_models.compile_sql

    def counting(model, lake):
        built.append(model.key)
        return compile_sql(model, lake)

    monkeypatch.setattr(sql_models, "compile_sql", counting)

    def build():
        built.clear()
        for model in models.values():
            sql_models.build(store, model, lake)
        return sorted(built)

    lake.write("tags", tags(0.5))
    with duckdb.connect() as store:
        assert sql_models.stale_models(store, lake) != []
        assert build() == ["a.t", "a.u", "a.v"]
        assert sql_models.stale_models(store, lake) == []
        assert build() == []
        before = store_made_of(store)
        lake.write("tags", tags(0.5, 0.25))
        assert sorted(sql_models.stale_models(store, lake)) == ["a.t", "a.u"]
        assert build() == ["a.t", "a.u"]
        assert store.sql("SELECT n FROM a.u").fetchall() == [(2,)]
        assert store_made_of(store) != before
        store.execute("DROP TABLE a.v")
        assert build() == ["a.v"]
