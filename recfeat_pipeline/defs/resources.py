"""What assets reach for: the lake, the feature store, the settings, and where to show progress.

Settings are no resource configuration, which Dagster would show in its UI, and the launchpad would
write into each run: the object itself is the resource, as ``dg.ResourceParam[Settings]``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import dagster as dg
import duckdb
from pydantic import PrivateAttr

from recfeat_pipeline.catalog.fetch import Progress as Fetching
from recfeat_pipeline.defs.running import hold
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.migrations import open_lake
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.store import Building


class Progress(Protocol):
    """Called as long work advances."""

    def __call__(self, done: int, total: int, title: str = "", /) -> None:
        """So much of it is done; a title replaces the one that is shown."""


class LakeResource(dg.ConfigurableResource):
    """The lake that every asset reads and writes."""

    settings: dg.ResourceDependency[Settings]

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Show that the run is alive, also in a process that does one step of it."""
        if context.run is not None:
            hold(self.open(), context.run.run_id)

    def open(self) -> Lake:
        """The lake, upgraded if it is an older one."""
        return open_lake(self.settings.lake)


class FeatureStoreResource(dg.ConfigurableResource):
    """The DuckDB feature store. Writers hold ``pool="duckdb"``; everyone else opens read-only."""

    settings: dg.ResourceDependency[Settings]
    _work: Building = PrivateAttr()

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Nothing has been built yet."""
        self._work = Building(Lake(self.settings.lake))

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Publish what this process has built of it."""
        self._work.close()

    @contextmanager
    def get_connection(self, read_only: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that is closed on leaving; read-only unless asked."""
        with self._work.connect(read_only) as connection:
            yield connection


class Reporter:
    """Progress goes nowhere and notes into the run's log; the command line shows both."""

    @contextmanager
    def bar(self, title: str) -> Iterator[Progress]:
        """A progress callback that lives as long as the work does."""
        yield lambda done, total, title="", /: None

    @contextmanager
    def fetching(self) -> Iterator[Fetching | None]:
        """The same for the catalogue's files that are fetched: name, bytes done and in all."""
        yield None

    def note(self, sentence: str) -> None:
        """Something that whoever started the work should know."""
        dg.get_dagster_logger().warning(sentence)


def resources(settings: Settings, reporter: Reporter | None = None) -> dict[str, object]:
    """The resources of the code location, as the settings have them."""
    return {
        "settings": settings,
        "lake": LakeResource(settings=settings),
        "store": FeatureStoreResource(settings=settings),
        "reporter": reporter or Reporter(),
    }
