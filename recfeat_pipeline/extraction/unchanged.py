"""Items whose scores are as they should be: nothing about them is looked at again.

Beside a shard's scores lies what they were made from: the hash of each item's document, and the
model. An item is due where either differs, or where it lacks a score.
"""

import polars as pl

from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import SCORED_FROM, SCORES


def due(
    documents: pl.DataFrame, version: PromptVersion, lake: Lake, shard: str, model: str
) -> pl.DataFrame:
    """The DOCUMENTS whose items have to be asked about, or their answers looked for."""
    known = lake.read("scored_from", version=version.key, shard=shard).filter(model=model)
    if known.is_empty():
        return documents
    held = lake.read("scores", version=version.key, shard=shard)
    whole = held.group_by("item_id").len().filter(len=_places(version).height)
    same = made_from(documents, model).join(known, on=list(SCORED_FROM), how="semi")
    right = same.join(whole, on="item_id", how="semi")
    return documents.join(right, on="item_id", how="anti", maintain_order="left")


def with_unchanged(
    fresh: pl.DataFrame,
    looked_at: pl.DataFrame,
    documents: pl.DataFrame,
    version: PromptVersion,
    lake: Lake,
    shard: str,
) -> pl.DataFrame:
    """A shard's SCORES: those made now, and the others' as they are.

    Args:
        fresh: SCORES of the documents that were due.
        looked_at: these documents.
        documents: all of the shard; items that have left it have no scores.
        version: what was asked.
        lake: where the others' scores are.
        shard: its name.

    Returns:
        The rows in the order in which they are made at once: by call, item and dimension.
    """
    if looked_at.height == documents.height:
        return fresh
    others = documents.select("item_id").join(looked_at, on="item_id", how="anti")
    held = lake.read("scores", version=version.key, shard=shard).select(list(SCORES))
    rows = pl.concat([held.join(others, on="item_id", how="semi"), fresh])
    order = documents.select("item_id").with_row_index("of_item")
    return (
        rows.join(_places(version), on="dimension")
        .join(order, on="item_id")
        .sort("question", "of_item", "of_dimension")
        .select(list(SCORES))
    )


def made_from(documents: pl.DataFrame, model: str) -> pl.DataFrame:
    """SCORED_FROM of some documents: whole ones, of which a version may show other cuts."""
    return documents.select(
        "item_id", document_hash=documents.hash_rows(seed=0), model=pl.lit(model)
    )


def _places(version: PromptVersion) -> pl.DataFrame:
    """``dimension, question, of_dimension``: what an item that is answered has, in order."""
    asked = [
        (dimension, number)
        for number, question in enumerate(version.questions)
        for dimension in question.schema["properties"]["scores"]["properties"]
    ]
    frame = pl.DataFrame(asked, schema=["dimension", "question"], orient="row")
    return frame.with_row_index("of_dimension")
