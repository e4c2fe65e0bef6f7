"""The Dagster code location: composes the stages under defs/ with their resources."""

import dagster as dg

from recfeat_pipeline.defs.automation import jobs, schedules, sensors
from recfeat_pipeline.defs.resources import resources
from recfeat_pipeline.defs.stages import STAGES

defs = dg.Definitions(
    assets=[asset for assets in STAGES.values() for asset in assets],
    resources=resources(),
    jobs=jobs,
    schedules=schedules,
    sensors=sensors,
)
