"""A small catalogue of files, and the command line as a user drives it."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from recfeat_pipeline.cli import run_app

N_ITEMS, N_USERS = 16, 60
PER_USER = 10
GENRES = ("Drama", "Comedy", "Horror")
TITLES = [f"The Film Number {i} ({1960 + i})" for i in range(N_ITEMS)]

CATALOG = """\
name = "little"
[items]
path = "items.csv"
id = "id"
title = "title"
[items.document]
Genres = "genres"
Plot = "plot"
[interactions]
path = "events.csv"
user = "user"
item = "item"
rating = "rating"
timestamp = "time"
[tags]
path = "tags.csv"
item = "item"
tag = "tag"
[corpus]
more_than_item_interactions = 5
min_user_interactions = 3
max_user_interactions = 50
"""


@dataclass
class Ran:
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one sentence of a user error."""
        found = re.findall(r"^error: (.*)$", self.err, flags=re.M)
        assert len(found) == 1, f"not one error line: {self.err!r}"
        return found[0]


def run(capsys: Any, *arguments: Any) -> Ran:
    """Run ``recfeat`` in this process."""
    capsys.readouterr()
    code = run_app([str(argument) for argument in arguments])
    shown = capsys.readouterr()
    return Ran(code, shown.out, shown.err)


def items() -> pl.DataFrame:
    """Items 1 to 16; each has every genre of a cycle and a plot that names it."""
    return pl.DataFrame(
        {
            "id": range(1, N_ITEMS + 1),
            "title": TITLES,
            "genres": [GENRES[i % 3] for i in range(N_ITEMS)],
            "plot": [f"In film {i} friends face betrayal and a dark love." for i in range(N_ITEMS)],
        }
    )


def events() -> pl.DataFrame:
    """Each user has ten items in a row, so each item has 37 or 38 users."""
    pairs = [(u, 1 + (u + k) % N_ITEMS) for u in range(N_USERS) for k in range(PER_USER)]
    return pl.DataFrame(
        {
            "user": [f"u{u}" for u, _ in pairs],
            "item": [item for _, item in pairs],
            "rating": [1 + (u + item) % 5 for u, item in pairs],
            "time": [1_400_000_000 + 100 * n for n in range(len(pairs))],
        }
    )


def tags() -> pl.DataFrame:
    """Half of the items carry a tag of the taxonomy's."""
    rows = [(i, tag) for i in range(1, N_ITEMS + 1) for tag in ("dark", "love") if i % 2]
    return pl.DataFrame(rows, schema=["item", "tag"], orient="row")


def write_catalog(folder: Path, toml: str = CATALOG) -> Path:
    """The catalogue file and its tables."""
    items().write_csv(folder / "items.csv")
    events().write_csv(folder / "events.csv")
    tags().write_csv(folder / "tags.csv")
    path = folder / "little.toml"
    path.write_text(toml)
    return path
