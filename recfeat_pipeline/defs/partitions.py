"""How work is cut: shards of items, prompt versions, models (an arm with a seed).

Coarse on purpose: a Dagster partition costs about 25 ms and 10 kB, an item in our ledger costs a
row. Each definition is one object shared by every asset that uses it.
"""

from collections.abc import Sequence

import dagster as dg

from recfeat_pipeline.defs.deployment import SETTINGS
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import DEFAULT_SHARDS, Lake, shard_names
from recfeat_pipeline.models.arms import load_arms

MAX_SEEDS = 20


def n_shards(lake: Lake) -> int:
    """The lake's number of shards, also while its object store is down.

    It never changes, so it is kept beside the locks: the code is loaded without asking, and the UI
    shows what is wrong with the store, which it could not if it did not load.
    """
    if lake.is_local:
        return lake.n_shards
    kept = lake.state / "n_shards"
    if kept.exists():
        return int(kept.read_text(encoding="ascii"))
    try:
        if lake.read_note("lake") is None:
            return DEFAULT_SHARDS  # and not kept: it is not there yet
        found = lake.n_shards
    except Exception:  # noqa: BLE001 - each object store has errors of its own
        return DEFAULT_SHARDS
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(str(found), encoding="ascii")
    return found


shards = dg.StaticPartitionsDefinition(shard_names(n_shards(Lake(SETTINGS.lake))))
versions = dg.DynamicPartitionsDefinition(name="prompt_version")
version_shards = dg.MultiPartitionsDefinition({"version": versions, "shard": shards})

arm_seeds = dg.DynamicPartitionsDefinition(name="arm_seed")
"""``llm|0``: those that this lake trains. Every arm with every seed would be 1,180, and
"Materialize all" would train them."""


def split_key(key: str | dg.MultiPartitionKey) -> dict[str, str]:
    """``{"arm": …, "seed": …}`` of a two-dimensional partition key."""
    assert isinstance(key, dg.MultiPartitionKey)
    return dict(key.keys_by_dimension)


def arm_seed_key(arm: str, seed: int) -> str:
    """The partition key of a model."""
    return f"{arm}|{seed}"


def arm_and_seed(key: str) -> tuple[str, int]:
    """The arm and the seed of a partition key, which anybody may have typed.

    Raises:
        RecfeatError: there is no such arm, or no such seed.
    """
    arm, _, seed = key.partition("|")
    if arm not in load_arms() or seed not in map(str, range(MAX_SEEDS)):
        raise RecfeatError(
            f"{key!r} is no model: a partition is an arm and a seed from 0 to {MAX_SEEDS - 1}, as "
            "in llm|0; `recfeat arms` lists the arms."
        )
    return arm, int(seed)


def range_tags(keys: Sequence[str]) -> dict[str, str]:
    """The tags that give one run all partitions from the first key to the last."""
    return {
        "dagster/asset_partition_range_start": keys[0],
        "dagster/asset_partition_range_end": keys[-1],
    }
