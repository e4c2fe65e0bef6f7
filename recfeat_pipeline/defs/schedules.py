"""Schedules: what happens every day."""

import dagster as dg

from recfeat_pipeline.defs.automation import UNATTENDED
from recfeat_pipeline.defs.jobs import refresh_text
from recfeat_pipeline.defs.partitions import range_tags, shards
from recfeat_pipeline.defs.text.scraping import source_names
from recfeat_pipeline.settings import Settings

Status = dg.DagsterRunStatus
UNFINISHED = [Status.QUEUED, Status.NOT_STARTED, Status.STARTING, Status.STARTED]


@dg.schedule(
    name="refresh_text_daily",
    job=refresh_text,
    cron_schedule=Settings().refresh_cron,
    default_status=dg.DefaultScheduleStatus.RUNNING
    if Settings().automation
    else dg.DefaultScheduleStatus.STOPPED,
    description="Every day at 04:00 UTC (RECFEAT_REFRESH_CRON): read the catalogue again, ask each "
    "source what changed, then scrape what is due, all shards in one run.",
)
def refresh_text_daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One run over all shards, which asks the change feeds first."""
    unfinished = dg.RunsFilter(job_name=refresh_text.name, statuses=UNFINISHED)
    if context.instance.get_runs_count(unfinished):
        return dg.SkipReason("The refresh before this one is still running.")
    ops = {f"lake__{name}": {"config": {"ask_changes": True}} for name in source_names()}
    return dg.RunRequest(
        run_config={"ops": ops},
        tags={UNATTENDED: "true", **range_tags(shards.get_partition_keys())},
    )


schedules = [refresh_text_daily]
