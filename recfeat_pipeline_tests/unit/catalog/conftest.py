"""A catalogue on disk, small enough to compute by hand, and ways to spoil it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recfeat_pipeline.catalog.files import read_files
from recfeat_pipeline.catalog.types import Catalog

FILES = {
    "catalog.toml": """\
name = "tiny"
[items]
path = "items.csv"
id = "id"
title = "name"
[items.document]
Genres = "kinds"
Plot = "plot"
[interactions]
path = "log.csv"
user = "who"
item = "what"
rating = "stars"
timestamp = "at"
[tags]
path = "tags.csv"
item = "id"
tag = "tag"
relevance = "weight"
[corpus]
more_than_item_interactions = 1
min_user_interactions = 1
max_user_interactions = 10
""",
    "items.csv": """\
id,name,kinds,plot
1,Alpha (1990),Drama|War,"A plot,
on two lines"
2,Beta (1991),Comedy,
3,Gamma,(no genres listed),Short
""",
    "log.csv": """\
who,what,stars,at
7,1,4.0,1000
7,2,3.5,2000
8,1,,1500
8,3,5,2500
9,1,1,
""",
    "tags.csv": """\
id,tag,weight
1,war,0.9
2,funny,
""",
}


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Catalog]:
    """Read the tiny catalogue, some of whose files are given whole: ``read(**{"log.csv": …})``."""

    def _read(**files: str | bytes) -> Catalog:
        for name, content in {**FILES, **files}.items():
            data = content if isinstance(content, bytes) else content.encode()
            (tmp_path / name).write_bytes(data)
        return read_files(tmp_path / "catalog.toml")

    return _read


def replaced(name: str, old: str, new: str) -> dict[str, str]:
    """One file of the tiny catalogue with a piece replaced."""
    assert old in FILES[name]
    return {name: FILES[name].replace(old, new, 1)}
