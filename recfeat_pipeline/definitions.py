"""The Dagster code location: composes the stages under defs/ with their resources."""

import dagster as dg

from recfeat_pipeline.defs.deployment import SETTINGS
from recfeat_pipeline.defs.executors import choose_executor
from recfeat_pipeline.defs.extraction.retest import retests, scores_repeat
from recfeat_pipeline.defs.jobs import jobs
from recfeat_pipeline.defs.resources import Reporter, resources
from recfeat_pipeline.defs.schedules import schedules
from recfeat_pipeline.defs.sensors import sensors
from recfeat_pipeline.defs.stages import STAGES
from recfeat_pipeline.settings import Settings


def build_definitions(settings: Settings, reporter: Reporter | None = None) -> dg.Definitions:
    """All of it.

    Args:
        settings: what work is done by.
        reporter: where long work shows its progress; None: nowhere.
    """
    return dg.Definitions(
        assets=[*(asset for assets in STAGES.values() for asset in assets), retests],
        asset_checks=[scores_repeat],
        resources=resources(settings, reporter),
        executor=choose_executor(settings),
        jobs=jobs,
        schedules=schedules,
        sensors=sensors,
    )


defs = build_definitions(SETTINGS)
