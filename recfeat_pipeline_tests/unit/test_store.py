import subprocess
import sys

import duckdb
import pytest

from recfeat_pipeline import store
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import open_store


def test_reading_before_any_run_says_what_to_do(tmp_path):
    with pytest.raises(RecfeatError, match="run `recfeat run` first"), open_store(Lake(tmp_path)):
        pass


def test_the_connection_is_closed_after_an_exception(tmp_path):
    lake = Lake(tmp_path)
    with pytest.raises(ZeroDivisionError), open_store(lake, read_only=False):
        raise ZeroDivisionError
    other = subprocess.run(
        [sys.executable, "-c", f"import duckdb; duckdb.connect({str(lake.feature_store)!r})"],
        check=False,
    )
    assert other.returncode == 0, "another process could not open the file: the lock was kept"


def test_a_reader_cannot_write(tmp_path):
    lake = Lake(tmp_path)
    with open_store(lake, read_only=False) as store:
        store.execute("CREATE TABLE t AS SELECT 1 AS x")
    with open_store(lake) as store, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        store.execute("CREATE TABLE u AS SELECT 1")


def test_a_locked_store_is_waited_for_then_named(tmp_path):
    lake = Lake(tmp_path)
    path = str(lake.feature_store)
    code = f"import duckdb, sys; c = duckdb.connect({path!r}); print(1, flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        holder.stdout.readline()
        with (
            pytest.raises(RecfeatError, match="in use by another process"),
            open_store(lake, wait_seconds=0.2),
        ):
            pass
    finally:
        holder.communicate(b"\n")


def test_a_file_that_is_no_database_is_named(tmp_path):
    lake = Lake(tmp_path)
    lake.feature_store.write_bytes(b"garbage " * 4096)
    with pytest.raises(RecfeatError, match="rebuilt from the lake"), open_store(lake):
        pass


def test_what_does_not_fit_into_memory_goes_through_the_disk(tmp_path, monkeypatch):
    """Sorting these rows takes several times what the connection may have."""
    monkeypatch.setattr(store, "MOST_MEMORY", 64 << 20)
    rows = "(SELECT hash(i) AS h, hash(i + 1) AS g, hash(i + 2) AS f FROM range(6_000_000) t(i))"
    with open_store(Lake(tmp_path), read_only=False) as connection:
        count = f"SELECT count(*) FROM (SELECT DISTINCT h, g, f FROM {rows})"
        assert connection.execute(count).fetchall() == [(6_000_000,)]
        [(limit,)] = connection.execute("SELECT current_setting('memory_limit')").fetchall()
        assert limit == "64.0 MiB"
