"""A flipped bit is found wherever it is, in every kind of file that the lake keeps."""

import os
import random
import re
from datetime import UTC, datetime

import duckdb
import polars as pl
import pytest
import torch

from recfeat_pipeline import schemas, text_schemas
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.layout import LAKE, NOTES
from recfeat_pipeline.models import checkpoints
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


def row_of(name: str) -> pl.DataFrame:
    """A row of a table, with a value where the schema says which type."""
    values = {pl.Int64: 1, pl.Int32: 1, pl.Float64: 0.5, pl.Float32: 0.5, pl.String: "a"}
    schema = LAKE[name].schema
    row = {column: [values.get(dtype)] for column, dtype in schema.items()}
    return pl.DataFrame(row, schema=schema)


def some_bits(data: bytes, n: int) -> list[int]:
    """Of the whole file, and the last one."""
    return [*random.Random(0).sample(range(8 * len(data)), n), 8 * len(data) - 1]


@pytest.mark.parametrize("name", LAKE)
def test_every_table_of_the_lake_is_checked(tmp_path, name):
    lake, keys = Lake(tmp_path), {}
    for key in LAKE[name].keys:
        keys |= {key: "00" if key == "shard" else "a"} if key != "segment" else {}
    (lake.append if LAKE[name].appends else lake.write)(name, row_of(name), **keys)
    path = only_file(lake)
    whole = lake.read_bytes(path)
    assert lake.read(name).height == 1
    for bit in some_bits(whole, 20):
        (tmp_path / path).write_bytes(flipped(whole, bit))
        with pytest.raises(RecfeatError, match="is damaged: its"):
            lake.read(name)


@pytest.mark.parametrize("name", NOTES)
def test_every_note_of_the_lake_is_checked(tmp_path, name):
    lake, keys = Lake(tmp_path), dict.fromkeys(keys_in(NOTES[name]), "0")
    lake.write_note(name, {"n": [1, 2], "x": None}, **keys)
    path = only_file(lake)
    whole = lake.read_bytes(path)
    assert lake.read_note(name, **keys) == {"n": [1, 2], "x": None}
    for bit in some_bits(whole, 20):
        (tmp_path / path).write_bytes(flipped(whole, bit))
        with pytest.raises(RecfeatError, match="is damaged: its"):
            lake.read_note(name, **keys)


def keys_in(template: str) -> list[str]:
    return re.findall(r"{(\w+)}", template)


CHECKPOINTS = {
    "weights": (
        lambda path: checkpoints.save(path, {"step": 3, "tower": {"w": torch.ones(4)}}),
        checkpoints.load,
    ),
    "what stands beside them": (
        lambda path: checkpoints.save_json(path, {"context": 9}),
        checkpoints.load_json,
    ),
}


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_every_flipped_bit_of_a_checkpoint_is_found(tmp_path, kind):
    save, load = CHECKPOINTS[kind]
    path = tmp_path / "file"
    save(path)
    whole, held = path.read_bytes(), load(path)
    assert held.keys() <= {"step", "tower", "context"}
    first = range(8 * 100) if kind == "weights" else ()  # where the hash is
    for bit in {*first, *some_bits(whole, 300)}:
        path.write_bytes(flipped(whole, bit))
        with pytest.raises(RecfeatError, match="is damaged: its content is not what was written"):
            load(path)


def test_a_checkpoint_of_an_older_release_has_no_hash_and_is_read(tmp_path):
    torch.save({"step": 3}, tmp_path / "best.pt")
    assert checkpoints.load(tmp_path / "best.pt") == {"step": 3}
    assert not checkpoints.is_damaged(tmp_path / "best.pt")


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
