"""Damaged and unusual files, and what reading each of them must say.

``python -m recfeat_pipeline_tests.unit.catalog.damaged`` prints the table.
"""

import contextlib
import gzip
import io
import json
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from recfeat_pipeline.catalog.files import read_files
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline_tests.servers.downloads import Downloads, serve

ITEMS = """\
id,title,plot
1,Émile,A boy grows up.
2,Tea,"It rains, then it stops."
3,Coffee,Short
4,Milk,A cow.
"""
EVENTS = """\
user,item,rating,time
7,1,4.5,1600000000
7,2,3.0,1600000100
8,1,1.5,1600000200
8,3,5.0,1600000300
9,4,2.5,1600000400
9,3,4.0,1600000500
"""
TOML = """\
name = "shop"
[items]
path = "items.csv"
id = "id"
title = "title"
[items.document]
Plot = "plot"
[interactions]
path = "events.csv"
user = "user"
item = "item"
rating = "rating"
timestamp = "time"
"""
ROWS = [tuple(line.split(",")) for line in EVENTS.splitlines()[1:]]
FRAME = pl.read_csv(io.StringIO(EVENTS))

Content = str | bytes | Callable[[Path], None]


@dataclass(frozen=True)
class Damaged:
    """One catalogue with something amiss, or unusual; ``said`` is in the sentence."""

    what: str
    said: tuple[str, ...]  # of the error, or of the notes; none: read whole, without a word
    files: dict[str, Content] = field(default_factory=dict)  # in place of the good ones
    keys: str = ""  # further lines of [interactions]
    old: str = ""  # in the catalogue file, replaced by ``new``
    new: str = ""
    read: bool = False  # it is read, and ``said`` is told beside
    rows: int = len(ROWS)  # that are read

    def write(self, folder: Path) -> Path:
        """The catalogue's files; the path of its TOML."""
        for name, content in {"items.csv": ITEMS, "events.csv": EVENTS, **self.files}.items():
            if callable(content):
                content(folder / name)
            else:
                data = content if isinstance(content, bytes) else content.encode()
                (folder / name).write_bytes(data)
        toml = TOML.replace(self.old, self.new) if self.old else TOML
        (folder / "shop.toml").write_text(f"{toml}{self.keys}\n", encoding="utf-8")
        return folder / "shop.toml"

    def outcome(self, folder: Path) -> tuple[bool, int, str]:
        """Whether it is read, how many rows, and what is said."""
        try:
            catalog = read_files(self.write(folder))
        except RecfeatError as error:
            return False, 0, str(error).replace(f"{folder}/", "")
        notes = "; ".join(note.message for note in catalog.notes)
        return True, catalog.interactions.height, notes.replace(f"{folder}/", "")


def events(old: str, new: str, count: int = 1) -> dict[str, Content]:
    """The events with a piece replaced; once, or everywhere with ``count=-1``."""
    assert old in EVENTS
    return {"events.csv": EVENTS.replace(old, new, count)}


def items(old: str, new: str, count: int = 1) -> dict[str, Content]:
    """The items with a piece replaced."""
    assert old in ITEMS
    return {"items.csv": ITEMS.replace(old, new, count)}


def column(name: str, values: list) -> dict[str, Content]:
    """The events with another column."""
    return {"events.csv": FRAME.with_columns(pl.Series(name, values, strict=False)).write_csv()}


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


def at(place: str) -> dict[str, str]:
    """The events lie elsewhere."""
    return {"old": 'path = "events.csv"', "new": f'path = "{place}"'}


LINES = FRAME.write_ndjson()
PACKED = gzip.compress(EVENTS.encode())
HTML = '"<p>A &amp; B<br>say<script>steal()</script> <b>hi</b></p>"'

