"""A first taxonomy, asked of the model: the domain in the user's words, and sample documents."""

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.engine import extract
from recfeat_pipeline.extraction.keys import sha256
from recfeat_pipeline.extraction.ledger import answers
from recfeat_pipeline.extraction.requests import keyed
from recfeat_pipeline.extraction.types import Backend, Limits
from recfeat_pipeline.extraction.validation import parse
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.rendering import clean
from recfeat_pipeline.schemas import DOCUMENTS
from recfeat_pipeline.taxonomy import Taxonomy
from recfeat_pipeline.taxonomy.read import build_taxonomy

VERSION = "taxonomy-draft-v1"
SHARD = "00"  # of the ledger; a draft is of no item
SAMPLE_CHARS = 600


def draft_document(domain: str, samples: pl.DataFrame) -> pl.DataFrame:
    """What the model reads: the domain, then the samples, cut. DOCUMENTS columns but ``fields``.

    Its id is the first sample's, since the ledger keeps ids of the catalogue's type.
    """
    cut = clean(pl.col("text").str.slice(0, SAMPLE_CHARS))
    texts = samples.select(cut)["text"]
    lines = [f"Domain: {domain}", *(f"Sample {n}: {text}" for n, text in enumerate(texts, 1))]
    text = "\n".join(lines)
    return pl.DataFrame(
        {
            "item_id": samples["item_id"].head(1),
            "title": domain,
            "text": text,
            "content_hash": sha256(text),
            "n_chars": pl.Series([len(text)], dtype=DOCUMENTS["n_chars"]),
        }
    )


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
    keys = keyed(document, version, backend.model)["cache_key"]
    rows = answers(lake, SHARD, keys)
    if rows.is_empty():
        why = summary.stopped or ", ".join(summary.reasons) or "it failed in an earlier run"
        raise RecfeatError(
            f"No taxonomy was drafted ({why.rstrip('.')}). Run again with "
            "RECFEAT_LLM_RETRY_FAILED=1, or name a model that keeps to JSON schemas "
            "(RECFEAT_LLM_MODEL)."
        )
    spec = {"name": name, "item": item, "groups": parse(rows["response"][0])["groups"]}
    return build_taxonomy(spec, f"drafted by {backend.model}"), summary.cost_usd
