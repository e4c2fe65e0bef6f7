"""A tiny catalogue in files that a test can edit, and its lake."""

from pathlib import Path

import polars as pl

from recfeat_pipeline_tests.servers.films import Film, items_of

N_FILMS = 24
GROUPS = 6  # calls per film
CATALOG = """
name = "tiny"
[items]
path = "items.parquet"
id = "id"
title = "title"
[items.document]
Overview = "overview"
[interactions]
path = "interactions.parquet"
user = "user"
item = "item"
timestamp = "timestamp"
[corpus]
more_than_item_interactions = 0
min_user_interactions = 2
"""


def write_catalog(folder: Path, changed: dict[int, str] | None = None) -> str:
    """Two dozen films and a dozen users; returns the catalogue file.

    Args:
        folder: where the files go.
        changed: film id to another overview than the usual one.
    """
    ids = range(1, N_FILMS + 1)
    texts = [f"In film {i} somebody learns number {i}." for i in ids]
    for film, text in (changed or {}).items():
        texts[film - 1] = text
    titles = [f"Film {i} ({1950 + i})" for i in ids]
    pl.DataFrame({"id": ids, "title": titles, "overview": texts}).write_parquet(
        folder / "items.parquet"
    )
    _write_interactions(folder, N_FILMS)
    path = folder / "catalog.toml"
    path.write_text(CATALOG)
    return str(path)


def write_films(folder: Path, films: list[Film]) -> str:
    """A catalogue of films that only the text sources describe; returns its file."""
    items_of(films).drop("creators").write_parquet(folder / "items.parquet")
    _write_interactions(folder, len(films))
    path = folder / "catalog.toml"
    keys = 'id = "item_id"\ntitle = "title"\nyear = "year"\nimdb_id = "imdb_id"\n'
    path.write_text(
        CATALOG.replace('id = "id"\ntitle = "title"\n', keys + 'tmdb_id = "tmdb_id"\n').replace(
            '[items.document]\nOverview = "overview"\n', ""
        )
    )
    return str(path)


def write_version(folder: Path, name: str, line: str) -> None:
    """A prompt version of one's own: the built-in one with another calibration."""
    (folder / name).mkdir(parents=True)
    (folder / name / "version.toml").write_text(
        f'name = "{name}"\nextends = "genome132-v1"\ndescription = "A test\'s."\n'
    )
    (folder / name / "calibration.md").write_text(f"{line}\nAnswer with {{{{ echo }}}}\n")


def _write_interactions(folder: Path, n_films: int) -> None:
    rows = [
        {"user": user, "item": (7 * user + i) % n_films + 1, "timestamp": 100 * user + i}
        for user in range(12)
        for i in range(8)
    ]
    pl.DataFrame(rows).write_parquet(folder / "interactions.parquet")
