"""What assets report: rows, numbers, and data versions that only their content determines.

An unchanged partition keeps its data version, so automation leaves alone what depends on it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from recfeat_pipeline.freshness import joint_hash


@dataclass(frozen=True)
class Written:
    """One written partition: what determines its data version, and its metadata."""

    contents: Iterable[str]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """A hash of the contents."""
        return joint_hash(self.contents)


def report_partitions(
    context: dg.AssetExecutionContext, key: list[str], parts: Mapping[str, Written]
) -> Iterator[dg.MaterializeResult]:
    """Record every partition that a run wrote, each with a data version of its own.

    A ``MaterializeResult`` gives all partitions of a run one data version, so it serves a run of
    one; for several, events are logged and nothing is yielded, wherefore the asset must be
    ``skippable`` (``output_required=False``) and share no run with an asset that depends on it.
    Events are logged too for an asset that is written along and was not asked for.
    """
    if len(context.partition_keys) == 1 and dg.AssetKey(key) in context.selected_asset_keys:
        part = parts[context.partition_keys[0]]
        version = dg.DataVersion(part.version)
        yield dg.MaterializeResult(asset_key=key, metadata=part.metadata, data_version=version)
        return
    for partition, part in parts.items():
        tags = {"dagster/data_version": part.version}
        context.log_event(
            dg.AssetMaterialization(key, partition=partition, metadata=part.metadata, tags=tags)
        )


def warn(
    context: dg.AssetExecutionContext,
    key: list[str],
    check: str,
    found: Mapping[str, Mapping[str, Any]],
    trouble: str,
) -> None:
    """Record a check that never blocks, for each partition of its own.

    Args:
        context: of a run whose asset and check have these partitions, the check no required output.
        key: the asset.
        check: its name.
        found: by partition, the metadata.
        trouble: the entry of the metadata that is empty or zero where all is well.
    """
    for partition, metadata in found.items():
        context.log_event(
            dg.AssetCheckEvaluation(
                dg.AssetKey(key),
                check,
                passed=not metadata[trouble],
                severity=dg.AssetCheckSeverity.WARN,
                metadata=metadata,
                partition=partition,
            )
        )
