"""Questions about no item of the catalogue: a request, a draft. The ledger keeps them as well."""

from collections.abc import Sequence

import polars as pl

from recfeat_pipeline.extraction.keys import sha256
from recfeat_pipeline.extraction.ledger import answers
from recfeat_pipeline.extraction.requests import keyed
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import DOCUMENTS

SHARD = "00"
"""Of the ledger."""


def as_documents(texts: Sequence[str], item_ids: pl.Series, title: str) -> pl.DataFrame:
    """What a model reads of each question: DOCUMENTS columns but ``fields``.

    Args:
        texts: a document each.
        item_ids: of an item that each has to do with, for the ledger keeps ids of the catalogue's
            type.
        title: of all of them, never shown.
    """
    return pl.DataFrame(
        {
            "item_id": item_ids,
            "title": pl.Series([title] * len(texts), dtype=pl.String),
            "text": pl.Series(texts, dtype=pl.String),
            "content_hash": pl.Series(map(sha256, texts), dtype=pl.String),
            "n_chars": pl.Series(map(len, texts), dtype=DOCUMENTS["n_chars"]),
        }
    )


def responses_to(
    documents: pl.DataFrame, version: PromptVersion, lake: Lake, model: str
) -> pl.DataFrame:
    """What the ledger holds, sending nothing: ``cache_key, response`` in the documents' order.

    The response is null where no valid answer was got.
    """
    keys = keyed(documents, version, model).sort("row").select("cache_key")
    held = answers(lake, SHARD, keys["cache_key"].unique()).select("cache_key", "response")
    return keys.join(held, on="cache_key", how="left", maintain_order="left")
