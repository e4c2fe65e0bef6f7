"""The Dagster instance of a lake: persistent, so that the UI shows what the command line ran."""

import os
import sqlite3
from pathlib import Path

import dagster as dg
import sqlalchemy
import yaml

from recfeat_pipeline.defs.running import end_abandoned
from recfeat_pipeline.lake import Lake

# Pools hold one run each unless raised in the UI: DuckDB has a single writer, and a scrape or an
# extraction already runs as many requests at once as its source allows. Sensors have threads, so
# that a batch that is being collected keeps no other waiting.
DAGSTER_YAML = """\
nux:
  enabled: false
telemetry:
  enabled: false
concurrency:
  pools:
    granularity: op
    default_limit: 1
  runs:
    max_concurrent_runs: 4
sensors:
  use_threads: true
  num_workers: 4
retention:
  sensor:
    purge_after_days:
      skipped: 7
      failure: 30
      success: 90
"""


COMMAND_LINE = "command_line.yaml"
NO_CAPTURE = {
    "module": "dagster._core.storage.noop_compute_log_manager",
    "class": "NoOpComputeLogManager",
}


def dagster_home(lake: Lake) -> Path:
    """``DAGSTER_HOME`` if set, else the lake's own; made ready for use and exported."""
    home = Path(os.environ.get("DAGSTER_HOME") or lake.state / "dagster_home").resolve()
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    if not config.exists():
        config.write_text(DAGSTER_YAML, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ.setdefault("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "900")  # to collect a big batch
    return home


def open_instance(lake: Lake) -> dg.DagsterInstance:
    """The lake's instance, as a command uses it: what a step prints goes to the terminal.

    Capturing it, as the UI's runs do, would start four processes per run, hide the terminal from
    progress bars, and let Ctrl-C print a traceback from each of those processes.
    """
    home = dagster_home(lake)
    config = yaml.safe_load((home / "dagster.yaml").read_text(encoding="utf-8")) or {}
    own = home / COMMAND_LINE
    own.touch(mode=0o600)  # the user's own configuration may hold a password
    own.write_text(yaml.safe_dump({**config, "compute_logs": NO_CAPTURE}), encoding="utf-8")
    instance = join_instance(lake)
    end_abandoned(lake, instance)
    return instance


def join_instance(lake: Lake) -> dg.DagsterInstance:
    """The lake's instance in a further process of a command that has opened it."""
    if not sqlalchemy.event.contains(sqlalchemy.Engine, "connect", _relax_sqlite):
        sqlalchemy.event.listen(sqlalchemy.Engine, "connect", _relax_sqlite)
    return dg.DagsterInstance.from_config(str(dagster_home(lake)), COMMAND_LINE)


def _relax_sqlite(connection: object, _: object) -> None:
    """Leave flushing to the operating system.

    Dagster opens, writes and closes for each of the hundreds of events of a run, and two disk
    flushes each cost more than a small run's work. A killed process loses nothing. A power cut may
    damage the run history, which can be deleted (``<lake>/dagster_home``): nothing that was paid
    for is kept there.
    """
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")
