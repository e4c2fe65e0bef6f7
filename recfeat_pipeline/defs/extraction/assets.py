"""Extraction: what the model says of each item, per prompt version and shard."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg

from recfeat_pipeline.defs.events import record_partition
from recfeat_pipeline.defs.extraction.version import by_version, extract_version
from recfeat_pipeline.defs.partitions import version_shards
from recfeat_pipeline.defs.resources import LakeResource, Reporter
from recfeat_pipeline.errors import RecfeatError

COMMON: dict[str, Any] = {
    "group_name": "extraction",
    "owners": ["team:recfeat"],
    "kinds": {"openai", "parquet"},
    "partitions_def": version_shards,
}


@dg.multi_asset(
    name="llm_scores",
    pool="llm",
    backfill_policy=dg.BackfillPolicy.single_run(),
    specs=[
        dg.AssetSpec(
            ["lake", "responses"],
            deps=[["lake", "documents"]],
            description="Every answer that was bought, as it came: append-only and keyed by what "
            "determines it. One row per call.",
            **COMMON,
        ),
        dg.AssetSpec(
            ["lake", "scores"],
            deps=[["lake", "responses"]],
            description="Scores cut from the answers. One row per item and dimension.",
            skippable=True,
            **COMMON,
        ),
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "every_call_answered",
            asset=["lake", "responses"],
            description="No call ended as failed; RECFEAT_LLM_RETRY_FAILED=1 asks them again",
        )
    ],
)
def llm_scores(
    context: dg.AssetExecutionContext, lake: LakeResource, reporter: dg.ResourceParam[Reporter]
) -> Iterator[object]:
    """Ask what is not in the ledger yet, for every shard of the run at once."""
    target = lake.open()
    done = [
        extract_version(target, version, shards, reporter)
        for version, shards in by_version(context.partition_keys).items()
    ]
    counts = sum((Counter(e.counts) for e in done), Counter())
    yield dg.MaterializeResult(asset_key=["lake", "responses"], metadata=dict(counts))
    for extracted in done:
        for part in extracted.written:
            key = dg.MultiPartitionKey({"version": part.version, "shard": part.shard})
            metadata = {"dagster/row_count": part.n_scores, "model": extracted.model}
            record_partition(context, ["lake", "scores"], key, part.cache_keys, metadata)
    yield dg.AssetCheckResult(
        asset_key=["lake", "responses"],
        check_name="every_call_answered",
        passed=not any(e.n_failed for e in done),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"failed": sum(e.n_failed for e in done), "reasons": [e.reasons for e in done]},
    )
    if stopped := next((e.stopped for e in done if e.stopped), None):
        raise RecfeatError(stopped)


assets = [llm_scores]
