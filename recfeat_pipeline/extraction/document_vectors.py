"""A vector of each item's document: what one has without asking a model for scores."""

import polars as pl

from recfeat_pipeline.extraction.embeddings import Embedder, embed_once, vector_series
from recfeat_pipeline.extraction.types import now
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import DOCUMENT_VECTORS


def document_vectors(lake: Lake, shard: str, embedder: Embedder) -> pl.DataFrame:
    """The DOCUMENT_VECTORS of a shard's documents; only new and changed texts are embedded.

    Raises:
        RecfeatError: the embedder cannot answer.
    """
    documents = lake.read("documents", shard=shard).select("item_id", "text", "content_hash")
    documents = documents.filter(pl.col("text").str.len_chars() > 0).sort("item_id")
    known = lake.read("document_vectors", shard=shard).filter(embedding=embedder.name)
    known = known.select("item_id", "content_hash", "vector", "generated_at")
    new = documents.join(known, on=["item_id", "content_hash"], how="anti")
    made = new.select("item_id", "content_hash").with_columns(
        vector=vector_series(embed_once(lake, new["text"].to_list(), embedder)),
        generated_at=pl.lit(now(), DOCUMENT_VECTORS["generated_at"]),
    )
    kept = documents.join(known, on=["item_id", "content_hash"]).select(made.columns)
    found = made if kept.is_empty() else pl.concat([kept, made])
    return (
        found.sort("item_id")
        .with_columns(embedding=pl.lit(embedder.name))
        .select(list(DOCUMENT_VECTORS))
    )
