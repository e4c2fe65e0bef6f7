"""Extraction: what the model says of each item, per prompt version and shard."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from recfeat_pipeline.defs.about import about
from recfeat_pipeline.defs.automation import FOLLOW_DOCUMENTS, SWEPT_WEEKLY, again_later
from recfeat_pipeline.defs.events import Written, report_partitions
from recfeat_pipeline.defs.extraction.version import by_version, extract_version
from recfeat_pipeline.defs.partitions import version_shards
from recfeat_pipeline.defs.resources import LakeResource, Reporter
from recfeat_pipeline.errors import RecfeatError

COMMON: dict[str, Any] = {
    "kinds": {"openai", "parquet"},
    "partitions_def": version_shards,
    "freshness_policy": SWEPT_WEEKLY,
    "skippable": True,
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
            "determines it. One row per call; a partition is a shard of items under a prompt "
            "version.",
            automation_condition=FOLLOW_DOCUMENTS,
            **about("extraction", "responses", costs="money"),
            **COMMON,
        ),
        dg.AssetSpec(
            ["lake", "scores"],
            deps=[["lake", "responses"]],
            description="Scores cut from the answers, in the run that asks for them. One row per "
            "item and dimension; a partition is a shard of items under a prompt version.",
            **about("extraction", "scores", costs="money"),
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
    with again_later(context):
        done = [
            extract_version(target, version, shards, reporter)
            for version, shards in by_version(context.partition_keys).items()
        ]
    parts = [part for extracted in done for part in extracted.written]
    responses = {p.key: Written([*p.cache_keys, str(p.calls["failed"])], p.calls) for p in parts}
    about = {p.key: {"dagster/row_count": p.n_scores, "model": p.model} for p in parts}
    scores = {p.key: Written(p.cache_keys, about[p.key]) for p in parts}
    yield from report_partitions(context, ["lake", "responses"], responses)
    yield from report_partitions(context, ["lake", "scores"], scores)
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
