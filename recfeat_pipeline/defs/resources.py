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
from pydantic import Field

from recfeat_pipeline.defs.running import hold
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.migrations import open_lake
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.store import open_store


class Progress(Protocol):
    """Called as long work advances."""

    def __call__(self, done: int, total: int, title: str = "", /) -> None:
        """So much of it is done; a title replaces the one that is shown."""


class LakeResource(dg.ConfigurableResource):
    """The lake that every asset reads and writes."""

    root: str | None = Field(
        default=None, description="Folder or object-store URL of the lake; unset: RECFEAT_LAKE."
    )

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Show that the run is alive, also in a process that does one step of it."""
        if context.run is not None:
            hold(self.open(), context.run.run_id)

    def open(self) -> Lake:
        """The lake, upgraded if it is an older one."""
        return open_lake(self.root or Settings().lake)


class FeatureStoreResource(dg.ConfigurableResource):
    """The DuckDB feature store. Writers hold ``pool="duckdb"``; everyone else opens read-only."""

    database: str | None = Field(default=None, description="Its file; unset: the one of the lake.")

    @contextmanager
    def get_connection(self, read_only: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that is closed on leaving; read-only unless asked."""
        path = Path(self.database) if self.database else Lake(Settings().lake).feature_store
        with open_store(path, read_only=read_only) as connection:
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
    """The resources of the code location; where they lie is in the environment, not in the UI."""
    return {
        "lake": LakeResource(),
        "store": FeatureStoreResource(),
        "reporter": reporter or Reporter(),
    }
