"""A flipped bit is found wherever it is, in every kind of file that the lake keeps."""

import os
import random
from datetime import UTC, datetime

import duckdb
import polars as pl
import pytest

from recfeat_pipeline import schemas, text_schemas
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.sql_models import build, load_models

TAGS = pl.DataFrame(
    {"item_id": [1, 2], "tag": ["war", "peace"], "relevance": [0.1, 0.2]}, schema=schemas.TAGS
)
CHANGES = pl.DataFrame(
    {"url": ["a", "b"], "noted_at": [datetime(2026, 1, 1, tzinfo=UTC)] * 2},
    schema=text_schemas.CHANGES,
)

KINDS = {
    "table": (lambda lake: lake.write("tags", TAGS), lambda lake: lake.read("tags")),
    "segment": (
        lambda lake: lake.append("changes", CHANGES, source="tmdb"),
        lambda lake: lake.read("changes"),
    ),
    "some columns": (
        lambda lake: lake.write("tags", TAGS),
        lambda lake: list(lake.each("tags", ["tag"])),
    ),
    "note": (
        lambda lake: lake.write_note("corpus", {"split": "three_way", "n": [1, 2], "x": None}),
        lambda lake: lake.read_note("corpus"),
    ),
}


@pytest.fixture(params=["local", "memory"])
def lake(request, tmp_path):
    if request.param == "local":
        return Lake(tmp_path / "lake")
    return Lake(f"memory://integrity-{tmp_path.name}-{os.getpid()}")


def only_file(lake):
    [path] = (p for p in lake.glob("**") if p.endswith((".parquet", ".json")))
    return path


def flipped(data, bit):
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("kind", KINDS)
def test_every_flipped_bit_is_found(tmp_path, kind):
    """Each bit of the last bytes, where the seal is, and a sample of the others."""
    write, read = KINDS[kind]
    lake = Lake(tmp_path)
    write(lake)
    path = only_file(lake)
    whole = lake.read_bytes(path)
    n_bits = 8 * len(whole)
    bits = {*range(max(0, n_bits - 8 * 250), n_bits), *random.Random(0).sample(range(n_bits), 300)}
    for bit in bits:
        (tmp_path / path).write_bytes(flipped(whole, bit))
        with pytest.raises(RecfeatError, match="is damaged: its"):
            read(lake)
    (tmp_path / path).write_bytes(whole)
    read(lake)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_found_on_an_object_store_too_and_after_a_first_reading(lake, kind):
    write, read = KINDS[kind]
    write(lake)
    read(lake)
    path = only_file(lake)
    lake.write_bytes(path, flipped(lake.read_bytes(path), 100))
    with pytest.raises(RecfeatError, match="is damaged: its content is not what was written"):
        read(lake)


def test_the_feature_store_is_not_built_from_a_damaged_file(tmp_path):
    lake = Lake(tmp_path)
    lake.write("tags", TAGS)
    path = tmp_path / lake.table_paths("tags")[0]
    model = load_models()["staging.tags"]
    with duckdb.connect() as connection:
        assert build(connection, model, lake) == 2
    with duckdb.connect() as connection:
        path.write_bytes(flipped(path.read_bytes(), 8 * 20))
        with pytest.raises(RecfeatError, match=r"catalog/tags\.parquet is damaged.*rebuild it"):
            build(connection, model, lake)


def test_sealed_files_are_ordinary_parquet(tmp_path):
    lake = Lake(tmp_path)
    lake.write("tags", TAGS)
    path = tmp_path / lake.table_paths("tags")[0]
    assert pl.read_parquet(path).equals(TAGS)
    assert duckdb.sql(f"SELECT sum(item_id) FROM '{path}'").fetchall() == [(3,)]


def test_files_of_older_releases_carry_no_seal_and_are_read(tmp_path):
    lake = Lake(tmp_path)
    (tmp_path / "catalog").mkdir()
    TAGS.write_parquet(tmp_path / "catalog/tags.parquet")
    (tmp_path / "catalog/corpus.json").write_text('{"split": "three_way"}')
    assert lake.read("tags").equals(TAGS)
    assert lake.read_note("corpus") == {"split": "three_way"}


def test_a_note_that_was_edited_says_how_to_keep_the_edit(tmp_path):
    lake = Lake(tmp_path)
    lake.open(name="films", catalog="a.toml")
    path = tmp_path / "lake.json"
    path.write_text(path.read_text().replace("a.toml", "b.toml"))
    with pytest.raises(RecfeatError, match=r"lake\.json is damaged.*leave out .*recfeat\.seal"):
        lake.open()


@pytest.mark.parametrize("kind", ["table", "segment", "note"])
def test_a_content_hash_is_the_files_own(lake, kind):
    KINDS[kind][0](lake)
    path = only_file(lake)
    found = lake.content_hash(path)
    lake.write_bytes(path, lake.read_bytes(path))
    assert lake.content_hash(path) == found
    lake.write("tags", TAGS.head(1))
    assert lake.content_hash(lake.table_paths("tags")[0]) != found
