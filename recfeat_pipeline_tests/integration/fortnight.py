"""A fortnight on which much goes wrong, on the loopback: what was asked, bought, served and said.

``python -m recfeat_pipeline_tests.integration.fortnight`` prints it as a table.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import polars as pl
from rich.console import Console
from rich.table import Table

from recfeat_pipeline.defs.catalog.assets import catalogue, corpus
from recfeat_pipeline.defs.partitions import range_tags, shards
from recfeat_pipeline.defs.resources import Reporter, resources
from recfeat_pipeline.defs.text.assets import documents
from recfeat_pipeline.defs.text.scraping import ask
from recfeat_pipeline.guard import decide, suspicious
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.sources import sources
from recfeat_pipeline_tests.integration.automation_world import GROUPS, write_films
from recfeat_pipeline_tests.servers.films import Film, made_up_films
from recfeat_pipeline_tests.servers.tmdb_server import KEY, TmdbServer

N = 60
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class World:
    folder: Path
    server: TmdbServer
    films: list[Film]
    instance: dg.DagsterInstance
    bought: set[str] = field(default_factory=set)

    @property
    def lake(self) -> Lake:
        return Lake(Settings().lake)

    def edit(self, text: Callable[[Film], str], films: list[Film] | None = None) -> None:
        for film in self.films if films is None else films:
            self.server.change(film.tmdb_id, overview=text(film))

    def heal(self) -> None:
        self.edit(lambda film: film.overview)

    def export(self, change: Callable[[pl.DataFrame], pl.DataFrame] | None = None) -> None:
        write_films(self.folder, self.films)
        if change:
            path = self.folder / "items.parquet"
            change(pl.read_parquet(path)).write_parquet(path)

    def decide(self, decision: str) -> None:
        for stage in suspicious(self.lake):
            decide(self.lake, stage, decision)


def simulate(folder: Path) -> list[dict]:
    """Every day of the fortnight: fault, requests, calls bought, what serves, what was said."""
    films = made_up_films(N)
    with TmdbServer(films) as server, dg.instance_for_test() as instance:
        os.environ["RECFEAT_TMDB_BASE_URL"] = server.url
        world = World(folder, server, films, instance)
        world.export()
        return [_day(world, number, *day) for number, day in enumerate(_days(world), 1)]


def _days(world: World) -> list[tuple[str, Callable[[], None], str]]:
    def nothing() -> None:
        pass

    few = world.films[3:5]
    return [
        ("first load", nothing, ""),
        ("quiet", nothing, ""),
        ("two films edited", lambda: world.edit(lambda f: f"Rewritten {f.title}.", few), ""),
        ("all overviews emptied", lambda: world.edit(lambda f: ""), ""),
        ("the source heals", world.heal, ""),
        ("one placeholder for all", lambda: world.edit(lambda f: "Coming soon."), "rejected"),
        ("rejected; still broken", nothing, ""),
        ("the source heals", world.heal, ""),
        ("titles all null", lambda: world.export(
            lambda items: items.with_columns(title=pl.lit(None, pl.String))), ""),
        ("an export of 25 of 60 rows", lambda: world.export(lambda items: items.head(25)), ""),
        ("the export is whole", world.export, ""),
        ("one item leaves", lambda: world.export(lambda items: items.head(N - 1)), ""),
        ("all texts rewritten", lambda: world.edit(lambda f: f"{f.title}, told anew."), "accepted"),
        ("accepted", nothing, ""),
    ]  # fmt: skip


def _day(world: World, number: int, fault: str, happens: Callable[[], None], decision: str) -> dict:
    happens()
    world.server.reset_counts()
    said = _run(world)
    hashes = set(world.lake.read("documents")["content_hash"])
    calls = len(hashes - world.bought) * GROUPS
    world.bought |= hashes
    if decision:
        world.decide(decision)
    held = world.lake.read("documents")
    return {
        "day": number,
        "what happens": fault,
        "requests": sum(world.server.counts.values()),
        "calls bought": calls,
        "documents": held.height,
        "median characters": int(held["n_chars"].median() or 0),
        "said": said,
        "typed": f"recfeat text {decision.removesuffix('ed')}" if decision else "",
    }


def _run(world: World) -> str:
    """The catalogue, the scrape and the documents of a day; what the alert says of a failure."""
    common = {
        "resources": resources(Settings(), Reporter()),
        "instance": world.instance,
        "run_config": QUIET,
    }
    said = _failure(dg.materialize([catalogue, corpus], raise_on_error=False, **common))
    if said:
        return said
    names = shards.get_partition_keys()
    for source in sources(Settings()):
        ask(source, world.lake, list(names), True, lambda done, total: None)
    result = dg.materialize([documents], raise_on_error=False, tags=range_tags(names), **common)
    return _failure(result)


def _failure(result: dg.ExecuteInProcessResult) -> str:
    for event in result.get_step_failure_events():
        error = event.step_failure_data.error
        while error and error.cause:
            error = error.cause
        return str(error.message if error else "").partition(": ")[2].strip()
    return ""


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        os.environ |= {
            "RECFEAT_LAKE": str(place / "lake"),
            "RECFEAT_CATALOG": str(place / "catalog.toml"),
            "TMDB_API_KEY": KEY,
        }
        rows = simulate(place)
    table = Table(box=None)
    for column in rows[0]:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console(width=200).print(table)
