"""Rankings of candidates, asked like anything else: versioned, validated, bought once."""

from pathlib import Path

import polars as pl

from recfeat_pipeline.extraction.engine import extract
from recfeat_pipeline.extraction.of_no_item import SHARD, responses_to
from recfeat_pipeline.extraction.shards import Note, Progress
from recfeat_pipeline.extraction.types import Backend, Limits, Summary
from recfeat_pipeline.extraction.validation import parse
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake

PICKS = pl.List(pl.Int32)


def rank_candidates(
    documents: pl.DataFrame,
    version: PromptVersion,
    lake: Lake,
    backend: Backend,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
    prices: str | Path | None = None,
    note: Note | None = None,
) -> tuple[pl.DataFrame, Summary]:
    """Ask what the ledger lacks.

    Args:
        documents: a request each, that ends with its numbered candidates.
        version: asks for a ranking.
        lake: holds the ledger.
        backend: who answers; it is closed at the end.
        limits: rates, concurrency, budget.
        progress: called with (calls ended or cached, calls known so far).
        prices: the user's folder with a ``prices.toml``.
        note: called with a sentence for the user.

    Returns:
        What :func:`picked` reads, and what was done.
    """
    summary = extract(
        documents, version, lake, SHARD, backend,
        limits=limits, progress=progress, prices=prices, note=note,
    )  # fmt: skip
    return picked(documents, version, lake, backend.model), summary


def picked(documents: pl.DataFrame, version: PromptVersion, lake: Lake, model: str) -> pl.DataFrame:
    """The answers of the ledger, sending nothing.

    Returns:
        ``cache_key, picks`` in the documents' order: numbers of candidates, best first; null where
        no valid answer was got.
    """
    held = responses_to(documents, version, lake, model)
    picks = [
        text and [int(number) for number in parse(text)["ranking"]] for text in held["response"]
    ]
    return held.select("cache_key", picks=pl.Series(picks, dtype=PICKS))
