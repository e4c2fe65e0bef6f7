"""A fortnight on which much goes wrong, on the loopback: what was asked, bought, served and said.

Its days go through assets in this process; ``python -m bench fortnight`` puts the same ones, and
days on which prompts, keys and processes go wrong, to a real daemon.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import polars as pl

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
from recfeat_pipeline_tests.servers.tmdb_server import TmdbServer

N = 60
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def nothing() -> None:
    pass


@dataclass
class World:
    """The catalogue's files and TMDB, and what may happen to them."""

    folder: Path
    server: TmdbServer
    films: list[Film]

    @property
    def lake(self) -> Lake:
        return Lake(Settings().lake)

    def edit(self, text: Callable[[Film], str], films: list[Film] | None = None) -> None:
        for film in self.films if films is None else films:
            self.server.change(film.tmdb_id, overview=text(film))

    def heal(self) -> None:
        self.edit(lambda film: film.overview)

    def empty(self, first: int, last: int) -> None:
        self.edit(lambda film: "", self.films[first:last])

    def export(self, change: Callable[[pl.DataFrame], pl.DataFrame] | None = None) -> None:
        write_films(self.folder, self.films)
        if change:
            path = self.folder / "items.parquet"
            change(pl.read_parquet(path)).write_parquet(path)


@dataclass(frozen=True)
class Day:
    """What happens in the morning, and what somebody types in the evening."""

    what: str
    happens: Callable[[], None] = nothing
    decision: str = ""  # "accepted" or "rejected"


def bad_days(world: World) -> list[Day]:
    """Two weeks and more; the first day is the first load."""
    untitled = lambda items: items.with_columns(title=pl.lit(None, pl.String))  # noqa: E731
    anew = lambda film: f"{film.title}, told anew."  # noqa: E731
    return [
        Day("first load"),
        Day("quiet"),
        Day("two films edited",
            lambda: world.edit(lambda f: f"Rewritten {f.title}.", world.films[3:5])),
        Day("all overviews emptied", lambda: world.edit(lambda f: "")),
        Day("the source heals", world.heal),
        Day("one placeholder for all", lambda: world.edit(lambda f: "Coming soon."), "rejected"),
        Day("rejected; still broken"),
        Day("the source heals", world.heal),
        Day("titles all null", lambda: world.export(untitled)),
        Day("an export of 25 of 60 rows", lambda: world.export(lambda items: items.head(25))),
        Day("the export is whole", world.export),
        Day("one item leaves", lambda: world.export(lambda items: items.head(N - 1))),
        Day("7 overviews emptied", lambda: world.empty(0, 7)),
        Day("7 more", lambda: world.empty(7, 14)),
        Day("7 more, 35 % in all", lambda: world.empty(14, 21), "rejected"),
        Day("the source heals", world.heal),
        Day("all texts rewritten", lambda: world.edit(anew), "accepted"),
        Day("accepted"),
    ]  # fmt: skip


def simulate(folder: Path) -> list[dict]:
    """Every day: what happens, requests, calls to buy, what serves, what was said."""
    films = made_up_films(N)
    with TmdbServer(films) as server, dg.DagsterInstance.ephemeral() as instance:
        os.environ |= {"RECFEAT_TMDB_BASE_URL": server.url, "RECFEAT_TMDB_RATE": "40"}
        world, bought = World(folder, server, films), set()
        world.lake.remember(n_shards=2)  # fewer files
        world.export()
        return [_day(world, instance, bought, day) for day in bad_days(world)]


def _day(world: World, instance: dg.DagsterInstance, bought: set[str], day: Day) -> dict:
    day.happens()
    world.server.reset_counts()
    said = _run(world, instance)
    hashes = set(world.lake.read("documents")["content_hash"])
    calls = len(hashes - bought) * GROUPS
    bought |= hashes
    for stage in suspicious(world.lake) if day.decision else ():
        decide(world.lake, stage, day.decision)
    held = world.lake.read("documents")
    return {
        "what happens": day.what,
        "requests": sum(world.server.counts.values()),
        "calls": calls,
        "documents": held.height,
        "said": said,
    }


def _run(world: World, instance: dg.DagsterInstance) -> str:
    """The catalogue, the scrape and the documents of a day; what the alert says of a failure."""
    common = {
        "resources": resources(Settings(), Reporter()),
        "instance": instance,
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
