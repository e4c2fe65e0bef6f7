"""How work is cut: shards of items, prompt versions, arms and seeds.

Coarse on purpose: a Dagster partition costs about 25 ms and 10 kB, an item in our ledger costs a
row. Each definition is one object shared by every asset that uses it.
"""

from collections.abc import Sequence

import dagster as dg

from recfeat_pipeline.lake import Lake, shard_names
from recfeat_pipeline.models.arms import load_arms
from recfeat_pipeline.settings import Settings

MAX_SEEDS = 20

shards = dg.StaticPartitionsDefinition(shard_names(Lake(Settings().lake).n_shards))
versions = dg.DynamicPartitionsDefinition(name="prompt_version")
version_shards = dg.MultiPartitionsDefinition({"version": versions, "shard": shards})

arms = dg.StaticPartitionsDefinition(sorted(load_arms()))
seeds = dg.StaticPartitionsDefinition([str(seed) for seed in range(MAX_SEEDS)])
arm_seeds = dg.MultiPartitionsDefinition({"arm": arms, "seed": seeds})


def split_key(key: str | dg.MultiPartitionKey) -> dict[str, str]:
    """``{"arm": …, "seed": …}`` of a two-dimensional partition key."""
    assert isinstance(key, dg.MultiPartitionKey)
    return dict(key.keys_by_dimension)


def range_tags(keys: Sequence[str]) -> dict[str, str]:
    """The tags that give one run all partitions from the first key to the last."""
    return {
        "dagster/asset_partition_range_start": keys[0],
        "dagster/asset_partition_range_end": keys[-1],
    }
