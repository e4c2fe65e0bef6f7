"""The Dagster code location: composes the stages under defs/ with their resources."""

import dagster as dg

from recfeat_pipeline.defs.executors import choose_executor
from recfeat_pipeline.defs.extraction.retest import retests, scores_repeat
from recfeat_pipeline.defs.jobs import jobs
from recfeat_pipeline.defs.resources import Reporter, resources
from recfeat_pipeline.defs.schedules import schedules
from recfeat_pipeline.defs.sensors import sensors
from recfeat_pipeline.defs.stages import STAGES
from recfeat_pipeline.settings import Settings


def build_definitions(reporter: Reporter | None = None) -> dg.Definitions:
    """All of it; ``reporter`` is where long work shows its progress."""
    return dg.Definitions(
        assets=[*(asset for assets in STAGES.values() for asset in assets), retests],
        asset_checks=[scores_repeat],
        resources=resources(reporter),
        executor=choose_executor(Settings().executor),
        jobs=jobs,
        schedules=schedules,
        sensors=sensors,
    )


defs = build_definitions()
