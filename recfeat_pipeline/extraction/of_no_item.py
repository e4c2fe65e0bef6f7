"""Questions about no item of the catalogue: a request, a draft. The ledger keeps them as well."""

import polars as pl

from recfeat_pipeline.extraction.ledger import answers
from recfeat_pipeline.extraction.requests import keyed
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake

SHARD = "00"
"""Of the ledger."""


def responses_to(
    documents: pl.DataFrame, version: PromptVersion, lake: Lake, model: str
) -> pl.DataFrame:
    """What the ledger holds, sending nothing: ``cache_key, response`` in the documents' order.

    The response is null where no valid answer was got.
    """
    keys = keyed(documents, version, model).sort("row").select("cache_key")
    held = answers(lake, SHARD, keys["cache_key"].unique()).select("cache_key", "response")
    return keys.join(held, on="cache_key", how="left", maintain_order="left")
