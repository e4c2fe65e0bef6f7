"""One catalogue in every kind of file that is read: each must come out the same."""

import gzip
import io
import json
import sqlite3
import zipfile
from pathlib import Path

import duckdb
import fsspec
import polars as pl
import pytest

from recfeat_pipeline.catalog.fetch import fetch
from recfeat_pipeline.catalog.files import read_files
from recfeat_pipeline.catalog.formats import kinds
from recfeat_pipeline.catalog.formats.form import Form
from recfeat_pipeline.catalog.guess import draft_catalog, find_tables
from recfeat_pipeline.commands.init import as_toml
from recfeat_pipeline_tests.servers.downloads import Downloads, serve

ITEMS = pl.DataFrame(
    {
        "id": ["b1", "b2", "b3"],
        "title": ["Émile; or, a Book", "Tea", 'The "Other" One'],
        "plot": ["It rains,\nthen it stops.", None, "Short"],
    }
)
EVENTS = pl.DataFrame(
    {
        "user": [1, 1, 2, 2, 3, 3],
        "item": ["b1", "b2", "b1", "b3", "b2", "b3"],
        "rating": [4.5, 3.0, 1.5, 5.0, 2.5, 4.0],
        "time": [1_600_000_000 + n for n in range(6)],
    }
)
TOML = """
name = "books"
[items]
path = {items}
id = "id"
title = "title"
[items.document]
Plot = "plot"
[interactions]
path = {events}
user = "user"
item = "item"
rating = "rating"
timestamp = "time"
"""


def csv(frame: pl.DataFrame, separator: str = ",", decimal_comma: bool = False) -> bytes:
    return frame.write_csv(separator=separator, decimal_comma=decimal_comma).encode()


def delimited(suffix: str, separator: str = ",", decimal_comma: bool = False, encoding="utf-8"):
    def write(folder: Path) -> tuple[str, ...]:
        for name, frame in (("items", ITEMS), ("events", EVENTS)):
            text = csv(frame, separator, decimal_comma).decode()
            (folder / f"{name}{suffix}").write_bytes(text.encode(encoding))
        return f"items{suffix}", f"events{suffix}"

    return write


def packed(folder: Path) -> tuple[str, ...]:
    for name, frame in (("items", ITEMS), ("events", EVENTS)):
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(csv(frame)))
    return "items.csv.gz", "events.csv.gz"


def archives(folder: Path) -> tuple[str, ...]:
    with zipfile.ZipFile(folder / "both.zip", "w") as archive:
        archive.writestr("books/items.csv", csv(ITEMS))
        archive.writestr("books/events.csv", csv(EVENTS))
        archive.writestr("README.md", "about")
    return "both.zip:items.csv", "both.zip:events.csv"


def lines(folder: Path) -> tuple[str, ...]:
    (folder / "items.jsonl").write_text(ITEMS.write_ndjson())
    (folder / "events.jsonl.gz").write_bytes(gzip.compress(EVENTS.write_ndjson().encode()))
    return "items.jsonl", "events.jsonl.gz"


def lists(folder: Path) -> tuple[str, ...]:
    (folder / "items.json").write_text(json.dumps(ITEMS.to_dicts()))
    (folder / "events.json").write_text(json.dumps({"version": 1, "rows": EVENTS.to_dicts()}))
    return "items.json", "events.json"


def parquet(folder: Path) -> tuple[str, ...]:
    ITEMS.write_parquet(folder / "items.parquet")
    EVENTS.write_parquet(folder / "events.parquet")
    return "items.parquet", "events.parquet"


def workbook(folder: Path) -> tuple[str, ...]:
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("fastexcel")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, frame in (("items", ITEMS), ("events", EVENTS)):
        sheet = book.create_sheet(name)
        for row in (frame.columns, *frame.rows()):
            sheet.append(row)
    book.save(folder / "both.xlsx")
    return "both.xlsx:items", "both.xlsx:events"


def sqlite(folder: Path) -> tuple[str, ...]:
    with sqlite3.connect(folder / "both.db") as connection:
        for name, frame in (("items", ITEMS), ("events", EVENTS)):
            connection.execute(f"CREATE TABLE {name} ({', '.join(frame.columns)})")
            marks = ", ".join("?" * frame.width)
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", frame.rows())
    connection.close()
    return "both.db:items", "both.db:events"