TEXT = [
    Damaged(
        "a quotation mark that is never closed",
        ("events.csv, line 2", "opened and never closed"),
        events("7,1", '"7,1'),
    ),
    Damaged(
        "the same in the items", ("items.csv, line 2", "quotation mark"), items("A boy", '"A boy')
    ),
    Damaged(
        "cut inside a quoted value",
        ("items.csv, line 3", "never closed (or the file is cut short)"),
        {"items.csv": ITEMS[:52]},
    ),
    Damaged(
        "two stray marks, rows apart",
        ("events.csv, line 2", "closed only in a later row", "5 rows would become one value"),
        {"events.csv": EVENTS.replace("7,1", '"7,1').replace("9,3", '9",3')},
    ),
    Damaged(
        "one item swallows the next",
        ("items.csv, line 4", "closed only in a later row"),
        items("Short\n4,Milk,A cow.", '"Short\n4,Milk,A cow."'),
    ),
    Damaged(
        "text behind a closing mark",
        ("items.csv, line 5", "behind a closing quotation mark"),
        items("A cow.", '"A" cow.'),
    ),
    Damaged(
        "a row with a field too few",
        ("events.csv, line 5: 3 fields where the header has 4",),
        events("8,3,5.0,1600000300", "8,3,5.0"),
    ),
    Damaged(
        "a row with a field too many",
        ("events.csv, line 5: 5 fields",),
        events("8,3,5.0", "8,3,5,0"),
    ),
    Damaged(
        "cut in the middle of a row",
        ("events.csv, line 7: 3 fields", "cut short"),
        {"events.csv": EVENTS[:-14]},
    ),
    Damaged("cut in the middle of a value", (), {"events.csv": EVENTS[:-5]}),
    Damaged("an empty file", ("events.csv is empty",), {"events.csv": ""}),
    Damaged(
        "a header alone", ("events.csv has no rows",), {"events.csv": "user,item,rating,time\n"}
    ),
    Damaged(
        "no header", ("no column 'user'", "there is '7'"), {"events.csv": EVENTS.partition("\n")[2]}
    ),
    Damaged("semicolons in a .csv", ("delimiter = ';'",), events(",", ";", -1)),
    Damaged("tabs in a .csv", ("delimiter = '\\t'",), events(",", "\t", -1)),
    Damaged(
        "a delimiter of two characters",
        ("line 14", "'::' must be a single character"),
        keys='delimiter = "::"',
    ),
    Damaged("a column named twice", ("two columns named 'item'",), events("rating", "item")),
    Damaged("a column of another name", ("did you mean 'ratings'?",), events("rating", "ratings")),
    Damaged("a byte order mark", (), {"events.csv": "\ufeff" + EVENTS}),
    Damaged("lines that end as in Windows", (), events("\n", "\r\n", -1)),
    Damaged("lines that end as on old Macs", (), events("\n", "\r", -1)),
    Damaged("blank lines at the end", (), {"events.csv": EVENTS + "\n\n"}),
    Damaged("a blank line between rows", (), events("8,1", "\n8,1")),
    Damaged("no line end at the end", (), {"events.csv": EVENTS.rstrip()}),
    Damaged(
        "a comment before the header",
        ("there is '# exported'",),
        {"events.csv": "# exported\n" + EVENTS},
    ),
    Damaged(
        "another encoding, unsaid",
        ("items.csv, line 2", 'encoding = "cp1252"'),
        {"items.csv": ITEMS.encode("cp1252")},
    ),
    Damaged("UTF-16, unsaid", ('encoding = "utf-16"',), {"items.csv": ITEMS.encode("utf-16")}),
    Damaged(
        "an encoding of no name", ("'latin-99' names no encoding",), keys='encoding = "latin-99"'
    ),
    Damaged(
        "an encoding that does not fit",
        ("not ascii text", "name another encoding"),
        {"events.csv": EVENTS.encode() + b"\xff\n"},
        keys='encoding = "ascii"',
    ),
    Damaged(
        "zero bytes in a row",
        ("1 rows of items that are not in [items]",),
        events("8,3", "8,\0"),
        read=True,
        rows=5,
    ),
    Damaged("a value of 200,000 characters", (), items("Short", "word " * 40_000)),
    Damaged("a line break in a quoted value", (), items("Short", '"Sh\nort"')),
    Damaged("marks written twice", (), items("Short", '"So ""short"""')),
    Damaged(
        "tabs, and an inch mark",
        (),
        {"events.tsv": EVENTS.replace(",", "\t").replace("\n", '\t5"\n')},
        **at("events.tsv"),
    ),
    Damaged("HTML in a field", ("1 texts hold HTML",), items("Short", HTML), read=True),
]
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
VALUES = [
    Damaged(
        "days and months that nobody can tell apart",
        ("line 2", "'03/04/2021'", '"%d/%m/%Y"', '"%m/%d/%Y"', "2024-03-31"),
        column("time", ["03/04/2021"] * 6),
    ),
    Damaged(
        "a date format that does not fit",
        ("line 2", "'03/04/2021' is not a time"),
        column("time", ["03/04/2021"] * 6),
        keys='date_format = "%Y.%m.%d"',
    ),
    Damaged(
        "a date format that fits",
        (),
        column("time", ["03/04/2021"] * 6),
        keys='date_format = "%d/%m/%Y"',
    ),
    Damaged(
        "some times that are none",
        ("1 rows whose timestamp is not a time: kept, without order",),
        events("1600000200", "soon"),
        read=True,
    ),
    Damaged(
        "seconds and milliseconds in one column",
        ("1 times are in milliseconds; converted",),
        events("1600000200", "1600000200000"),
        read=True,
    ),
    Damaged(
        "times before 1970 and after 2099",
        ("2 timestamps outside 1970-2099",),
        column("time", [-5, 9_999_999_999, *FRAME["time"][2:]]),
        read=True,
    ),
    Damaged(
        "times that count",
        ("counts rather than tells the time",),
        column("time", [0, 1, 0, 1, 0, 1]),
        read=True,
    ),
    Damaged(
        "decimal commas, unsaid",
        ("'4,5' is not a number", 'decimal = ","'),
        column("rating", ["4,5"] * 6),
    ),
    Damaged(
        "a rating that is a word",
        ("1 rows whose rating is not a number dropped",),
        events("1.5", "good"),
        read=True,
        rows=5,
    ),
    Damaged(
        "ratings that are mostly words",
        ("line 2", "'good' is not a number", "is it the right one?"),
        column("rating", ["good"] * 5 + ["5"]),
    ),
    Damaged("ratings of NA and nan", (), column("rating", ["NA", "nan", "", "5", "4", "3"])),
    Damaged(
        "one id with two titles",
        ("line 4 and line 5", "'Coffee' and 'Milk'"),
        items("4,Milk", "3,Milk"),
    ),
    Damaged(
        "an item row repeated",
        ("1 repeated item rows dropped",),
        {"items.csv": ITEMS + "4,Milk,A cow.\n"},
        read=True,
    ),
    Damaged(
        "items that are not in the catalogue",
        ("1 rows of items that are not in [items] dropped",),
        events("9,4", "9,44"),
        read=True,
        rows=5,
    ),
    Damaged(
        "no item that is in the catalogue",
        ("line 2", "neither 'x0' nor any other item id"),
        column("item", [f"x{i}" for i in range(6)]),
    ),
    Damaged(
        "zeros before ids",
        ("neither '001' nor any other item id",),
        column("item", [f"00{i}" for i in FRAME["item"]]),
    ),
    Damaged(
        "rows without a user",
        ("1 rows without user or item dropped",),
        events("8,1", ",1"),
        read=True,
        rows=5,
    ),
    Damaged("no user at all", ("all 6 rows are rows without user",), column("user", [""] * 6)),
    Damaged(
        "a user who meets an item twice",
        ("1 repeats of a (user, item) pair dropped",),
        {"events.csv": EVENTS + "7,1,2.0,1600009999\n"},
        read=True,
    ),
    Damaged("numbers and words for users", (), events("8,1", "u8,1")),
    Damaged("an item without a title", ("1 items without title",), items("Coffee", ""), read=True),
    Damaged(
        "a threshold that nothing passes",
        ("all 6 rows are rows whose rating is below 9",),
        keys="positive_from = 9",
    ),
    Damaged(
        "a split of another word",
        ("line 7", "'later' is none of train, valid, test"),
        column("part", ["train"] * 5 + ["later"]),
        keys='split = "part"',
    ),
]
PLACES = [
    Damaged("a file of a near name", ("did you mean 'events.csv'?",), **at("event.csv")),
    Damaged("a folder for a file", ("e is a folder",), {"e": lambda path: path.mkdir()}, **at("e")),
    Damaged(
        "a kind of file that is not read",
        ("e.docx is of no kind that is read", ".parquet"),
        {"e.docx": b"PK"},
        **at("e.docx"),
    ),
    Damaged(
        "an address that does not answer",
        (
            "http://127.0.0.1:9/events.csv cannot be fetched",
            "refused|Cannot connect|Connect call failed",
        ),
        **at("http://127.0.0.1:9/events.csv"),
    ),
    Damaged(
        "an address with no such file",
        ("cannot be fetched", "404|Not Found|no such file"),
        **at("{server}/nothing.csv"),
    ),
    Damaged(
        "a server that hangs up halfway",
        ("cannot be fetched", "received 40 of 136"),
        **at("{server}/events.csv"),
    ),
]
DAMAGED = [*TEXT, *PACKS, *JSON, *BINARY, *VALUES, *PLACES]


@contextlib.contextmanager
def server():
    """A file server that hangs up after 40 bytes; its address."""
    with serve(Downloads({"/events.csv": EVENTS.encode()}, drop_after=40)) as running:
        yield running.url


def outcome(case: Damaged, url: str) -> tuple[bool, int, str]:
    """What becomes of one case."""
    with tempfile.TemporaryDirectory() as folder:
        case = replace(case, new=case.new.replace("{server}", url))
        read, rows, said = case.outcome(Path(folder))
        return read, rows, said.replace(url, "http://127.0.0.1")


if __name__ == "__main__":
    print("| the file | rows read | what is said |\n|---|--:|---|")
    with server() as url:
        for each in DAMAGED:
            _, n_rows, sentence = outcome(each, url)
            print(f"| {each.what} | {n_rows} | {sentence or '–'} |")
