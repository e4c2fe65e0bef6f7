"""What assets report of themselves, and of what they write along."""

import dagster as dg
import pytest

from recfeat_pipeline.defs.events import Written, report_partitions

SHARDS = dg.StaticPartitionsDefinition(["00", "01"])
SPECS = [dg.AssetSpec(name, partitions_def=SHARDS, skippable=True) for name in ("asked", "along")]


@dg.multi_asset(specs=SPECS, can_subset=True, backfill_policy=dg.BackfillPolicy.single_run())
def both(context: dg.AssetExecutionContext):
    for name in ("asked", "along"):
        parts = {key: Written([name, key]) for key in context.partition_keys}
        yield from report_partitions(context, [name], parts)


@pytest.mark.parametrize("asked", [["asked"], ["asked", "along"]])
@pytest.mark.parametrize("last", ["00", "01"])
def test_what_is_written_along_is_reported_whether_it_was_asked_for_or_not(asked, last):
    tags = {"dagster/asset_partition_range_start": "00", "dagster/asset_partition_range_end": last}
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([both], selection=asked, instance=instance, tags=tags)
        for name in ("asked", "along"):
            told = instance.get_materialized_partitions(dg.AssetKey(name))
            assert told == ({"00"} if last == "00" else {"00", "01"}), name
