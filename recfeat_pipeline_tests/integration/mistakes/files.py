"""Damaged and unusual files: what `recfeat check` says of each."""

import gzip
import json

from recfeat_pipeline_tests.integration.cli_world import events
from recfeat_pipeline_tests.integration.mistakes.catalog import CHECK, broken, rewritten, spec
from recfeat_pipeline_tests.integration.mistakes.place import Mistake, Place


def named(file: str, content: str | bytes, keys: str = ""):
    """The good catalogue whose events are another file, with further keys."""

    def prepare(place: Place) -> None:
        place.catalog('path = "events.csv"', f'path = "{file}"\n{keys}')
        place.write(file, content)

    return prepare


def keyed(keys: str, old: str = "", new: str = ""):
    """The good catalogue with further keys of [interactions], its events changed throughout."""

    def prepare(place: Place) -> None:
        place.catalog('path = "events.csv"', f'path = "events.csv"\n{keys}')
        path = place.folder / "events.csv"
        path.write_text(path.read_text().replace(old, new) if old else path.read_text())

    return prepare


def events_as(rows) -> str:
    return "user,item,rating,time\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)


def quoted_titles() -> str:
    """Two stray quotation marks, 86 rows apart: each row between them would be swallowed."""
    rows = [list(row) for row in events().rows()]
    rows[4][0], rows[90][0] = f'"{rows[4][0]}', f'{rows[90][0]}"'
    return events_as(rows)


DATES = events_as((u, i, r, "03/04/2021") for u, i, r, _ in events().rows())
SAME_TIME = events_as((u, i, r, 1_400_000_000) for u, i, r, _ in events().rows())
PACKED = gzip.compress(events().write_csv().encode())

MISTAKES = [
    Mistake(
        "a quotation mark that is never closed",
        CHECK,
        ("items.csv, line 4", "opened and never closed", "cut short", 'quote = ""'),
        broken("items.csv", "In film 2", '"In film 2'),
    ),
    Mistake(
        "a file cut short inside a quoted value",
        CHECK,
        ("items.csv, line 3", "never closed (or the file is cut short)"),
        rewritten("items.csv", 'id,title,genres,plot\n1,A,x,y\n2,B,x,"half a pl'),
    ),
    Mistake(
        "two stray quotation marks that swallow the rows between them",
        CHECK,
        ("events.csv, line 6", "closed only in a later row", "86 rows would become one value"),
        rewritten("events.csv", quoted_titles()),
    ),
    Mistake(
        "an item that would become another's plot",
        CHECK,
        ("items.csv, line 4", "closed only in a later row", "1 rows would become one value"),
        lambda place: (
            place.catalog(),
            place.change("items.csv", "In film 2 friends", '"In film 2 friends'),
            place.change("items.csv", "3,The Film Number 2", "3,The Film Number 2"),
            place.change(
                "items.csv",
                "In film 3 friends face betrayal and a dark love.",
                'In film 3 friends face betrayal and a dark love."',
            ),
        ),
    ),
    Mistake(
        "text behind a closing quotation mark",
        CHECK,
        ("items.csv, line 4", "behind a closing quotation mark", "write it twice"),
        broken("items.csv", "In film 2", '"In film" 2'),
    ),
    Mistake(
        "another delimiter than the suffix says",
        CHECK,
        ("events.csv has no column 'user'", "parted by ';'", "delimiter = ';'"),
        keyed("", ",", ";"),
    ),
    Mistake(
        "an encoding that is not the file's",
        CHECK,
        ("items.csv", "line 2", "not UTF-8", 'encoding = "cp1252"'),
        rewritten("items.csv", "id,title,genres,plot\n1,Amélie,x,y\n".encode("cp1252")),
    ),
    Mistake(
        "an encoding of no name",
        CHECK,
        ("[interactions] 'encoding'", "'latin-99' names no encoding", "cp1252"),
        keyed('encoding = "latin-99"'),
    ),
    Mistake(
        "a delimiter of two characters",
        CHECK,
        ("'::'", "single character"),
        keyed('delimiter = "::"'),
    ),
    Mistake(
        "days and months in an order that nobody can tell",
        CHECK,
        ("events.csv, line 2", "'03/04/2021'", '"%d/%m/%Y"', '"%m/%d/%Y"', "2024-03-31"),
        rewritten("events.csv", DATES),
    ),
    Mistake(
        "a date format that does not fit",
        CHECK,
        ("events.csv, line 2", "'03/04/2021' is not a time", "right one"),
        named("events.csv", DATES, 'date_format = "%Y.%m.%d"'),
    ),
    Mistake(
        "decimal commas that are not said",
        CHECK,
        ("events.csv, line 2", "'4,5' is not a number"),
        rewritten("events.csv", events_as((u, i, '"4,5"', t) for u, i, _, t in events().rows())),
    ),
    Mistake(
        "a .gz that was cut",
        CHECK,
        ("events.csv.gz cannot be unpacked", "copied whole"),
        named("events.csv.gz", PACKED[:-40]),
    ),
    Mistake(
        "a .zip that is none",
        CHECK,
        ("events.zip cannot be unpacked", "copied whole"),
        named("events.zip", b"PK but no archive"),
    ),
    Mistake(
        "a line that is no JSON",
        CHECK,
        ("events.jsonl, line 2", "not valid JSON", "cut short"),
        named("events.jsonl", '{"user": 1, "item": 1, "rating": 1, "time": 1}\n{"user": 1, "it'),
    ),
    Mistake(
        "JSON that is no list of rows",
        CHECK,
        ("events.json holds 0 lists", ".jsonl"),
        named("events.json", json.dumps({"user": 1})),
    ),
    Mistake(
        "a workbook that is none",
        CHECK,
        ("events.xlsx is no readable workbook", "save it again"),
        named("events.xlsx", b"PK but no workbook"),
    ),
    Mistake(
        "a database that is none",
        CHECK,
        ("events.db cannot be read as a DuckDB or SQLite file", "damaged"),
        named("events.db", b"SQLite format 3\0 and nothing else" * 40),
    ),
    Mistake(
        "an address that does not answer",
        CHECK,
        ("http://127.0.0.1:9/events.csv cannot be fetched", "fetch the file"),
        spec('path = "events.csv"', 'path = "http://127.0.0.1:9/events.csv"'),
    ),
    Mistake(
        "a threshold that nothing passes",
        CHECK,
        ("events.csv", "all 600 rows are rows whose rating is below 9"),
        keyed("positive_from = 9"),
    ),
    Mistake(
        "a split by time of few times",
        "check little.toml --split global_time",
        ("global_time", "only 1 distinct times", "0 events in train", "another split"),
        rewritten("events.csv", SAME_TIME),
    ),
]
