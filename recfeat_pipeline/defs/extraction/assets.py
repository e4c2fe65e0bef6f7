"""Extraction: what the model says of each item, per prompt version and shard."""

from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from recfeat_pipeline.defs.about import about
from recfeat_pipeline.defs.automation import FOLLOW_DOCUMENTS, SWEPT_WEEKLY, again_later
from recfeat_pipeline.defs.events import Written, report_partitions, warn
from recfeat_pipeline.defs.extraction.users import user_profiles
from recfeat_pipeline.defs.extraction.vectors import document_vectors
from recfeat_pipeline.defs.extraction.version import by_version, extract_version
from recfeat_pipeline.defs.partitions import version_shards
from recfeat_pipeline.defs.resources import LakeResource, Reporter
from recfeat_pipeline.defs.step_resources import step_tags
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.health import pair_problems, scale_problems, stored_scores
from recfeat_pipeline.extraction.prompts import promoted
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings

COMMON: dict[str, Any] = {
    "kinds": {"openai", "parquet"},
    "partitions_def": version_shards,
    "freshness_policy": SWEPT_WEEKLY,
    "skippable": True,
}


@dg.multi_asset(
    name="llm_scores",
    op_tags=step_tags("extraction"),
    pool="llm",
    backfill_policy=dg.BackfillPolicy.single_run(),
    can_subset=True,  # so that checks are reported per partition
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
            partitions_def=version_shards,
            asset=["lake", "responses"],
            description="No call ended as failed; RECFEAT_LLM_RETRY_FAILED=1 asks them again",
        ),
        dg.AssetCheckSpec(
            "scores_use_the_scale",
            partitions_def=version_shards,
            asset=["lake", "scores"],
            description="Most scores are 0, and those above it do not crowd at 0.5",
        ),
        dg.AssetCheckSpec(
            "like_films_are_near",
            partitions_def=version_shards,
            asset=["lake", "scores"],
            description="Toy Story 1 and 2, The Godfather I and II and others, where the catalogue "
            "has them, are among each other's nearest items",
        ),
    ],
)
def llm_scores(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    settings: dg.ResourceParam[Settings],
    reporter: dg.ResourceParam[Reporter],
) -> Iterator[object]:
    """Ask what is not in the ledger yet, for every shard of the run at once."""
    target = lake.open()
    with again_later(context):
        done = [
            extract_version(target, version, shards, settings, reporter)
            for version, shards in by_version(context.partition_keys).items()
        ]
    keep_promoted(target, by_version(context.partition_keys), settings.prompts)
    parts = [part for extracted in done for part in extracted.written]
    responses = {p.key: Written([*p.cache_keys, str(p.calls["failed"])], p.calls) for p in parts}
    about = {p.key: {"dagster/row_count": p.n_scores, "model": p.model} for p in parts}
    scores = {p.key: Written(p.cache_keys, about[p.key]) for p in parts}
    yield from report_partitions(context, ["lake", "responses"], responses)
    yield from report_partitions(context, ["lake", "scores"], scores)
    failed = {
        part.key: {
            "failed": part.calls["failed"] + part.calls["known_failed"],
            "reasons": extracted.reasons,
        }
        for extracted in done
        for part in extracted.written
    }
    warn(context, ["lake", "responses"], "every_call_answered", failed, "failed")
    for version, shards in by_version(context.partition_keys).items():
        keys = [str(dg.MultiPartitionKey({"version": version, "shard": s})) for s in shards]
        for name, problems in _health(target, version).items():
            found = {key: {"problems": problems} for key in keys}
            warn(context, ["lake", "scores"], name, found, "problems")
    if stopped := next((e.stopped for e in done if e.stopped), None):
        raise RecfeatError(stopped)


def keep_promoted(lake: Lake, asked: Iterable[str], prompts: str | None) -> None:
    """Where nobody has promoted a version yet, the default one is, once it is extracted.

    ``recfeat run`` does so; arms of a lake that the UI or automation filled found no features.
    """
    if not lake.meta.get("promoted") and (default := promoted(lake, prompts)) in asked:
        lake.remember(promoted=default)


def _health(lake: Lake, version: str) -> dict[str, list[str]]:
    """What is odd about all of a version's scores: worth a look, and no reason to stop."""
    titles = lake.read("items").select("item_id", "title")
    scores = stored_scores(lake, version, titles)
    return {
        "scores_use_the_scale": scale_problems(scores),
        "like_films_are_near": pair_problems(scores, titles),
    }


assets = [document_vectors, user_profiles, llm_scores]
