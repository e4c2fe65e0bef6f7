import multiprocessing
import os
import zlib
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from recfeat_pipeline import schemas, text_schemas
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import COMPACT_ABOVE, COMPACT_AT_ONCE, FORMAT, Lake, shard_of

TAGS = pl.DataFrame(
    {"item_id": [1, 2, 3], "tag": ["a", "b", "c"], "relevance": [0.1, 0.2, 0.3]},
    schema=schemas.TAGS,
)
SCORES = pl.DataFrame(
    [(n, "g", "dark", 0.5, "m", "k", None) for n in range(3)], schema=schemas.SCORES, orient="row"
)


@pytest.fixture(params=["local", "memory"])
def lake(request, tmp_path):
    if request.param == "local":
        return Lake(tmp_path / "lake")
    return Lake(f"memory://{tmp_path.name}-{os.getpid()}")


def test_a_written_table_is_read_back_in_its_schemas_order(lake):
    lake.write("tags", TAGS.select("relevance", "tag", "item_id"))
    assert lake.read("tags").equals(TAGS)


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (TAGS.drop("tag"), "tag is missing, not String"),
        (TAGS.with_columns(x=1), "x is Int32, not a column"),
        (TAGS.cast({"relevance": pl.Float64}), "relevance is Float64, not Float32"),
        (TAGS.cast({"item_id": pl.Int32}), "item_id is Int32, not Int64"),
    ],
)
def test_a_frame_in_another_schema_is_refused(lake, frame, problem):
    with pytest.raises(TypeError, match=f"table tags: {problem}"):
        lake.write("tags", frame)
    assert not lake.has("tags")


def test_ids_may_be_text(lake):
    lake.write("tags", TAGS.cast({"item_id": pl.String}))
    assert lake.read("tags")["item_id"].to_list() == ["1", "2", "3"]


def test_an_absent_table_is_empty_and_typed(lake):
    scores = lake.read("scores")
    assert scores.height == 0
    assert scores.schema["score"] == pl.Float32
    assert {"version", "shard"} <= set(scores.columns)


def test_an_absent_table_has_ids_of_the_catalogues_kind(lake):
    assert lake.read("ranks").schema["user_id"] == pl.Int64
    lake.remember(ids={"item_id": True, "user_id": False})
    assert lake.read("tags").schema["item_id"] == pl.String
    ranks = lake.read("ranks").schema
    assert (ranks["target_item_id"], ranks["user_id"]) == (pl.String, pl.Int64)


