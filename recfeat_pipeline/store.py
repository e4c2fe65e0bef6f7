"""Opening the feature store: one writer, many readers, always closed.

DuckDB refuses every other process while one has the file open for writing, so an open waits its
turn for a while before it gives up with a sentence.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from recfeat_pipeline.errors import RecfeatError


@contextmanager
def open_store(
    path: Path, *, read_only: bool = True, wait_seconds: float = 60
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the feature store (``Lake.feature_store``), closed whatever happened.

    Raises:
        RecfeatError: there is no store yet (read-only), or another process keeps it locked.
    """
    if read_only and not path.exists():
        raise RecfeatError(f"There is no feature store at {path} yet: run `recfeat run` first.")
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connect(str(path), read_only, time.monotonic() + wait_seconds)
    try:
        yield connection
    finally:
        connection.close()


def _connect(path: str, read_only: bool, deadline: float) -> duckdb.DuckDBPyConnection:
    delay = 0.05
    while True:
        try:
            return duckdb.connect(path, read_only=read_only)
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise RecfeatError(
                    f"{path} is not a readable feature store ({str(error).splitlines()[0]}). "
                    "Delete it and run again: it is rebuilt from the lake, no request is sent."
                ) from error
            if time.monotonic() > deadline:
                raise RecfeatError(
                    f"{path} is in use by another process. Wait for that run to end (or close "
                    "the program that has it open for writing) and try again."
                ) from error
        time.sleep(delay)
        delay = min(2 * delay, 1.0)
