"""Damaged files: what `recfeat check` says of a few; `unit/catalog/damaged/` has them all."""

import gzip

from recfeat_pipeline_tests.integration.cli_world import events
from recfeat_pipeline_tests.integration.mistakes.catalog import CHECK, broken, rewritten, spec
from recfeat_pipeline_tests.integration.mistakes.place import Mistake, Place


def named(file: str, content: str | bytes, keys: str = ""):
    """The good catalogue whose events are another file, with further keys."""

    def prepare(place: Place) -> None:
        place.catalog('path = "events.csv"', f'path = "{file}"\n{keys}')
        place.write(file, content)

    return prepare


def events_as(rows) -> str:
    return "user,item,rating,time\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)


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
        "an encoding that is not the file's",
        CHECK,
        ("items.csv", "line 2", "not UTF-8", 'encoding = "cp1252"'),
        rewritten("items.csv", "id,title,genres,plot\n1,Amélie,x,y\n".encode("cp1252")),
    ),
    Mistake(
        "days and months in an order that nobody can tell",
        CHECK,
        ("events.csv, line 2", "'03/04/2021'", '"%d/%m/%Y"', '"%m/%d/%Y"', "2024-03-31"),
        rewritten("events.csv", DATES),
    ),
    Mistake(
        "a .gz that was cut",
        CHECK,
        ("events.csv.gz cannot be unpacked", "copied whole"),
        named("events.csv.gz", PACKED[:-40]),
    ),
    Mistake(
        "an address that does not answer",
        CHECK,
        ("http://127.0.0.1:9/events.csv cannot be fetched", "fetch the file"),
        spec('path = "events.csv"', 'path = "http://127.0.0.1:9/events.csv"'),
    ),
    Mistake(
        "a split by time of few times",
        "check little.toml --split global_time",
        ("global_time", "only 1 distinct times", "0 events in train", "another split"),
        rewritten("events.csv", SAME_TIME),
    ),
]
