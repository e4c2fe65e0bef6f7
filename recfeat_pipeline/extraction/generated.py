"""Texts that a model writes about items, of what their documents say and of what it knows.

They enrich thin documents (ONCE, Liu et al., 2024; LLMRec, Wei et al., 2024), and they are
no documents: what a model made up and what somebody published never stand in one text, so that an
arm can say which of them helped, and no later version reads its own words as a source.
"""

import polars as pl

from recfeat_pipeline.extraction.embeddings import Embedder, embed_once, vector_series
from recfeat_pipeline.extraction.ledger import answered
from recfeat_pipeline.extraction.requests import keyed
from recfeat_pipeline.extraction.validation import parse
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.profile_schemas import GENERATED


def read_generated(
    documents: pl.DataFrame,
    version: PromptVersion,
    lake: Lake,
    shard: str,
    model: str,
    embedder: Embedder,
) -> pl.DataFrame:
    """The GENERATED of one shard's documents as bought from a model, embedded once.

    Sends nothing to the model that wrote them. Items whose call failed or was not made are absent.
    """
    taken = answered(lake, shard, keyed(documents, version, model))
    parsed = [parse(response) for response in taken["response"]]
    texts = [" ".join(answer["description"].split()) for answer in parsed]
    listed = [[each.strip().lower() for each in answer["attributes"]] for answer in parsed]
    told = [f"{text} {', '.join(of)}" for text, of in zip(texts, listed, strict=True)]
    return taken.select(
        item_id=documents["item_id"][taken["row"]],
        generated_text=pl.Series(texts, dtype=pl.String),
        attributes=pl.Series(listed, dtype=pl.List(pl.String)),
        vector=vector_series(embed_once(lake, told, embedder)),
        embedding=pl.lit(embedder.name),
        model=pl.lit(model),
        prompt_version=pl.lit(version.key),
        cache_key="cache_key",
        generated_at="created_at",
    ).select(list(GENERATED))
