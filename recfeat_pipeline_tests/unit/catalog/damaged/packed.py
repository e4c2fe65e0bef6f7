"""Archives, JSON, Parquet, databases and workbooks."""

import contextlib
import gzip
import json
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl

from recfeat_pipeline_tests.unit.catalog.damaged.case import (
    EVENTS,
    FRAME,
    Damaged,
    at,
)

LINES = FRAME.write_ndjson()
PACKED = gzip.compress(EVENTS.encode())


def parquet(*columns: pl.Series) -> Callable[[Path], None]:
    return lambda path: FRAME.with_columns(columns).write_parquet(path)


def archive(*names: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as file:
            for name in names:
                file.writestr(name, EVENTS)

    return write


def database(*names: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            for name in names:
                connection.execute(f"CREATE TABLE {name} (user, item, rating, time)")
                connection.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?)", FRAME.rows())
            connection.commit()

    return write


def workbook(*names: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        import openpyxl

        book = openpyxl.Workbook()
        book.remove(book.active)
        for name in names:
            sheet = book.create_sheet(name)
            for row in (FRAME.columns, *FRAME.rows()):
                sheet.append(row)
        book.save(path)

    return write


def cut(write: Callable[[Path], None], left: float = 0.5) -> Callable[[Path], None]:
    """The same, and then only so much of it."""

    def shortened(path: Path) -> None:
        write(path)
        data = path.read_bytes()
        path.write_bytes(data[: int(left * len(data))])

    return shortened


PACKS = [
    Damaged(
        "a .gz cut short",
        ("events.csv.gz cannot be unpacked", "copied whole"),
        {"events.csv.gz": PACKED[:-20]},
        **at("events.csv.gz"),
    ),
    Damaged(
        "a .gz that is plain text",
        ("Not a gzipped file",),
        {"events.csv.gz": EVENTS},
        **at("events.csv.gz"),
    ),
    Damaged(
        "a .gz of nothing", ("events.csv is empty",), {"events.csv.gz": b""}, **at("events.csv.gz")
    ),
    Damaged(
        "a .zip that is none",
        ("e.zip cannot be unpacked",),
        {"e.zip": b"PK but none"},
        **at("e.zip"),
    ),
    Damaged(
        "a .zip cut short",
        ("e.zip cannot be unpacked",),
        {"e.zip": cut(archive("a.csv"))},
        **at("e.zip"),
    ),
    Damaged(
        "a .zip of two tables, none named",
        ("name one of a.csv, b.csv",),
        {"e.zip": archive("a.csv", "b.csv")},
        **at("e.zip"),
    ),
    Damaged(
        "a .zip without a table", ("holds 0 tables",), {"e.zip": archive("README")}, **at("e.zip")
    ),
    Damaged(
        "a .zip of two tables, one named",
        (),
        {"e.zip": archive("a.csv", "b.csv")},
        keys='table = "b.csv"',
        **at("e.zip"),
    ),
]
JSON = [
    Damaged(
        "JSON lines, one cut short",
        ("e.jsonl, line 6: not valid JSON", "cut short"),
        {"e.jsonl": LINES[:-20]},
        **at("e.jsonl"),
    ),
    Damaged(
        "a line that is no object",
        ("line 7: '[1, 2]' is no object",),
        {"e.jsonl": LINES + "[1, 2]\n"},
        **at("e.jsonl"),
    ),
    Damaged(
        "JSON that is no list of rows",
        ("0 lists of rows",),
        {"e.json": '{"user": 1}'},
        **at("e.json"),
    ),
    Damaged(
        "JSON cut short",
        ("e.json, line 1: not valid JSON", "cut short"),
        {"e.json": json.dumps(FRAME.to_dicts())[:-20]},
        **at("e.json"),
    ),
    Damaged(
        "an object where a value belongs",
        ("key 'rating'", "values of different kinds"),
        {"e.jsonl": LINES.replace('"rating":4.5', '"rating":{"stars":4.5}')},
        **at("e.jsonl"),
    ),
    Damaged(
        "rows without one of the keys",
        (),
        {"e.jsonl": LINES.replace('"rating":4.5,', "")},
        **at("e.jsonl"),
    ),
    Damaged(
        "numbers as text in some rows",
        (),
        {"e.jsonl": LINES.replace('"rating":4.5', '"rating":"4.5"')},
        **at("e.jsonl"),
    ),
]
BINARY = [
    Damaged(
        "a Parquet file that is none",
        ("not a readable Parquet file",),
        {"e.parquet": b"PAR1 but none"},
        **at("e.parquet"),
    ),
    Damaged(
        "a Parquet file cut short",
        ("not a readable Parquet file",),
        {"e.parquet": cut(parquet())},
        **at("e.parquet"),
    ),
    Damaged(
        "a Parquet file without rows",
        ("has no rows",),
        {"e.parquet": lambda p: FRAME.clear().write_parquet(p)},
        **at("e.parquet"),
    ),
    Damaged(
        "a column of lists",
        ("column 'user' holds List",),
        {"e.parquet": parquet(pl.Series("user", [[1]] * 6))},
        **at("e.parquet"),
    ),
    Damaged(
        "a column of structs",
        ("column 'item' holds Struct",),
        {"e.parquet": parquet(pl.Series("item", [{"id": 1}] * 6))},
        **at("e.parquet"),
    ),
    Damaged(
        "a column of bytes",
        ("column 'user' holds Binary",),
        {"e.parquet": parquet(pl.Series("user", [b"u"] * 6))},
        **at("e.parquet"),
    ),
    Damaged(
        "ids that are decimals",
        (),
        {"e.parquet": parquet(FRAME["item"].cast(pl.Float64))},
        **at("e.parquet"),
    ),
    Damaged(
        "categories for ids",
        (),
        {"e.parquet": parquet(FRAME["user"].cast(pl.String).cast(pl.Categorical))},
        **at("e.parquet"),
    ),
    Damaged(
        "times that are times",
        (),
        {"e.parquet": parquet(pl.from_epoch(FRAME["time"]))},
        **at("e.parquet"),
    ),
    Damaged(
        "a database that is none",
        ("cannot be read as a DuckDB or SQLite file",),
        {"e.db": b"SQLite format 3\0 but none" * 40},
        **at("e.db"),
    ),
    Damaged(
        "a database of two tables, none named",
        ("name one of a, b",),
        {"e.db": database("a", "b")},
        **at("e.db"),
    ),
    Damaged(
        "a database without the named table",
        ("no table 'b'; name one of a",),
        {"e.db": database("a")},
        keys='table = "b"',
        **at("e.db"),
    ),
    Damaged(
        "a workbook that is none",
        ("no readable workbook",),
        {"e.xlsx": b"PK but none"},
        **at("e.xlsx"),
    ),
    Damaged(
        "a workbook without the named sheet",
        ("no sheet 'b'; it has a",),
        {"e.xlsx": workbook("a")},
        keys='table = "b"',
        **at("e.xlsx"),
    ),
    Damaged(
        "a workbook of two sheets, none named",
        ("2 sheets; name one of a, b",),
        {"e.xlsx": workbook("a", "b")},
        **at("e.xlsx"),
    ),
]
