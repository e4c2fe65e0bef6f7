"""Have an LLM order the candidates of requests, through the extraction engine."""

import numpy as np
import polars as pl

from recfeat_pipeline.defs.extraction.version import refuse_worthless, use_batches
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.defs.training.reranking import Unasked
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.evaluation.requests import detectable
from recfeat_pipeline.extraction.backends.bought import BoughtBackend
from recfeat_pipeline.extraction.engine import choose_backend, limits_of
from recfeat_pipeline.extraction.estimate import estimate
from recfeat_pipeline.extraction.of_no_item import SHARD
from recfeat_pipeline.extraction.rankings import picked, rank_candidates
from recfeat_pipeline.extraction.types import Backend, Limits
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings


def ask(
    documents: pl.DataFrame,
    version: PromptVersion,
    model: str,
    lake: Lake,
    title: str,
    settings: Settings,
    reporter: Reporter,
) -> pl.DataFrame:
    """``cache_key, picks`` of each document: bought where the ledger lacks them.

    Raises:
        Unasked: answers wait in batches.
        RecfeatError: a budget ended it, or no answer was valid.
    """
    limits = limits_of(settings)
    backend = _backend(settings, version, model, limits)
    if settings.llm_batch and settings.has_llm:
        [summary] = use_batches(
            lake, version, [SHARD], lambda _: documents, model, limits, settings, reporter
        ).values()
        if summary.pending:
            raise Unasked(
                f"{summary.pending:,} of its calls wait in batches; the same command, later, "
                "collects them."
            )
        found = picked(documents, version, lake, model)
    else:
        with reporter.bar(title) as progress:
            found, summary = rank_candidates(
                documents, version, lake, backend, limits=limits, progress=progress,
                prices=settings.prompts, note=reporter.note,
            )  # fmt: skip
    if summary.stopped:
        raise RecfeatError(summary.stopped)
    refuse_worthless(version, [summary])
    return found


def announce(
    documents: pl.DataFrame,
    version: PromptVersion,
    model: str,
    lake: Lake,
    arm: str,
    settings: Settings,
    reporter: Reporter,
    weights: np.ndarray | None = None,
) -> None:
    """Say, before anything is sent, what it costs and, of a sample, what it can show.

    Raises:
        Unasked: there is something to send, and no endpoint or key any more.
    """
    expected = estimate(
        documents, version, model, lake=lake, limits=limits_of(settings),
        prices=settings.prompts, base_url=settings.llm_base_url,
    )  # fmt: skip
    if expected.to_send and not settings.has_llm:
        raise Unasked(
            f"{expected.to_send:,} of its {expected.calls:,} requests are others than were asked "
            "before, and no endpoint or key is set: set OPENAI_API_KEY or RECFEAT_LLM_BASE_URL."
        )
    cost = expected.cost_usd
    price = f"no price is known for {model}" if cost is None else f"about ${cost:,.2f}"
    said = f"{arm}: {expected.to_send:,} of {expected.calls:,} calls to send, {price}."
    if weights is not None:
        said += (
            f" They find a change of MRR by {detectable(weights):.0%} among requests whose item is "
            "a candidate, four times in five."
        )
    reporter.note(said)


def _backend(settings: Settings, version: PromptVersion, model: str, limits: Limits) -> Backend:
    if not settings.has_llm:
        return BoughtBackend(model)
    return choose_backend(settings.but(llm_model=model), version, limits)
