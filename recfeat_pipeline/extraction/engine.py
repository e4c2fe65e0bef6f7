"""The engine's doors: extract shards, read what was bought, choose who answers."""

import asyncio
import threading
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from recfeat_pipeline.extraction.backends.bought import BoughtBackend
from recfeat_pipeline.extraction.budget import Budget
from recfeat_pipeline.extraction.cascade import calls_of, counted, steps
from recfeat_pipeline.extraction.ledger import answered
from recfeat_pipeline.extraction.prices import find_price
from recfeat_pipeline.extraction.shards import Documents, Note, Progress, ShardsRun
from recfeat_pipeline.extraction.stopping import held_signals
from recfeat_pipeline.extraction.types import LEXICAL, Backend, Limits, Question, Summary
from recfeat_pipeline.extraction.validation import parse
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import SCORES
from recfeat_pipeline.settings import Settings


def choose_backend(
    settings: Settings,
    version: PromptVersion,
    limits: Limits | None = None,
    paid_model: str | None = None,
) -> Backend:
    """The backend that the settings ask for: a model's endpoint, or the embedded extractor.

    Without an endpoint, ``paid_model`` is the model whose answers the lake holds for the version:
    they are used and never replaced by lexical ones.
    """
    if not settings.has_llm and paid_model:
        return BoughtBackend(paid_model)
    if not settings.has_llm:
        from recfeat_pipeline.extraction.backends.lexical import LexicalBackend

        return LexicalBackend(version)
    from recfeat_pipeline.extraction.backends.online import OnlineBackend

    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else None
    model = model_to_ask(settings, version, paid_model)
    return OnlineBackend(model, settings.llm_base_url, key, limits, settings.prompts)


def model_to_ask(settings: Settings, version: PromptVersion, paid_model: str | None) -> str:
    """The model of :func:`choose_backend`'s choice, without making it."""
    if settings.has_llm:
        return settings.llm_model or version.model
    return paid_model or LEXICAL


def limits_of(settings: Settings) -> Limits:
    """The limits that the settings ask for."""
    return Limits(
        concurrency=settings.llm_concurrency,
        requests_per_minute=settings.llm_requests_per_minute,
        input_tokens_per_minute=settings.llm_input_tokens_per_minute,
        output_tokens_per_minute=settings.llm_output_tokens_per_minute,
        budget_usd=settings.llm_budget_usd,
        budget_per_day=settings.budget_per_day,
        budget_per_lake=settings.budget_per_lake,
        timeout_s=settings.llm_timeout_s,
        retry_failed=settings.llm_retry_failed,
    )


def extract(
    documents: pl.DataFrame,
    version: PromptVersion,
    lake: Lake,
    shard: str,
    backend: Backend,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
    prices: str | Path | None = None,
    stop: threading.Event | None = None,
    note: Note | None = None,
) -> Summary:
    """Obtain every answer that one shard's documents lack; see :func:`extract_many`."""
    return extract_many(
        [shard], lambda _: documents, version, lake, backend,
        limits=limits, progress=progress, prices=prices, stop=stop, note=note,
    )[shard]  # fmt: skip


