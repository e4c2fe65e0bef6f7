"""Schedules: what happens every day."""

import dagster as dg

from recfeat_pipeline.defs.automation import UNATTENDED
from recfeat_pipeline.defs.jobs import refresh_text
from recfeat_pipeline.defs.partitions import range_tags, shards
from recfeat_pipeline.defs.text.scraping import source_names
from recfeat_pipeline.settings import Settings


@dg.schedule(
    name="refresh_text_daily",
    job=refresh_text,
    cron_schedule="0 4 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING
    if Settings().automation
    else dg.DefaultScheduleStatus.STOPPED,
    description="Every day at 04:00 UTC: ask each source what changed, then scrape what is due, "
    "all shards in one run.",
)
def refresh_text_daily() -> dg.RunRequest:
    """One run over all shards, which asks the change feeds first."""
    ops = {f"lake__{name}": {"config": {"ask_changes": True}} for name in source_names()}
    return dg.RunRequest(
        run_config={"ops": ops},
        tags={UNATTENDED: "true", **range_tags(shards.get_partition_keys())},
    )


schedules = [refresh_text_daily]
