"""Jobs, schedules and sensors: what an operator starts or leaves running."""

import dagster as dg

from recfeat_pipeline.defs.partitions import versions
from recfeat_pipeline.extraction.versions import list_versions, load_version
from recfeat_pipeline.settings import Settings

rebuild_store = dg.define_asset_job(
    "rebuild_feature_store",
    selection=dg.AssetSelection.groups("feature_store"),
    description="Rebuild the feature store from the lake. Sends no request.",
)


@dg.sensor(
    name="new_prompt_versions",
    minimum_interval_seconds=60,
    description="Registers a prompt version as a partition when its folder appears or changes.",
)
def new_prompt_versions(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Every version on disk that the instance does not know becomes a partition."""
    folder = Settings().prompts
    keys = [load_version(name, folder).key for name in list_versions(folder)]
    known = set(context.instance.get_dynamic_partitions(str(versions.name)))
    new = [key for key in keys if key not in known]
    if not new:
        return dg.SkipReason("No new prompt version.")
    return dg.SensorResult(dynamic_partitions_requests=[versions.build_add_request(new)])


jobs = [rebuild_store]
schedules: list[dg.ScheduleDefinition] = []
sensors = [new_prompt_versions]
