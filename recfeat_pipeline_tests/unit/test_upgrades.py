"""Lakes and stores of other releases: older ones are upgraded, newer ones refused politely."""

import json

import pytest

from recfeat_pipeline import lake as layout
from recfeat_pipeline import migrations, store
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import open_store
from recfeat_pipeline.taxonomy import load_taxonomy


def put(lake, path, value):
    """A file as an older release wrote it."""
    lake.write_bytes(path, json.dumps(value).encode())


@pytest.fixture
def lake(tmp_path):
    """A lake of format 1, with one file in it."""
    lake = Lake(tmp_path)
    lake.open(name="films", catalog="films.toml")
    lake.write_note("lake", {**lake.meta, "format": 1})
    put(lake, "old.json", {"kept": 1})
    return lake


@pytest.fixture
def two_formats_later(monkeypatch):
    """A release whose lake has format 3; its first step breaks when told to."""
    calls = []

    def rename(lake):
        calls.append("rename")
        put(lake, "new.json", {"kept": 1})
        lake.delete("old.json")

    def fill(lake):
        calls.append("fill")
        if calls.count("fill") == 1:
            raise KeyboardInterrupt
        put(lake, "filled.json", True)

    monkeypatch.setattr(layout, "FORMAT", 3)
    monkeypatch.setattr(migrations, "STEPS", {1: rename, 2: fill})
    return calls


def test_an_older_lake_is_upgraded_and_an_interrupted_upgrade_goes_on(lake, two_formats_later):
    with pytest.raises(KeyboardInterrupt):
        migrations.open_lake(lake.root)
    assert lake.meta["format"] == 2, "the step that was done is not written down"
    meta = migrations.open_lake(lake.root).meta
    assert two_formats_later == ["rename", "fill", "fill"]
    assert (meta["format"], meta["name"]) == (3, "films")
    assert json.loads(lake.read_bytes("new.json")) == {"kept": 1}
    assert json.loads(lake.read_bytes("filled.json")) is True
    migrations.open_lake(lake.root)
    assert len(two_formats_later) == 3, "an upgraded lake was upgraded again"


def test_the_dimensions_of_a_first_lake_become_those_of_each_of_its_versions(lake, tmp_path):
    frame = load_taxonomy("genome132").frame()
    (tmp_path / "catalog").mkdir()
    frame.write_parquet(tmp_path / "catalog/dimensions.parquet")
    for version in ("a@1", "b@2"):
        put(lake, f"scores/version={version}/shard=00/part.json", {})
    migrations.dimensions_by_version(lake)  # as if the first try had been killed after it
    assert migrations.open_lake(lake.root).meta["format"] == layout.FORMAT
    assert not lake.exists("catalog/dimensions.parquet")
    told = lake.read("dimensions")
    assert told["version"].unique().sort().to_list() == ["a@1", "b@2"]
    assert told.filter(version="b@2").drop("version").equals(frame)


def test_reading_what_an_older_lake_is_writes_nothing(lake, two_formats_later):
    assert lake.meta["format"] == 1
    assert lake.n_shards == 16
    assert two_formats_later == []


def test_a_lake_without_a_step_says_what_to_do(lake, monkeypatch):
    monkeypatch.setattr(migrations, "STEPS", {})
    with pytest.raises(RecfeatError, match="format 1, which this release cannot upgrade any more"):
        migrations.open_lake(lake.root)


@pytest.mark.parametrize("ask", [Lake.open, lambda lake: lake.n_shards, lambda lake: lake.meta])
def test_a_newer_lake_is_refused_by_whatever_asks_first(lake, ask):
    lake.write_note("lake", {**lake.meta, "format": 99})
    with pytest.raises(RecfeatError, match=r"newer recfeat \(lake format 99"):
        ask(lake)


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("{", "not valid JSON"),
        ("[]", "damaged: format is None"),
        (json.dumps({"format": 1}), "damaged: n_shards is None"),
        (json.dumps({"format": 1, "n_shards": 1000}), "damaged: n_shards is 1000"),
    ],
)
def test_a_damaged_lake_file_is_named(lake, content, where):
    lake.write_bytes("lake.json", content.encode())
    with pytest.raises(RecfeatError, match=f"lake.json .*{where}.*backup"):
        lake.open()


@pytest.fixture
def built(tmp_path):
    """A lake with a store that this release wrote."""
    lake = Lake(tmp_path)
    with open_store(lake, read_only=False) as connection:
        connection.execute("CREATE SCHEMA features; CREATE TABLE features.x AS SELECT 1 AS a")
    return lake


def tables(built):
    with open_store(built, read_only=False) as connection:
        rows = connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
    return {".".join(row) for row in rows}


def test_a_store_of_this_format_is_left_alone(built):
    assert tables(built) == {"features.x", "main.store_format"}


def test_a_store_that_does_not_say_has_the_first_format(built, monkeypatch):
    with open_store(built, read_only=False) as connection:
        connection.execute("DROP TABLE store_format")
    monkeypatch.setattr(store, "FORMAT", store.FIRST)
    with open_store(built) as connection:
        assert connection.execute("SELECT a FROM features.x").fetchall() == [(1,)]
    assert tables(built) == {"features.x", "main.store_format"}


def test_an_older_store_is_not_read_and_its_next_writer_empties_it(built, monkeypatch):
    monkeypatch.setattr(store, "FORMAT", store.FORMAT + 1)
    with pytest.raises(RecfeatError, match="run --until feature_store"), open_store(built):
        pass
    assert tables(built) == {"main.store_format"}
    with open_store(built):
        pass


@pytest.mark.parametrize("read_only", [True, False])
def test_a_newer_store_is_refused_and_kept(built, monkeypatch, read_only):
    monkeypatch.setattr(store, "FORMAT", store.FORMAT + 1)
    tables(built)
    monkeypatch.setattr(store, "FORMAT", store.FORMAT - 1)
    with (
        pytest.raises(RecfeatError, match="written by a newer recfeat"),
        open_store(built, read_only=read_only),
    ):
        pass