def extract_many(
    shards: Iterable[str],
    documents: Documents,
    version: PromptVersion,
    lake: Lake,
    backend: Backend,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
    prices: str | Path | None = None,
    stop: threading.Event | None = None,
    note: Note | None = None,
) -> dict[str, Summary]:
    """Obtain every answer that the shards' documents lack, exactly once.

    One crowd of calls works through all shards, so the last slow call of one shard does not keep
    the next one waiting. Answers that the ledger holds are not asked again; every ended call is in
    the journal before the next begins. At most three shards' documents are in memory.

    Args:
        shards: names, in the order they are worked through.
        documents: loads a shard's DOCUMENTS frame.
        version: what is asked.
        lake: holds the ledger.
        backend: who answers; it is closed at the end.
        limits: rates, concurrency, budget.
        progress: called with (calls ended or cached, calls known so far).
        prices: the user's folder with a ``prices.toml``.
        stop: set it, from any thread, to send nothing more; calls in flight get ten seconds. The
            first Ctrl-C or SIGTERM sets it, and is delivered afterwards; a second one ends at once.
        note: called with a sentence for the user.

    Returns:
        A summary per shard that was begun, the steps of a cascade together. ``stopped`` is set when
        a budget or ``stop`` ended it.

    Raises:
        RecfeatError: another process holds a shard, the endpoint is dead or misconfigured, or its
            answers are worth nothing; what was answered until then is kept.
    """
    stop, limits, shards = stop or threading.Event(), limits or Limits(), list(shards)
    plan = steps(version, backend.model)
    for step in plan:
        Budget(limits, find_price(step.model, prices), None, step.model)  # before any is paid
    done: dict[str, Summary] = {}
    with held_signals(stop):
        for step in plan:
            asked = backend if step is plan[-1] else backend.of_model(step.model)
            if len(plan) > 1 and note:
                where = " where that was unsure" if step.where_unsure else ""
                note(f"Asking {step.model}{where}.")
            work = ShardsRun(
                step.version, lake, asked, limits, prices, progress, note,
                calls=partial(calls_of, step, version, lake),
                version_key=version.key if len(plan) > 1 else None,
            )  # fmt: skip
            asyncio.run(work.run(shards, documents, stop))
            for shard, summary in work.summaries.items():
                done.setdefault(shard, Summary()).include(summary)
                done[shard].seconds += summary.seconds
            if any(summary.stopped for summary in done.values()):
                break
            limits = limits.after(work.spent)
    return done


def scores(
    documents: pl.DataFrame, version: PromptVersion, lake: Lake, shard: str, model: str
) -> pl.DataFrame:
    """The SCORES of one shard's documents as bought from a model: a pure read, sends nothing.

    Items whose call failed or was not made are absent from that group. In a cascade each score
    names the model that gave it.
    """
    taken = answered(lake, shard, counted(documents, version, model, lake, shard))
    out = [
        _group_scores(documents, part, version, version.questions[group])
        for (group,), part in taken.partition_by("group", as_dict=True, maintain_order=True).items()
    ]
    empty = pl.DataFrame(schema=SCORES | {"item_id": documents.schema["item_id"]})
    return pl.concat([empty, *out])


def keep_scores(lake: Lake, version: PromptVersion, shard: str, frame: pl.DataFrame) -> None:
    """Write one shard's SCORES of a version, and beside them what its dimensions mean."""
    if version.taxonomy:
        lake.write("dimensions", version.taxonomy.frame(), version=version.key)
    lake.write("scores", frame, version=version.key, shard=shard)


def _group_scores(
    documents: pl.DataFrame,
    taken: pl.DataFrame,
    version: PromptVersion,
    question: Question,
) -> pl.DataFrame:
    """Answers of one group, items × dimensions, as long rows."""
    dimensions = list(question.schema["properties"]["scores"]["properties"])
    parsed = [parse(response)["scores"] for response in taken["response"]]
    values = np.array([[s[d] for d in dimensions] for s in parsed], dtype=np.float32)
    n, width = values.shape
    each = np.tile(np.arange(width), n)
    wide = taken.select(
        item_id=documents["item_id"][taken["row"]],
        cache_key="cache_key",
        model="model",
        generated_at="created_at",
    )
    assert version.taxonomy is not None
    group_of = {d.name: group.name for group in version.taxonomy.groups for d in group.dimensions}
    return (
        wide[np.repeat(np.arange(n), width)]
        .with_columns(
            group=pl.Series([group_of[d] for d in dimensions], dtype=pl.String).gather(each),
            dimension=pl.Series(dimensions, dtype=pl.String).gather(each),
            score=pl.Series(values.ravel()),
        )
        .select(list(SCORES))
    )
