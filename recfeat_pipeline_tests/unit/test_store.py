import subprocess
import sys

import duckdb
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.store import open_store


def test_reading_before_any_run_says_what_to_do(tmp_path):
    with pytest.raises(RecfeatError, match="run `recfeat run` first"), open_store(tmp_path / "s"):
        pass


def test_the_connection_is_closed_after_an_exception(tmp_path):
    path = tmp_path / "store.duckdb"
    with pytest.raises(ZeroDivisionError), open_store(path, read_only=False):
        raise ZeroDivisionError
    other = subprocess.run(
        [sys.executable, "-c", f"import duckdb; duckdb.connect({str(path)!r})"], check=False
    )
    assert other.returncode == 0, "another process could not open the file: the lock was kept"


def test_a_reader_cannot_write(tmp_path):
    path = tmp_path / "store.duckdb"
    with open_store(path, read_only=False) as store:
        store.execute("CREATE TABLE t AS SELECT 1 AS x")
    with open_store(path) as store, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        store.execute("CREATE TABLE u AS SELECT 1")


def test_a_locked_store_is_waited_for_then_named(tmp_path):
    path = tmp_path / "store.duckdb"
    code = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print(1, flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        holder.stdout.readline()
        with (
            pytest.raises(RecfeatError, match="in use by another process"),
            open_store(path, wait_seconds=0.2),
        ):
            pass
    finally:
        holder.communicate(b"\n")


def test_a_file_that_is_no_database_is_named(tmp_path):
    path = tmp_path / "store.duckdb"
    path.write_bytes(b"garbage " * 4096)
    with pytest.raises(RecfeatError, match="rebuilt from the lake"), open_store(path):
        pass
