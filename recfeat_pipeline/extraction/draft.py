"""A first taxonomy, asked of the model: the domain in the user's words, and sample documents."""

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.engine import extract
from recfeat_pipeline.extraction.of_no_item import SHARD, responses_to
from recfeat_pipeline.extraction.types import Backend, Limits
from recfeat_pipeline.extraction.validation import parse
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.rendering import as_documents, clean
from recfeat_pipeline.taxonomy import Taxonomy
from recfeat_pipeline.taxonomy.read import build_taxonomy

VERSION = "taxonomy-draft-v1"
SAMPLE_CHARS = 600


def draft_document(domain: str, samples: pl.DataFrame) -> pl.DataFrame:
    """What the model reads: the domain, then the samples, cut. DOCUMENTS columns but ``fields``."""
    cut = clean(pl.col("text").str.slice(0, SAMPLE_CHARS))
    texts = samples.select(cut)["text"]
    lines = [f"Domain: {domain}", *(f"Sample {n}: {text}" for n, text in enumerate(texts, 1))]
    return as_documents(["\n".join(lines)], samples["item_id"].head(1), domain)


def draft(
    name: str,
    item: str,
    domain: str,
    samples: pl.DataFrame,
    lake: Lake,
    backend: Backend,
    limits: Limits | None = None,
    prices: str | None = None,
) -> tuple[Taxonomy, float | None]:
    """Ask for a taxonomy; the same question is answered from the ledger.

    Args:
        name: of the taxonomy.
        item: what is scored, in a word.
        domain: the catalogue in the user's words.
        samples: some of its documents, DOCUMENTS rows.
        lake: holds the ledger.
        backend: who answers.
        limits: budget and rates.
        prices: the user's folder with a ``prices.toml``.

    Returns:
        The taxonomy, and the dollars that this call cost (None: the model has no price).

    Raises:
        RecfeatError: no answer was valid, or the budget ended it.
    """
    version = load_version(VERSION)
    document = draft_document(domain, samples)
    summary = extract(document, version, lake, SHARD, backend, limits=limits, prices=prices)
    [response] = responses_to(document, version, lake, backend.model)["response"]
    if response is None:
        why = summary.stopped or ", ".join(summary.reasons) or "it failed in an earlier run"
        raise RecfeatError(
            f"No taxonomy was drafted ({why.rstrip('.')}). Run again with "
            "RECFEAT_LLM_RETRY_FAILED=1, or name a model that keeps to JSON schemas "
            "(RECFEAT_LLM_MODEL)."
        )
    spec = {"name": name, "item": item, "groups": parse(response)["groups"]}
    return build_taxonomy(spec, f"drafted by {backend.model}"), summary.cost_usd
