"""Opening the feature store: one writer, many readers, always closed.

On one machine the store is a file of the lake. Where the lake is an object store, what is read is
the published version, and what is written is a local copy that becomes the next one
(:mod:`recfeat_pipeline.published_store`).

DuckDB refuses every other process while one has the file open for writing, so an open waits its
turn for a while before it gives up with a sentence. A store says which format it has; one of
another format is emptied by its next writer, since everything in it comes from the lake.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from recfeat_pipeline import published_store
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.freshness import joint_hash
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.machine import memory
from recfeat_pipeline.waiting import Wait, holder

FORMAT = 2  # of the tables as a whole; raised when an older store's tables must not be read
FIRST = 1  # of a store that does not say
MOST_MEMORY = 4 << 30
"""Bytes of a connection, or half of the machine's; what needs more goes through the disk beside the
store, which costs little. Of a million items a single test of 132 million rows took 14 GB."""


@dataclass(frozen=True)
class Built:
    """A build of the store, without opening it."""

    name: str  # another one after each change
    bytes: int


def built(lake: Lake) -> Built | None:
    """The build that readers find now; None: there is none yet."""
    if not lake.is_local:
        note = published_store.current(lake)
        return Built(note["version"], note["bytes"]) if note else None
    if not lake.feature_store.exists():
        return None
    about = lake.feature_store.stat()
    return Built(f"{about.st_mtime_ns:x}-{about.st_size:x}", about.st_size)


@contextmanager
def open_store(
    lake: Lake, *, read_only: bool = True, wait_seconds: float = 60
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the lake's feature store, closed whatever happened.

    Raises:
        RecfeatError: there is no store yet (read-only), another process keeps it locked, or it has
            a format that this release does not read.
    """
    with Building(lake) as work, work.connect(read_only, wait_seconds) as connection:
        yield connection


class Building:
    """One run's work on the store; what it has built is published when it is closed.

    What the run reads before it has built anything is what everybody reads, then its own copy.
    """

    def __init__(self, lake: Lake):
        self.lake = lake
        self._begun = False

    def __enter__(self) -> "Building":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def connect(
        self, read_only: bool = True, wait_seconds: float = 60
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection; see :func:`open_store`."""
        lake = self.lake
        if lake.is_local:
            with _opened(lake.feature_store, read_only, wait_seconds) as connection:
                yield connection
        elif read_only:
            path = lake.feature_store if self._begun else published_store.fetch(lake)
            with _opened(path, read_only, wait_seconds) as connection:
                yield connection
        else:
            with lake.lock("feature_store"):
                if not self._begun:
                    published_store.check_out(lake)
                    self._begun = True
                with _opened(lake.feature_store, read_only, wait_seconds) as connection:
                    yield connection

    def close(self) -> None:
        """Publish what has been built; nothing where the lake is a folder."""
        if self._begun:
            self._begun = False
            with self.lake.lock("feature_store"):
                with _opened(self.lake.feature_store, False, 60) as connection:
                    connection.execute("CHECKPOINT")  # all of it into the one file
                    made_of = store_made_of(connection)
                published_store.publish(self.lake, f"{FORMAT}-{made_of}")


def tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Its tables and views, as ``schema.table``."""
    rows = connection.execute(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables "
        "WHERE table_catalog = current_database()"
    ).fetchall()
    return {name for (name,) in rows}


def stamps(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What each table of a store was made of, as a hash, by the model's key."""
    try:
        return dict(connection.execute("SELECT model, fingerprint FROM made_of").fetchall())
    except duckdb.CatalogException:  # a new store, or one of an older release
        return {}


def store_made_of(connection: duckdb.DuckDBPyConnection) -> str:
    """What all tables of a store were made of, as one hash."""
    return joint_hash(f"{key} {made_of}" for key, made_of in sorted(stamps(connection).items()))


@contextmanager
def _opened(
    path: Path, read_only: bool, wait_seconds: float
) -> Iterator[duckdb.DuckDBPyConnection]:
    if read_only and not path.exists():
        raise RecfeatError(f"There is no feature store at {path} yet: run `recfeat run` first.")
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connect(str(path), read_only, time.monotonic() + wait_seconds)
    try:
        connection.execute(f"SET memory_limit = '{min(MOST_MEMORY, memory() // 2)}B'")
        _check_format(connection, path, read_only)
        yield connection
    finally:
        connection.close()


def _check_format(connection: duckdb.DuckDBPyConnection, path: Path, read_only: bool) -> None:
    stamp = _stamp(connection)
    found = stamp or FIRST
    if found > FORMAT:
        raise RecfeatError(
            f"{path} was written by a newer recfeat (store format {found}, this one knows "
            f"{FORMAT}). Upgrade recfeat_pipeline; or delete the file and run `recfeat run`: it is "
            "rebuilt from the lake, no request is sent."
        )
    if read_only:
        if found < FORMAT:
            raise RecfeatError(
                f"{path} was written by an older recfeat (store format {found}, this one reads "
                f"{FORMAT}). Run `recfeat run --until feature_store`: it is rebuilt from the lake, "
                "no request is sent."
            )
        return
    if stamp != FORMAT:
        with _transaction(connection):
            for schema in _schemas(connection) if found < FORMAT else ():
                connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
            connection.execute(f"CREATE OR REPLACE TABLE store_format AS SELECT {FORMAT} AS format")


def _stamp(connection: duckdb.DuckDBPyConnection) -> int | None:
    """The format that the store says it has; None where it says nothing."""
    try:
        [row] = connection.execute("SELECT max(format) FROM store_format").fetchall()
    except duckdb.CatalogException:
        return None
    return row[0] if row else None


def _schemas(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "SELECT schema_name FROM duckdb_schemas() "
        "WHERE NOT internal AND database_name = current_database()"
    ).fetchall()
    return [name for (name,) in rows]


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _connect(path: str, read_only: bool, deadline: float) -> duckdb.DuckDBPyConnection:
    delay, wait = 0.05, Wait()
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
        wait(lambda: f"the feature store {path}, which {holder(Path(path)) or 'somebody'} has open")
        time.sleep(delay)
        delay = min(2 * delay, 1.0)
