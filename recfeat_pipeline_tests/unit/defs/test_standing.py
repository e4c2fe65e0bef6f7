"""When a stage stands as it is, and all that makes the command run it again."""

import json

import polars as pl
import pytest

from recfeat_pipeline.catalog.read import read_catalog
from recfeat_pipeline.defs import standing
from recfeat_pipeline.defs.catalog.stored import save_catalog
from recfeat_pipeline.defs.standing import WRITES, Standing
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.layout import LAKE
from recfeat_pipeline.settings import Settings
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


def test_every_table_that_a_stage_writes_is_one_of_the_lake():
    assert {name for names in WRITES.values() for name in names} <= LAKE.keys()
