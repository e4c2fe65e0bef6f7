"""When a stage stands as it is, and all that makes the command run it again."""

import json

import duckdb
import polars as pl
import pytest

from recfeat_pipeline.catalog.read import read_catalog
from recfeat_pipeline.defs import standing
from recfeat_pipeline.defs.catalog.stored import save_catalog
from recfeat_pipeline.defs.stages import STAGES
from recfeat_pipeline.defs.standing import READS, WRITES, Standing
from recfeat_pipeline.defs.text.scraping import source_names
from recfeat_pipeline.extraction.batches import Batch, save
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.layout import LAKE
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.sql_models import build_all
from recfeat_pipeline.store import open_store
from recfeat_pipeline_tests.integration.cli_world import write_catalog


@pytest.fixture
def file(tmp_path):
    return write_catalog(tmp_path)


@pytest.fixture
def lake(tmp_path, file):
    """A lake whose catalogue stands."""
    lake = Lake(tmp_path / "lake")
    lake.open(str(file), "little")
    save_catalog(lake, read_catalog(str(file)))
    looked = Standing(lake, Settings())
    looked.keep("catalog", looked.reads("catalog"))
    return lake


def stands(lake, stage="catalog", **settings):
    looked = Standing(lake, Settings(**settings))
    reads = looked.reads(stage)
    return reads is not None and looked.stands(stage, reads)


def test_it_stands_whoever_names_the_catalogue(lake, file):
    assert stands(lake)
    assert stands(lake, catalog=str(file), workers=2)


@pytest.mark.parametrize("name", ["items.csv", "events.csv", "little.toml"])
def test_another_file_of_the_catalogue(lake, file, name):
    path = file.parent / name
    path.write_text(path.read_text() + "\n")
    assert not stands(lake)


def test_another_setting_split_or_release(lake, monkeypatch):
    assert not stands(lake, split="leave_one_out")
    assert not stands(lake, left_days=7)
    monkeypatch.setattr(standing, "code_hash", lambda: "the next release")
    assert not stands(lake)


def test_what_it_wrote_is_gone_another_or_damaged(lake):
    """A bit that flips in the middle of a file is in no listing and in no file's end."""
    [path] = lake.table_paths("interactions")
    whole = lake.read_bytes(path)
    place = lake.state / path
    half = len(whole) // 2
    place.write_bytes(whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :])
    assert not stands(Lake(lake.root))
    place.unlink()
    assert not stands(lake)
    place.write_bytes(whole)
    assert stands(lake)
    lake.write("fields", lake.read("fields")[1:])
    assert not stands(lake)


def test_what_only_a_run_can_know(lake, file, monkeypatch):
    lake.write(
        "left", pl.DataFrame({"item_id": [3], "left_at": [None]}, schema=LAKE["left"].schema)
    )
    assert not stands(lake), "items leave with time"
    lake.drop("left")
    assert stands(lake)


@pytest.mark.parametrize("note", ["catalog", "corpus"])
def test_a_note_beside_its_tables_is_gone_another_or_damaged(lake, note):
    """A run under rules that leave no item writes the note alone; later stages read it."""
    whole = lake.read_note(note) or {"split": "global_time"}
    lake.write_note(note, whole)
    looked = Standing(lake, Settings())
    looked.keep("catalog", looked.reads("catalog"))
    assert stands(lake)
    for damage in (
        lambda: lake.drop_note(note),
        lambda: lake.write_note(note, whole | {"rules": {}}),
        lambda: lake.write_bytes(f"catalog/{note}.json", b"{"),
    ):
        damage()
        assert not stands(lake)
        lake.write_note(note, whole)
        assert stands(lake)


def test_a_store_without_a_table_or_of_another_format_is_built_again(lake):
    """Only a writer empties a store of an older format, so that the stage must be run."""
    with open_store(lake, read_only=False) as store:
        build_all(store, lake)
    looked = Standing(lake, Settings())
    looked.keep("feature_store", looked.reads("feature_store"))
    assert stands(lake, "feature_store")
    with open_store(lake, read_only=False) as store:
        store.execute("ALTER TABLE features.item_features RENAME TO moved")
    assert not stands(lake, "feature_store")
    with open_store(lake, read_only=False) as store:
        store.execute("ALTER TABLE features.moved RENAME TO item_features")
    assert stands(lake, "feature_store")
    with duckdb.connect(str(lake.feature_store)) as store:
        store.execute("UPDATE store_format SET format = 0")
    assert not stands(lake, "feature_store")


@pytest.mark.parametrize("place", ["https://example.org/events.csv", "events.sqlite"])
def test_a_catalogue_that_may_change_unseen(lake, file, place):
    file.write_text(file.read_text().replace('"events.csv"', f'"{place}"'))
    assert Standing(lake, Settings()).reads("catalog") is None


def test_a_decision_about_a_suspicious_day(lake):
    lake.write_note("suspicious", {"decision": None}, stage="catalogue")
    assert not stands(lake)
    looked = Standing(lake, Settings())
    looked.keep("catalog", looked.reads("catalog"))
    assert stands(lake)
    lake.write_note("suspicious", {"decision": "accepted"}, stage="catalogue")
    assert not stands(lake)


def test_text_that_a_source_is_asked_for_never_stands(lake, monkeypatch):
    looked = Standing(lake, Settings())
    assert looked.reads("text") is not None
    monkeypatch.setenv("TMDB_API_KEY", "key")
    assert Standing(lake, Settings()).reads("text") is None


def test_extraction_is_run_where_calls_may_be_owed(lake, tmp_path):
    looked = Standing(lake, Settings())
    assert looked.reads("extraction", "v1") != looked.reads("extraction", "v2")
    assert Standing(lake, Settings(llm_retry_failed=True)).reads("extraction") is None
    assert Standing(lake, Settings(llm_batch=True)).reads("extraction") is None
    journal = tmp_path / "lake" / "journal"
    journal.mkdir()
    (journal / "shard=03.jsonl").touch()
    assert looked.reads("extraction") is not None
    (journal / "shard=03.jsonl").write_text(json.dumps({}))
    assert looked.reads("extraction") is None


def test_extraction_is_run_while_a_batch_is_open(lake):
    """It is given up by `recfeat batches`, which leaves no trace in what the stage reads."""
    batch = Batch("b", "v", "m", {}, {}, True, "batch", 1, status="submitted")
    save(lake, batch)
    assert Standing(lake, Settings()).reads("extraction") is None
    save(lake, batch, status="abandoned")
    assert Standing(lake, Settings()).reads("extraction") is not None


def test_every_table_that_a_stage_writes_is_one_of_the_lake():
    assert {name for names in WRITES.values() for name in names} <= LAKE.keys()


@pytest.mark.parametrize("stage", WRITES)
def test_all_that_a_stages_assets_read_and_write_is_listed(stage):
    """But sources, with which no text stands, and profiles of users, which are asked by hand."""
    assets = STAGES[stage]
    by_hand = {"user_profiles", "events"} if stage == "extraction" else set()
    elsewhere = {*source_names(), *by_hand}
    wrote = {key.path[-1] for asset in assets for key in asset.keys}
    read = {dep.path[-1] for asset in assets for deps in asset.asset_deps.values() for dep in deps}
    assert wrote - elsewhere <= set(WRITES[stage])
    assert read - elsewhere <= {*READS.get(stage, ()), *WRITES[stage]}
