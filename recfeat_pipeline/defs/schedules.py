"""Schedules: what happens every day."""

import dagster as dg

from recfeat_pipeline.defs.alerting import tell
from recfeat_pipeline.defs.automation import UNATTENDED
from recfeat_pipeline.defs.deployment import SETTINGS
from recfeat_pipeline.defs.jobs import refresh_text
from recfeat_pipeline.defs.partitions import range_tags, shards
from recfeat_pipeline.defs.running import UNFINISHED, Status, end_abandoned
from recfeat_pipeline.defs.text.scraping import source_names
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings


@dg.schedule(
    name="refresh_text_daily",
    job=refresh_text,
    cron_schedule=SETTINGS.refresh_cron,
    default_status=dg.DefaultScheduleStatus.RUNNING
    if SETTINGS.automation
    else dg.DefaultScheduleStatus.STOPPED,
    description="Every day at 04:00 UTC (RECFEAT_REFRESH_CRON): read the catalogue again, ask each "
    "source what changed, then scrape what is due, all shards in one run.",
)
def refresh_text_daily(
    context: dg.ScheduleEvaluationContext, settings: dg.ResourceParam[Settings]
) -> dg.RunRequest | dg.SkipReason:
    """One run over all shards, which asks the change feeds first."""
    end_abandoned(Lake(settings.lake), context.instance)
    unfinished = dg.RunsFilter(job_name=refresh_text.name, statuses=[Status.QUEUED, *UNFINISHED])
    if before := context.instance.get_runs(unfinished, limit=1):
        reason = (
            f"The refresh before this one, run {before[0].run_id[:8]}, is still "
            f"{before[0].status.value.lower()}."
        )
        tell(settings, "skipped", "the schedule refresh_text_daily", reason)
        return dg.SkipReason(reason)
    ops = {f"lake__{name}": {"config": {"ask_changes": True}} for name in source_names()}
    return dg.RunRequest(
        run_config={"ops": ops},
        tags={UNATTENDED: "true", **range_tags(shards.get_partition_keys())},
    )


schedules = [refresh_text_daily]
