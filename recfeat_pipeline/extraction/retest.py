"""Test and retest: a sample of the items is asked once more, and the answers are compared.

The second asking is a version of its own with another seed, so it has its own keys: it is bought
once, kept in the ledger like any answer, and never mistaken for the first.
"""

from pathlib import Path

import polars as pl

from recfeat_pipeline.extraction.engine import extract_many, scores
from recfeat_pipeline.extraction.reliability import retest_version, sample
from recfeat_pipeline.extraction.shards import Progress
from recfeat_pipeline.extraction.types import Backend, Limits
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake, shard_names


def sampled(lake: Lake, share: float, shard: str) -> pl.DataFrame:
    """DOCUMENTS of a shard's share of the items, the same ones on every run."""
    return sample(lake.read("documents", shard=shard), share)


def ask_again(
    lake: Lake,
    version: PromptVersion,
    share: float,
    backend: Backend,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
    prices: str | Path | None = None,
) -> tuple[pl.DataFrame, str | None]:
    """Ask a share of the items anew.

    Args:
        lake: holds the documents and the ledger.
        version: what was asked the first time.
        share: of the items, from 0 to 1.
        backend: who answers; of the same model as the first time, or models are compared.
        limits: budget and rates.
        progress: called with (calls ended or cached, calls known so far).
        prices: the user's folder with a ``prices.toml``.

    Returns:
        The second SCORES, and why the budget ended it early (None: it did not).
    """
    anew, shards = retest_version(version), shard_names(lake.n_shards)
    done = extract_many(
        shards, lambda shard: sampled(lake, share, shard), anew, lake, backend,
        limits=limits, progress=progress, prices=prices,
    )  # fmt: skip
    stopped = next((summary.stopped for summary in done.values() if summary.stopped), None)
    second = [scores(sampled(lake, share, s), anew, lake, s, backend.model) for s in shards]
    return pl.concat(second), stopped
