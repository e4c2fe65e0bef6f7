"""What a round left: tables, runs, pools."""

import time

import dagster as dg
import polars as pl

from recfeat_pipeline.defs.instance import open_instance
from recfeat_pipeline.defs.running import end_abandoned
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import open_store

VOLATILE = {
    "generated_at",
    "created_at",
    "made_at",
    "seconds",
    "attempts",
    "latency_ms",
    "cost_usd",
}
VOLATILE |= {"prompt_tokens", "cached_tokens", "completion_tokens"}  # of the attempts that failed


def tables(lake: Lake) -> dict[str, pl.DataFrame]:
    """Every table of the store, without what depends on the hour, in an order of its content."""
    found = {}
    with open_store(lake) as store:
        names = store.sql(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
            "WHERE schema_name NOT IN ('main', 'ops')"
        ).fetchall()
        for (name,) in names:
            frame = store.sql(f"FROM {name}").pl()
            frame = frame.drop(VOLATILE & set(frame.columns))
            found[name] = frame.select(pl.struct(pl.all()).hash(0).sort().alias("row"))
    return found


def left_behind(lake: Lake) -> list[str]:
    """Unfinished runs and pools that are held, as sentences.

    A run that a killed daemon asked for and never began may still begin until the start time-out,
    so it is waited for. One in the queue holds nothing; the next daemon begins it.
    """
    with open_instance(lake) as instance:
        until = time.monotonic() + instance.run_monitoring_start_timeout_seconds + 30
        while True:
            end_abandoned(lake, instance)
            begun = (run for run in instance.get_runs() if not run.is_finished)
            runs = [run.run_id for run in begun if run.status != dg.DagsterRunStatus.QUEUED]
            held = instance.event_log_storage.get_concurrency_run_ids()
            if not (runs or held):
                return []
            if time.monotonic() > until:
                return [f"left behind in {lake.root}: runs {runs}, in pools {held}"]
            time.sleep(5)


def refreshing(lake: Lake, since: float) -> bool:
    """Whether a refresh is under way."""
    return any(run.status == dg.DagsterRunStatus.STARTED for run in _refreshes(lake, since))


def refreshed(lake: Lake, since: float) -> bool:
    """Whether a refresh has succeeded."""
    return any(run.is_success for run in _refreshes(lake, since))


def _refreshes(lake: Lake, since: float) -> list[dg.DagsterRun]:
    with dg.DagsterInstance.from_config(str(lake.state / "dagster_home")) as instance:
        records = instance.get_run_records(dg.RunsFilter(job_name="refresh_text"))
    return [r.dagster_run for r in records if r.create_timestamp.timestamp() > since]
