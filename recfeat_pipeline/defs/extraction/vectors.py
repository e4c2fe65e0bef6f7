"""Embedded documents: the text itself as content, beside what a model says of it."""

from collections.abc import Iterator

import dagster as dg

from recfeat_pipeline.defs.about import about
from recfeat_pipeline.defs.automation import FOLLOW_INPUTS, SWEPT_WEEKLY, again_later
from recfeat_pipeline.defs.events import Written, report_partitions
from recfeat_pipeline.defs.partitions import shards
from recfeat_pipeline.defs.resources import LakeResource, Reporter
from recfeat_pipeline.freshness import frame_hash
from recfeat_pipeline.settings import Settings


@dg.asset(
    key=["lake", "document_vectors"],
    deps=[["lake", "documents"]],
    kinds={"parquet"},
    pool="llm",
    partitions_def=shards,
    backfill_policy=dg.BackfillPolicy.single_run(),
    automation_condition=FOLLOW_INPUTS,
    freshness_policy=SWEPT_WEEKLY,
    output_required=False,
    **about("extraction", "document_vectors", costs="money"),
)
def document_vectors(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    settings: dg.ResourceParam[Settings],
    reporter: dg.ResourceParam[Reporter],
) -> Iterator[object]:
    """A vector of each item's document, from what RECFEAT_EMBEDDING_MODEL names.

    One row per item, in shards of items; only new and changed documents are embedded.
    """
    from recfeat_pipeline.extraction.document_vectors import document_vectors
    from recfeat_pipeline.extraction.embeddings import choose_embedder

    target, embedder, written = lake.open(), choose_embedder(settings), {}
    keys = list(context.partition_keys)
    with again_later(context), reporter.bar(f"embedding documents, {embedder.name}") as progress:
        for done, shard in enumerate(keys, 1):
            frame = document_vectors(target, shard, embedder)
            version = frame_hash(frame)
            target.write("document_vectors", frame, shard=shard)
            about_it = {"dagster/row_count": frame.height, "embedding": embedder.name}
            written[shard] = Written([version], about_it)
            progress(done, len(keys))
    yield from report_partitions(context, ["lake", "document_vectors"], written)
