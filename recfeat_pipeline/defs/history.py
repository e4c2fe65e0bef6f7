"""The run history on SQLite, made quick.

Dagster opens, writes and closes a database for each of the hundreds of events of a run, and makes a
SQLAlchemy engine each time, which compiles every statement anew. That costs more than the work of a
small run does.
"""

import functools
import sqlite3
from collections.abc import Callable
from typing import Any

import sqlalchemy
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage

BUSY_SECONDS = 15  # that SQLite waits for another writer
ENGINES = 64  # kept; a run has one of its own
STORAGES: tuple[Any, ...] = (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage)


def quicken() -> None:
    """From now on this process keeps its engines, and SQLite flushes nothing to the disk."""
    if not sqlalchemy.event.contains(sqlalchemy.Engine, "connect", _relax):
        sqlalchemy.event.listen(sqlalchemy.Engine, "connect", _relax)
        for storage in STORAGES:
            storage.create_engine = _keeping(storage.create_engine)


def _keeping(create_engine: Callable[..., sqlalchemy.Engine]) -> Callable[..., sqlalchemy.Engine]:
    """``create_engine`` that gives the same engine for the same database.

    No connection is kept (Dagster asks for a NullPool), so a process may fork and a file may go.
    """

    @functools.lru_cache(maxsize=ENGINES)
    def create(url: str, options: tuple[tuple[str, Any], ...]) -> sqlalchemy.Engine:
        connect_args = dict(options).get("connect_args", ())
        return create_engine(url, **{**dict(options), "connect_args": dict(connect_args)})

    def kept(url: str, connect_args: dict[str, Any] | None = None, **options: Any):
        given = {**options, "connect_args": tuple(sorted((connect_args or {}).items()))}
        return create(url, tuple(sorted(given.items())))

    return kept


def _relax(connection: object, _: object) -> None:
    """Wait for other writers, and leave flushing to the operating system.

    Two disk flushes an event cost more than a small run's work. A killed process loses nothing. A
    power cut may damage the run history, which can be deleted (``<lake>/dagster_home``): nothing
    that was paid for is kept there.
    """
    if isinstance(connection, sqlite3.Connection):
        connection.execute(f"PRAGMA busy_timeout = {1000 * BUSY_SECONDS}")
        connection.execute("PRAGMA synchronous = OFF")
