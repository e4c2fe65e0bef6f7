"""What a version will cost before it is asked, and how good the estimate was afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recfeat_pipeline.extraction.ledger import statuses
from recfeat_pipeline.extraction.prices import find_price
from recfeat_pipeline.extraction.requests import keyed, shown, user_message
from recfeat_pipeline.extraction.tokens import token_counter
from recfeat_pipeline.extraction.types import Limits, Usage
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake

Count = Callable[[str], int]

SAMPLE = 200  # documents tokenised; the rest are scaled by their length
FRAME = 11  # tokens that a chat adds to two messages
CALL_SECONDS = 4.0  # of a call, until the ledger knows better
PROVIDER_CACHES_FROM = 1024  # tokens of identical prefix
TOKENS_OF_PROFILE = 110  # two sentences and four tags
TOKENS_OF_ECHO, TOKENS_OF_SCORE = 14, 5  # {"title":"…","scores":{}} and "…":0.3,


@dataclass(frozen=True)
class Estimate:
    """Calls, tokens, dollars and hours that a version still needs for some documents."""

    documents: int
    calls: int  # of the version
    cached: int  # answered already
    prompt_tokens: int
    cached_tokens: int  # of these, at most, from the provider's prefix cache
    completion_tokens: int
    cost_usd: float | None  # None: no price for the model
    cost_usd_batch: float | None
    hours: float
    model: str
    tokenizer: str
    prices_as_of: str | None

    @property
    def to_send(self) -> int:
        """Calls that must be bought."""
        return self.calls - self.cached


def estimate(
    documents: pl.DataFrame,
    version: PromptVersion,
    model: str | None = None,
    *,
    lake: Lake | None = None,
    shards: list[str] | None = None,
    limits: Limits | None = None,
    prices: str | Path | None = None,
) -> Estimate:
    """Estimate without sending anything.

    Args:
        documents: DOCUMENTS frame, of one shard or of all.
        version: what would be asked.
        model: other than the version's own.
        lake: whose ledger knows what is answered already; None counts every call.
        shards: of the lake that hold these documents; None: all.
        limits: concurrency and rates, for the hours.
        prices: the user's folder with a ``prices.toml``.
    """
    model = model or version.model
    limits = limits or Limits()
    count, tokenizer = token_counter(model)
    calls = keyed(documents, version, model).unique("cache_key")
    held = _held(lake, shards) if lake else pl.DataFrame(schema={"cache_key": pl.String})
    left = calls.join(held, on="cache_key", how="anti")
    document_tokens = _document_tokens(documents, version, count)
    prompt = cached = completion = 0
    for position, question in enumerate(version.questions):
        rows = left.filter(pl.col("group") == position)["row"].to_numpy()
        schema_tokens = count(str(question.schema))
        fixed = count(question.system) + FRAME
        prompt += int(document_tokens[rows].sum()) + fixed * len(rows)
        if fixed + schema_tokens >= PROVIDER_CACHES_FROM and len(rows):
            cached += fixed // 128 * 128 * (len(rows) - 1)
        completion += _answer_tokens(question.schema, count) * len(rows)
    usage = Usage(prompt, cached, completion)
    online, batch = (find_price(model, prices, batch=b) for b in (False, True))
    return Estimate(
        documents=documents.height,
        calls=calls.height,
        cached=calls.height - left.height,
        prompt_tokens=prompt,
        cached_tokens=cached,
        completion_tokens=completion,
        cost_usd=online.cost(Usage(prompt, 0, completion)) if online else None,
        cost_usd_batch=batch.cost(Usage(prompt, 0, completion)) if batch else None,
        hours=_hours(left.height, usage, limits),
        model=model,
        tokenizer=tokenizer,
        prices_as_of=online.as_of if online else None,
    )


def _document_tokens(documents: pl.DataFrame, version: PromptVersion, count: Count) -> np.ndarray:
    """Tokens of each document's message: a sample is counted, the rest scaled by length."""
    texts = shown(documents, version)
    lengths = texts.str.len_bytes().to_numpy().astype(float)
    step = max(len(texts) // SAMPLE, 1)
    sample = texts.gather_every(step)
    counted = sum(count(user_message(text)) for text in sample)
    per_byte = counted / max(sample.str.len_bytes().sum() or 0, 1)
    return lengths * per_byte


def _answer_tokens(schema: Mapping[str, Any], count: Count) -> int:
    """Tokens of an answer: each name with its quotes and number, or a profile."""
    scores = schema["properties"].get("scores")
    if scores is None:
        return TOKENS_OF_PROFILE
    return TOKENS_OF_ECHO + sum(count(name) + TOKENS_OF_SCORE for name in scores["properties"])


def _hours(calls: int, usage: Usage, limits: Limits) -> float:
    minutes = [
        calls * CALL_SECONDS / limits.concurrency / 60,
        calls / (limits.requests_per_minute or float("inf")),
        usage.prompt / (limits.input_tokens_per_minute or float("inf")),
        usage.completion / (limits.output_tokens_per_minute or float("inf")),
    ]
    return max(minutes) / 60


def _held(lake: Lake, shards: list[str] | None) -> pl.DataFrame:
    if shards is None:
        shards = sorted({p.split("shard=")[1][:2] for p in lake.table_paths("responses")})
    frames = [statuses(lake, shard).filter(pl.col("status") == "ok") for shard in shards]
    return pl.concat([pl.DataFrame(schema={"cache_key": pl.String}), *frames], how="diagonal")
