"""Every kind of id, with and without each table and column that may be absent, through a whole run.

An absent table is written without rows, and whoever joins it must find ids of the catalogue's kind.
"""

import html
import shlex
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.explore.library import read_library
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import open_store
from recfeat_pipeline_tests.integration.cli_world import (
    CATALOG,
    N_ITEMS,
    events,
    items,
    run,
    tags,
)

NEWCOMER, NEW_PLOT = N_ITEMS + 1, "In a new film friends face a dark love that nobody has seen."


@dataclass(frozen=True)
class Case:
    """What the catalogue has."""

    text_ids: bool
    with_tags: bool
    with_columns: bool  # document, rating, time

    def __str__(self) -> str:
        ids = "text" if self.text_ids else "integer"
        tables = "tags" if self.with_tags else "no-tags"
        return f"{ids}-{tables}-{'columns' if self.with_columns else 'bare'}"

    def write(self, folder: Path) -> Path:
        """The catalogue's files."""
        new = {"id": NEWCOMER, "title": "The Newcomer (2020)", "genres": "Drama", "plot": NEW_PLOT}
        with_new = pl.concat([items(), pl.DataFrame([new], schema=items().schema)])
        for name, frame, column in (
            ("items", with_new, "id"), ("events", events(), "item"), ("tags", tags(), "item"),
        ):  # fmt: skip
            if self.text_ids:
                frame = frame.with_columns(pl.format("B00{}", column).alias(column))
            frame.write_csv(folder / f"{name}.csv")
        toml = CATALOG
        if not self.with_tags:
            toml = toml[: toml.index("[tags]")] + toml[toml.index("[corpus]") :]
        if not self.with_columns:
            lines = toml.splitlines(keepends=True)
            toml = "".join(line for line in lines if not _is_optional(line))
        path = folder / "little.toml"
        path.write_text(toml)
        return path

    def item(self, number: int) -> str:
        """An item's id, as a user writes it."""
        return f"B00{number}" if self.text_ids else str(number)


def check_newcomer(item: str, lake: Lake, capsys) -> None:
    """An item that nobody met is outside the corpus, and has features wherever they are shown."""
    known = lake.read("items").filter(pl.col("item_id").cast(pl.String) == item)
    assert known["in_corpus"].to_list() == [False]
    near = run(capsys, "neighbours", item, "--json")
    assert near.code == 0, near.err
    assert near.json["neighbours"]
    assert run(capsys, "export", "scores.parquet").code == 0
    exported = pl.read_parquet("scores.parquet")["item_id"].cast(pl.String).to_list()
    assert item in exported
    with open_store(lake) as store:
        library = read_library(store)
    row = library.row_of(item)
    [(version, scores)] = library.scores.items()
    assert row is not None
    assert not np.isnan(scores[row]).any(), f"{version} has no scores of it to explore"


def check_again(lake: Lake, elsewhere: Path, monkeypatch, capsys) -> None:
    """What the report says under "Do it again" is found and read, pasted into a new lake."""
    lines = lake.read_note("command")["lines"]
    assert all(
        html.escape(line) in (lake.state / "report/report.html").read_text() for line in lines
    )
    monkeypatch.chdir("/")
    for verb, *words in map(shlex.split, lines):
        match verb:
            case "cd":
                monkeypatch.chdir(words[0])
            case "export":
                monkeypatch.setenv(*words[0].split("=", 1))
            case "recfeat":
                monkeypatch.setenv("RECFEAT_LAKE", str(elsewhere))
                monkeypatch.setenv("DAGSTER_HOME", str(elsewhere / "dagster_home"))
                assert run(capsys, *words, "--until", "catalog").code == 0
    for table in ("items", "events", "examples"):
        assert Lake(elsewhere).read(table).equals(lake.read(table)), table


def _is_optional(line: str) -> bool:
    return line.startswith(("[items.document]", "Genres", "Plot", "rating", "timestamp"))


CASES = [  # ids of numbers with everything go all the way in test_cli_lake.py
    Case(text_ids=False, with_tags=False, with_columns=False),
    Case(text_ids=True, with_tags=True, with_columns=False),
    Case(text_ids=True, with_tags=False, with_columns=True),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_catalogue_goes_all_the_way(case, tmp_path, monkeypatch, capsys):
    catalog = case.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "lake" / "dagster_home"))
    ran = run(
        capsys, "run", "--catalog", catalog, "--arms", "floor,curated,llm", "--seeds", "0",
        "--steps", "2",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    lake = Lake(tmp_path / "lake")
    trained = set(lake.read("runs")["arm"])
    content = {"curated": case.with_tags, "llm": case.with_columns}
    assert trained == {"floor", *(arm for arm, told in content.items() if told)}
    if not case.with_columns:
        assert "Left out: llm. Every item has the same values" in ran.err  # of a title alone: none
    assert lake.exists("report/report.html")
    dtype = pl.String if case.text_ids else pl.Int64
    for table in ("items", "tags", "scores", "events", "ranks", "profiles"):
        schema = lake.read(table).schema
        of_item = schema.get("item_id") or schema.get("target_item_id")
        assert of_item in (None, dtype), table
    if case.with_columns:  # a title alone has no vector but nought
        near = run(capsys, "neighbours", case.item(3), "--json")
        assert near.code == 0, near.err
        assert {str(row["item_id"]) for row in near.json["neighbours"]} <= {
            case.item(n) for n in range(1, NEWCOMER + 1)
        }
        check_newcomer(case.item(NEWCOMER), lake, capsys)
    for what in ("scores", "trained"):
        of_arm = ("--arm", "floor") if what == "trained" else ()
        assert run(capsys, "export", f"{what}.parquet", "--what", what, *of_arm).code == 0
        assert pl.read_parquet_schema(f"{what}.parquet")["item_id"] == dtype
    assert run(capsys, "check", catalog, "--json").code in (0, 3)
    if not case.text_ids:  # once is enough
        check_again(lake, tmp_path / "elsewhere", monkeypatch, capsys)
