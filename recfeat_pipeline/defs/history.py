"""The run history on SQLite, made quick.

Dagster opens, writes and closes a database for each of the hundreds of events of a run, makes a
SQLAlchemy engine each time, which compiles every statement anew, asks again and again which tables
and columns the database has, and reads all its migrations for the database that each run gets. That
costs more than the work of a small run does.
"""

import functools
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from alembic.script import ScriptDirectory
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from sqlalchemy.pool import QueuePool

BUSY_SECONDS = 15  # that SQLite waits for another writer
ENGINES = 64  # kept; a run has one of its own
STORAGES: tuple[Any, ...] = (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage)

_pools: list["Kept"] = []  # with open connections
_runs = 0  # under way in this process


def quicken() -> None:
    """From now on this process keeps its engines, and SQLite flushes nothing to the disk."""
    if not sqlalchemy.event.contains(sqlalchemy.Engine, "connect", _relax):
        sqlalchemy.event.listen(sqlalchemy.Engine, "connect", _relax)
        # A pool logs under its class's name, and what this package logs goes to the terminal.
        logging.getLogger(f"{__name__}.{Kept.__name__}").setLevel(logging.WARNING)
        ScriptDirectory.from_config = functools.cache(ScriptDirectory.from_config)  # type: ignore[method-assign]
        for storage in STORAGES:
            storage.create_engine = _keeping(storage.create_engine)
        event_log = sqlite_event_log.SqliteEventLogStorage
        for question in ("has_table", "has_asset_key_col", "_has_asset_key_col_on_connection"):
            setattr(event_log, question, _asked_until_yes(getattr(event_log, question)))


@contextmanager
def connected() -> Iterator[None]:
    """While a run is under way its connections stay open.

    Not longer: between runs a process may fork, and the files may be moved, copied or deleted.
    """
    global _runs
    _runs += 1
    try:
        yield
    finally:
        _runs -= 1
        if not _runs:
            while _pools:
                _pools.pop().dispose()


class Kept(QueuePool):
    """Gives back a connection to be used again, within :func:`connected`; closes it otherwise."""

    _sqla_logger_namespace = "sqlalchemy.pool.Kept"  # this package's loggers speak to the user

    def _do_return_conn(self, record: Any) -> None:
        if _runs:
            if self not in _pools:
                _pools.append(self)
            super()._do_return_conn(record)
        else:
            record.close()
            self._dec_overflow()


def _keeping(create_engine: Callable[..., sqlalchemy.Engine]) -> Callable[..., sqlalchemy.Engine]:
    """``create_engine`` that gives the same engine for the same database."""

    @functools.lru_cache(maxsize=ENGINES)
    def create(url: str, timeout: float | None) -> sqlalchemy.Engine:
        connect_args = {} if timeout is None else {"timeout": timeout}
        engine = create_engine(
            url, poolclass=Kept, pool_size=1, max_overflow=-1, connect_args=connect_args
        )
        engine.dispose = lambda close=True: None  # type: ignore[method-assign]  # after each event
        return engine

    def kept(url: str, connect_args: dict[str, Any] | None = None, **_: Any) -> sqlalchemy.Engine:
        return create(url, (connect_args or {}).get("timeout"))

    return kept


def _asked_until_yes(ask: Callable[..., bool]) -> Callable[..., bool]:
    """``ask`` whether the database has a table or a column, which none ever loses."""

    @functools.wraps(ask)
    def known(storage: Any, *about: Any) -> bool:
        found: set[tuple[str, str]] = storage.__dict__.setdefault("_found", set())
        if (question := (ask.__name__, about[-1])) in found:
            return True
        if answer := ask(storage, *about):
            found.add(question)
        return answer

    return known


def _relax(connection: object, _: object) -> None:
    """Wait for other writers, and leave flushing to the operating system.

    Two disk flushes an event cost more than a small run's work. A killed process loses nothing. A
    power cut may damage the run history, which can be deleted (``<lake>/dagster_home``): nothing
    that was paid for is kept there.
    """
    if isinstance(connection, sqlite3.Connection):
        connection.execute(f"PRAGMA busy_timeout = {1000 * BUSY_SECONDS}")
        connection.execute("PRAGMA synchronous = OFF")
