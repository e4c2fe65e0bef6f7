"""What the UI shows of a check: its last run, whatever partition that was of.

A run of a mistyped version looks at nothing, and would hide what was found of the promoted one.
"""

from collections.abc import Callable
from itertools import chain

import dagster as dg

from recfeat_pipeline.defs.stages import STAGES

LOOK_BACK = 200  # records of a check, one a partition: those of three runs of all shards
CHECKS = [
    spec.key
    for asset in chain.from_iterable(STAGES.values())
    for spec in asset.check_specs
    if spec.partitions_def is not None
]


def repeat_hidden(
    instance: dg.DagsterInstance, is_version: Callable[[str], bool]
) -> list[dg.AssetCheckKey]:
    """Say again what a check found last, where a run of a version that is none came after it.

    Args:
        instance: its history.
        is_version: whether a version key is one.

    Returns:
        Those checks; none while runs that have them are under way, of which each will find its own.
    """
    storage, repeated = instance.event_log_storage, []
    for key in CHECKS:
        records = storage.get_asset_check_execution_history(key, limit=LOOK_BACK)
        found = [(r, r.event.asset_check_evaluation if r.event else None) for r in records]
        if not found or found[0][1] is not None:
            continue
        _, _, version = (found[0][0].partition or "").partition("|")  # shard|version
        if not version or is_version(version):
            continue
        unfound = {record.run_id for record, evaluation in found if evaluation is None}
        if any(_goes_on(instance, run_id) for run_id in unfound):
            continue
        if last := next((evaluation for _, evaluation in found if evaluation is not None), None):
            instance.report_runless_asset_event(last)
            repeated.append(key)
    return repeated


def _goes_on(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is not None and not run.is_finished
