"""What assets reach for: the lake, the feature store, and somewhere to show progress.

Secrets are no resource configuration, which Dagster shows in its UI; they are read from the
environment at the moment of use (:class:`recfeat_pipeline.settings.Settings`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import dagster as dg
import duckdb
from dagster_duckdb import DuckDBResource
from pydantic import Field

from recfeat_pipeline.defs.running import hold
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.store import open_store


class Progress(Protocol):
    """Called as long work advances."""

    def __call__(self, done: int, total: int, title: str = "", /) -> None:
        """So much of it is done; a title replaces the one that is shown."""


class LakeResource(dg.ConfigurableResource):
    """The lake that every asset reads and writes."""

    root: str = Field(description="Folder or object-store URL of the lake (RECFEAT_LAKE).")

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Show that the run is alive, also in a process that does one step of it."""
        if context.run is not None:
            hold(self.open(), context.run.run_id)

    def open(self) -> Lake:
        """The lake."""
        return Lake(self.root)


class FeatureStoreResource(DuckDBResource):
    """The DuckDB feature store. Writers hold ``pool="duckdb"``; everyone else opens read-only.

    dagster-duckdb's own connection stays open after an exception and is always read-write, hence
    the override.
    """

    @contextmanager
    def get_connection(self, read_only: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that is closed on leaving; read-only unless asked."""
        with open_store(Path(self.database), read_only=read_only) as connection:
            yield connection


class Reporter:
    """Progress goes nowhere and notes into the run's log; the command line shows both."""

    @contextmanager
    def bar(self, title: str) -> Iterator[Progress]:
        """A progress callback that lives as long as the work does."""
        yield lambda done, total, title="", /: None

    def note(self, sentence: str) -> None:
        """Something that whoever started the work should know."""
        dg.get_dagster_logger().warning(sentence)


def resources(reporter: Reporter | None = None) -> dict[str, object]:
    """The resources of the code location, from the environment."""
    settings = Settings()
    return {
        "lake": LakeResource(root=settings.lake),
        "store": FeatureStoreResource(database=str(Lake(settings.lake).feature_store)),
        "reporter": reporter or Reporter(),
    }
