"""Materialisation events for assets that write several partitions in one run."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg


def record_partition(
    context: dg.AssetExecutionContext,
    key: list[str],
    partition: str,
    contents: Iterable[str],
    metadata: Mapping[str, Any],
) -> None:
    """Record one written partition, with a data version that its contents' hashes determine.

    ``MaterializeResult`` gives all partitions of a run one data version; with one each, an
    unchanged partition keeps its version and automation leaves alone what depends on it. The asset
    sets ``output_required=False`` (``skippable`` in a spec) and yields no result of its own.
    """
    version = hashlib.sha256("".join(contents).encode()).hexdigest()[:16]
    context.log_event(
        dg.AssetMaterialization(
            key, partition=partition, metadata=metadata, tags={"dagster/data_version": version}
        )
    )
