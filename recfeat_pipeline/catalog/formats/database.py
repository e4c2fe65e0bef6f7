"""A table of a DuckDB or SQLite file, opened read-only; ``table`` names it where there are several.

What the suffix promises does not count: the file's first bytes say which of the two it is.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from recfeat_pipeline.catalog.formats.form import Form
from recfeat_pipeline.errors import RecfeatError, first_line

SUFFIXES = (".duckdb", ".ddb", ".sqlite", ".sqlite3", ".db")
SQLITE = b"SQLite format 3\0"
TABLES = {
    True: "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name",
    False: "SELECT table_name FROM information_schema.tables ORDER BY table_name",
}


def columns(path: Path, form: Form, what: str) -> list[str]:
    """The table's columns.

    Raises:
        RecfeatError: as :func:`read`.
    """
    return _ask(path, form, what, lambda table: f"SELECT * FROM {table} LIMIT 0").columns


def read(path: Path, wanted: list[str], form: Form, what: str) -> pl.DataFrame:
    """The wanted columns.

    Raises:
        RecfeatError: it is no database, is in use, or has no such table.
    """
    listed = ", ".join(map(_quoted, wanted))
    return _ask(path, form, what, lambda table: f"SELECT {listed} FROM {table}")


def places(path: Path, rows: Iterable[int], form: Form) -> list[str]:
    """``row 6`` of the table as it is read, counted from 1."""
    return [f"row {row + 1}" for row in rows]


def tables(path: Path) -> list[str]:
    """Names of the tables and views.

    Raises:
        RecfeatError: as :func:`read`.
    """
    with _opened(path, "recfeat init") as (connection, is_sqlite):
        return [name for (name,) in connection.execute(TABLES[is_sqlite]).fetchall()]


def _ask(path: Path, form: Form, what: str, query: Callable[[str], str]) -> pl.DataFrame:
    with _opened(path, what) as (connection, is_sqlite):
        there = [name for (name,) in connection.execute(TABLES[is_sqlite]).fetchall()]
        table = _quoted(_table(path, form, what, there))
        if is_sqlite:
            return pl.read_database(query(table), connection, infer_schema_length=None)
        return connection.sql(query(table)).pl()


@contextmanager
def _opened(path: Path, what: str) -> Iterator[tuple[Any, bool]]:
    """A read-only connection, and whether it is SQLite's."""
    with open(path, "rb") as file:
        is_sqlite = file.read(len(SQLITE)) == SQLITE
    try:
        connection: Any
        if is_sqlite:
            connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        else:
            connection = duckdb.connect(str(path), read_only=True)
        with closing(connection):
            yield connection, is_sqlite
    except (sqlite3.Error, duckdb.Error, pl.exceptions.PolarsError) as error:
        raise RecfeatError(
            f"{what}: {path} cannot be read as a DuckDB or SQLite file ({first_line(error)}); is "
            "it damaged, or open for writing in another program?"
        ) from error


def _table(path: Path, form: Form, what: str, there: list[str]) -> str:
    if form.table in there:
        return form.table
    if form.table is None and len(there) == 1:
        return there[0]
    missing = f"has no table {form.table!r}" if form.table else f"has {len(there)} tables"
    raise RecfeatError(
        f'{what}: {path} {missing}; name one of {", ".join(there) or "(none)"} with table = "…".'
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
