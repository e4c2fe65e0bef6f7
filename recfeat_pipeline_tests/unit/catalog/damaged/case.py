"""A catalogue with something amiss, or unusual, and what becomes of it."""

import contextlib
import io
import tempfile
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


def at(place: str) -> dict[str, str]:
    """The events lie elsewhere."""
    return {"old": 'path = "events.csv"', "new": f'path = "{place}"'}


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