def test_hive_keys_become_columns_and_narrow_a_read(lake):
    lake.write("scores", SCORES, version="v1@ab", shard="00")
    lake.write("scores", SCORES, version="v2@cd", shard="07")
    assert lake.read("scores").height == 6
    one = lake.read("scores", version="v2@cd", shard="07")
    assert one.select("version", "shard").unique().rows() == [("v2@cd", "07")]


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    lake = Lake(tmp_path)
    lake.write_bytes("a/b", b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(RecfeatError, match="No space left on device"):
        lake.write_bytes("a/b", b"new")
    assert lake.read_bytes("a/b") == b"old"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def segment(*numbers):
    """A frame of an append-only table, a row for each number."""
    at = [datetime(2026, 1, 1, tzinfo=UTC)] * len(numbers)
    return pl.DataFrame({"url": map(str, numbers), "noted_at": at}, schema=text_schemas.CHANGES)


def test_appending_the_same_rows_twice_leaves_one_segment(lake):
    first = lake.append("changes", segment(1, 2), source="tmdb")
    assert lake.append("changes", segment(1, 2), source="tmdb") == first
    assert lake.append("changes", segment(), source="tmdb") is None
    assert lake.table_paths("changes") == [first]


def append_many(lake, n, first=0):
    return [lake.append("changes", segment(i), source="r") for i in range(first, first + n)]


def rows_of(lake):
    """Every row of the folder, as often as it is there."""
    return sorted(int(url) for url in lake.read("changes", source="r")["url"])


def test_few_segments_are_left_alone(lake):
    paths = append_many(lake, COMPACT_ABOVE)
    lake.compact("changes", source="r")
    assert lake.glob("raw/r/changes/*") == sorted(paths)


def test_many_small_segments_become_one(lake, monkeypatch):
    big = lake.append("changes", segment(*range(100, 20_000)), source="r")
    monkeypatch.setattr("recfeat_pipeline.lake.SMALL_BYTES", 10_000)
    listed = append_many(lake, COMPACT_ABOVE + 1)
    lake.compact("changes", source="r")
    assert sorted(int(lake.read_parquet(p)["url"][0]) for p in listed) == list(
        range(COMPACT_ABOVE + 1)
    )
    lake.compact("changes", source="r")  # nothing is due: what was merged does not count
    assert len(lake.table_paths("changes")) == COMPACT_ABOVE + 3
    monkeypatch.setattr("recfeat_pipeline.lake.RETIRED_FOR", timedelta(0))
    lake.compact("changes", source="r")
    (merged,) = set(lake.glob("raw/r/changes/*")) - {big}
    assert sorted(map(int, lake.read_parquet(merged)["url"])) == list(range(COMPACT_ABOVE + 1))


def test_a_row_of_two_segments_is_merged_into_one(lake, monkeypatch):
    append_many(lake, COMPACT_ABOVE)
    lake.append("changes", segment(0, COMPACT_ABOVE), source="r")  # its first row is there
    monkeypatch.setattr("recfeat_pipeline.lake.RETIRED_FOR", timedelta(0))
    for _ in range(2):
        lake.compact("changes", source="r")
    assert rows_of(lake) == list(range(COMPACT_ABOVE + 1))


def test_a_year_of_daily_segments_stays_a_handful_of_files(lake, monkeypatch):
    monkeypatch.setattr("recfeat_pipeline.lake.RETIRED_FOR", timedelta(0))
    most = 0
    for day in range(365):
        append_many(lake, 1, first=day)
        lake.compact("changes", source="r")
        most = max(most, len(lake.table_paths("changes")))
    assert most <= 2 * COMPACT_ABOVE + 2
    assert sorted(set(rows_of(lake))) == list(range(365))


def test_a_backlog_is_merged_a_part_at_a_time(lake, monkeypatch):
    append_many(lake, 3 * COMPACT_AT_ONCE)
    lake.compact("changes", source="r")
    assert len(lake.glob("raw/r/changes/*.replaces.json")) == 3
    monkeypatch.setattr("recfeat_pipeline.lake.RETIRED_FOR", timedelta(0))
    lake.compact("changes", source="r")
    assert rows_of(lake) == list(range(3 * COMPACT_AT_ONCE))
    assert len(lake.table_paths("changes")) == 3


@pytest.mark.parametrize("step", range(COMPACT_ABOVE + 4))
def test_compaction_dies_anywhere_and_no_row_is_missing(tmp_path, monkeypatch, step):
    """Its writes and deletions, one by one, each cut short once, then all of it again."""
    lake = Lake(tmp_path)
    append_many(lake, COMPACT_ABOVE + 1)
    monkeypatch.setattr("recfeat_pipeline.lake.RETIRED_FOR", timedelta(0))
    done = 0

    def dying(method):
        def wrapped(*arguments):
            nonlocal done
            done += 1
            if done == step + 1:
                raise KeyboardInterrupt
            return method(*arguments)

        return wrapped

    def compact_twice():
        for _ in range(2):
            lake.compact("changes", source="r")

    with monkeypatch.context() as patched:
        for name in ("write_bytes", "delete"):
            patched.setattr(lake, name, dying(getattr(lake, name)))
        with pytest.raises(KeyboardInterrupt):  # 2 writes; then each segment and the note go
            compact_twice()
    expected = list(range(COMPACT_ABOVE + 1))
    assert sorted(set(rows_of(lake))) == expected
    compact_twice()
    assert sorted(set(rows_of(lake))) == expected


def test_a_corrupt_file_is_named(lake):
    lake.write_bytes("catalog/tags.parquet", b"not parquet")
    with pytest.raises(RecfeatError, match=r"catalog/tags\.parquet is not a readable Parquet file"):
        lake.read("tags")


def test_a_lake_holds_one_catalogue(lake):
    lake.open(catalog="/x/a.toml", name="a")
    assert lake.open()["catalog"] == "/x/a.toml"
    with pytest.raises(RecfeatError, match="holds the catalogue 'a', not 'b'"):
        lake.open(name="b")


def test_a_newer_lake_is_refused(lake):
    lake.write_note("lake", {"format": FORMAT + 1, "n_shards": 16})
    with pytest.raises(RecfeatError, match="newer recfeat"):
        lake.open()


def test_asking_for_shards_writes_nothing(tmp_path):
    assert Lake(tmp_path / "none").n_shards == 16
    assert not (tmp_path / "none").exists()


def test_a_shard_depends_on_the_id_alone():
    expected = [f"{zlib.crc32(text.encode()) % 16:02d}" for text in ("1", "B00X", "1")]
    assert shard_of([1, "B00X", "1"], 16).to_list() == expected


def _hold(root, ready, release):
    with Lake(root).lock("shard-00"):
        ready.set()
        release.wait(20)


def test_a_lock_keeps_another_process_out_and_dies_with_it(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, release = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(str(tmp_path), ready, release))
    holder.start()
    assert ready.wait(20)
    with pytest.raises(TimeoutError), Lake(tmp_path).lock("shard-00", timeout=0.05):
        pass
    holder.kill()
    holder.join()
    with Lake(tmp_path).lock("shard-00", timeout=5):
        pass


@pytest.mark.parametrize(
    ("method", "work"),
    [
        ("cat_file", lambda lake: lake.read_note("lake")),
        ("glob", lambda lake: lake.read("items")),
        ("pipe_file", lambda lake: lake.remember(n_shards=1)),
        ("pipe_file", lambda lake: lake.lease("x").acquire()),
    ],
)
def test_an_object_store_that_is_down_is_a_sentence(tmp_path, monkeypatch, method, work):
    """Its client raises errors of its own, which are no OSError."""

    def fail(*_, **__):
        raise RuntimeError("Could not connect to the endpoint URL\nand more")

    monkeypatch.setenv("HOME", str(tmp_path))
    lake = Lake(f"memory://down-{tmp_path.name}-{os.getpid()}")
    monkeypatch.setattr(lake._fs, method, fail)
    with pytest.raises(RecfeatError, match=r"be reached: Could not .* URL\. Check the store"):
        work(lake)
