"""An LLM for requests: asked through the engine, with its ledger, budgets and dialects."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings

if TYPE_CHECKING:
    from recfeat_pipeline.serving.llm import LLM

Ask = Callable[[pl.DataFrame], list[str | None]]
"""Documents to the text of a valid answer each; None where none was got."""


def asker(lake: Lake, settings: Settings, version: str) -> tuple[Ask, str]:
    """A function that asks a prompt version about documents of no item, and the model it asks.

    Somebody waits, so a call is tried once and re-asked once. What is spent counts towards the
    budget of a run over all that the function is asked.

    Raises:
        RecfeatError: no endpoint and no key is set; of the function: it was refused, or a budget is
            reached.
    """
    from recfeat_pipeline.extraction.engine import choose_backend, extract, limits_of
    from recfeat_pipeline.extraction.of_no_item import SHARD, responses_to
    from recfeat_pipeline.extraction.versions import load_version

    if not settings.has_llm:
        raise RecfeatError(
            "--llm asks an LLM, and none is set: set OPENAI_API_KEY or RECFEAT_LLM_BASE_URL. "
            "Without --llm words are matched by name and lists keep their order."
        )
    asked = load_version(version, settings.prompts)
    model = settings.llm_model or asked.model
    limits = replace(
        limits_of(settings), reasks=1, transport_tries=1, give_up_after=1, retry_failed=True
    )

    def ask(documents: pl.DataFrame) -> list[str | None]:
        nonlocal limits
        backend = choose_backend(settings, asked, limits)
        summary = extract(
            documents, asked, lake, SHARD, backend, limits=limits, prices=settings.prompts
        )
        limits = limits.after(summary.cost_usd or 0.0)
        if summary.stopped:
            raise RecfeatError(summary.stopped)
        return responses_to(documents, asked, lake, model)["response"].to_list()

    return ask, model


def open_llm(lake: Lake, settings: Settings, seconds: float) -> "LLM":
    """Who orders candidates and reads words for a server, each within so many seconds."""
    from recfeat_pipeline.ask.by_llm import VERSION
    from recfeat_pipeline.serving.live import Live
    from recfeat_pipeline.serving.llm import LLM

    ranking, model = asker(lake, settings, "rerank-v1")
    taste, _ = asker(lake, settings, VERSION)
    return LLM(model, Live(ranking, seconds), Live(taste, seconds))
