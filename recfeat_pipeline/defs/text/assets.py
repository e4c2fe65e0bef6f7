"""Text: one document per item, from every source there is."""

import dagster as dg
import numpy as np
import polars as pl

from recfeat_pipeline.defs.partitions import shards
from recfeat_pipeline.defs.resources import LakeResource
from recfeat_pipeline.lake import shard_of
from recfeat_pipeline.text.documents import build_documents


@dg.asset(
    key=["lake", "documents"],
    deps=[["lake", "items"], ["lake", "fields"]],
    group_name="text",
    kinds={"polars", "parquet"},
    owners=["team:recfeat"],
    partitions_def=shards,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def documents(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """The text that prompts see, with a content hash and the provenance of each field.

    One row per corpus item, in shards of items.
    """
    target = lake.open()
    items = target.read("items").filter("in_corpus")
    items = items.with_columns(shard_of(items["item_id"], target.n_shards))
    frame = build_documents(items, target.read("fields"))
    frame = frame.join(items.select("item_id", "shard"), on="item_id")
    for shard in context.partition_keys:
        part = frame.filter(pl.col("shard") == shard).drop("shard")
        target.write_parquet(f"documents/shard={shard}/documents.parquet", part)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": frame.height,
            "median_chars": float(np.median(frame["n_chars"])),
            "thin_documents": int((frame["n_chars"] < 300).sum()),
        }
    )


assets = [documents]