def duck(folder: Path) -> tuple[str, ...]:
    with duckdb.connect(str(folder / "both.duckdb")) as connection:
        items, events = ITEMS, EVENTS
        for name, frame in (("items", items), ("events", events)):
            connection.register("frame", frame.to_arrow())
            connection.execute(f"CREATE TABLE {name} AS FROM frame")
    return "both.duckdb:items", "both.duckdb:events"


KINDS = {
    "csv": delimited(".csv"),
    "csv, semicolons and decimal commas": delimited(".csv", ";", decimal_comma=True),
    "csv, tabs": delimited(".csv", "\t"),
    "csv, Windows encoding": delimited(".csv", encoding="cp1252"),
    "csv, UTF-16": delimited(".csv", encoding="utf-16"),
    "txt, bars": delimited(".txt", "|"),
    "csv.gz": packed,
    "zip": archives,
    "jsonl and jsonl.gz": lines,
    "json": lists,
    "parquet": parquet,
    "xlsx": workbook,
    "SQLite": sqlite,
    "DuckDB": duck,
}


SAID = {  # what the suffix does not tell
    "csv, semicolons and decimal commas": 'delimiter = ";"\ndecimal = ","',
    "csv, tabs": 'delimiter = "\\t"',
    "csv, Windows encoding": 'encoding = "cp1252"',
    "csv, UTF-16": 'encoding = "utf-16"',
    "txt, bars": 'delimiter = "|"',
}


def toml_of(places: tuple[str, ...], said: str = "") -> str:
    quoted = []
    for place in places:
        path, _, table = place.partition(":") if "://" not in place else (place, "", "")
        quoted.append(f'"{path}"\n{said}' + (f'\ntable = "{table}"' if table else ""))
    return TOML.format(items=quoted[0], events=quoted[1])


def check(catalog) -> None:
    assert catalog.items["title"].to_list() == ITEMS["title"].to_list()
    assert catalog.interactions.drop("position", "split").rows() == EVENTS.rows()
    plots = catalog.fields.filter(label="Plot")["text"].to_list()
    assert plots == ["It rains,\nthen it stops.", "Short"]
    assert catalog.notes == ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_catalogue_reads_the_same_from_every_kind_of_file(kind, tmp_path):
    places = KINDS[kind](tmp_path)
    (tmp_path / "books.toml").write_text(toml_of(places, SAID.get(kind, "")))
    check(read_files(tmp_path / "books.toml"))


@pytest.mark.parametrize("kind", KINDS)
def test_init_drafts_every_kind_of_file(kind, tmp_path):
    files = {tmp_path / place.partition(":")[0] for place in KINDS[kind](tmp_path)}
    draft = draft_catalog(find_tables(files))
    (tmp_path / "drafted.toml").write_text(as_toml(draft, draft.name, tmp_path))
    check(read_files(tmp_path / "drafted.toml"))


def test_a_catalogue_is_read_over_http_with_progress(tmp_path):
    files = {"/items.csv": csv(ITEMS), "/events.csv.gz": gzip.compress(csv(EVENTS))}
    seen = []
    with serve(Downloads(files)) as server:
        (tmp_path / "books.toml").write_text(
            toml_of((f"{server.url}/items.csv", f"{server.url}/events.csv.gz"))
        )
        catalog = read_files(tmp_path / "books.toml", lambda *told: seen.append(told))
    check(catalog)
    assert ("items.csv", len(files["/items.csv"]), len(files["/items.csv"])) in seen


def test_a_catalogue_is_read_from_an_object_store(tmp_path):
    for name, frame in (("items", ITEMS), ("events", EVENTS)):
        with fsspec.open(f"memory://shop/{name}.parquet", "wb") as file:
            buffer = io.BytesIO()
            frame.write_parquet(buffer)
            file.write(buffer.getvalue())
    toml = toml_of(("memory://shop/items.parquet", "memory://shop/events.parquet"))
    (tmp_path / "books.toml").write_text(toml)
    check(read_files(tmp_path / "books.toml"))


def test_what_is_unpacked_goes_away_again(tmp_path):
    (tmp_path / "events.csv.gz").write_bytes(gzip.compress(csv(EVENTS)))
    local = fetch(str(tmp_path / "events.csv.gz"), Form(), "a test")
    made = local.path
    assert made.read_bytes() == csv(EVENTS)
    del local
    assert not made.exists()


def test_every_kind_says_its_columns_and_places():
    for module in kinds().values():
        assert {"columns", "read", "places", "SUFFIXES"} <= set(dir(module))
