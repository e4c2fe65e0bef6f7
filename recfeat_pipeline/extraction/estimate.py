"""What a version will cost before it is asked, and how good the estimate was afterwards."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recfeat_pipeline.extraction.cascade import EXPECTED_UNSURE, Step, doubts, steps
from recfeat_pipeline.extraction.endpoints import OPENAI, profile_of
from recfeat_pipeline.extraction.ledger import journalled
from recfeat_pipeline.extraction.prices import Price, find_price, share
from recfeat_pipeline.extraction.requests import keyed, shown, user_message
from recfeat_pipeline.extraction.tokens import token_counter
from recfeat_pipeline.extraction.types import Limits, Usage
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake

HELD = {
    "cache_key": pl.String,
    "cost_usd": pl.Float64,
    "completion_tokens": pl.Int64,
    "latency_ms": pl.Float64,
}
KNOWN_FROM = 20  # answers that say what the others will take
Count = Callable[[str], int]

SAMPLE = 200  # documents tokenised; the rest are scaled by their length
FRAME = 11  # tokens that a chat adds to two messages
CALL_SECONDS = 4.0  # of a call, until the ledger knows better
PROVIDER_CACHES_FROM = 1024  # tokens of identical prefix
TOKENS_OF_PROFILE = 110  # two sentences and four tags
TOKENS_OF_EXPANSION = 260  # six sentences and eight attributes
TOKENS_OF_RANKING = 36  # {"ranking":[12,3,…]} of ten
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
    over_paid: float | None  # of the calls answered already: dollars this would say ÷ dollars paid
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
    limits: Limits | None = None,
    prices: str | Path | None = None,
    base_url: str | None = None,
) -> Estimate:
    """Estimate without sending anything.

    Args:
        documents: DOCUMENTS frame, of one shard or of all.
        version: what would be asked.
        model: other than the version's own.
        lake: whose ledger knows what is answered already; None counts every call.
        limits: concurrency and rates, for the hours.
        prices: the user's folder with a ``prices.toml``.
        base_url: of the endpoint, whose profile knows whether its models think; None: OpenAI's.
    """
    model, limits = model or version.model, limits or Limits()
    held = _held(lake) if lake else pl.DataFrame(schema=HELD)
    plan = steps(version, model)
    parts = []
    for step in plan:
        price = (find_price(step.model, prices), find_price(step.model, prices, batch=True))
        thoughts = profile_of(base_url or OPENAI, step.model, prices).reasoning_tokens
        calls = keyed(documents, step.version, step.model).unique("cache_key")
        if step.where_unsure:
            calls = _expected(calls, documents, version, lake)
        parts.append(_of_calls(calls, documents, step, held, price, thoughts, limits))
    return parts[0] if len(parts) == 1 else _together(parts)


def _of_calls(
    calls: pl.DataFrame,
    documents: pl.DataFrame,
    step: Step,
    held: pl.DataFrame,
    price: tuple[Price | None, Price | None],
    thoughts: int,
    limits: Limits,
) -> Estimate:
    """Of the calls of one model."""
    version, (online, batch) = step.version, price
    count, tokenizer = token_counter(step.model)
    left = calls.join(held, on="cache_key", how="anti")
    document_tokens = _document_tokens(documents, version, count)
    bought = calls.join(held, on="cache_key")
    lengths = [_answer_tokens(question.schema, count) + thoughts for question in version.questions]
    usage = _usage(left, version, document_tokens, count, _as_seen(bought, lengths))
    paid = float(bought["cost_usd"].sum())
    over_paid = None
    if online and paid:
        would = _usage(bought, version, document_tokens, count, lengths)
        taken = share(bought.height * CALL_SECONDS, limits.concurrency)
        over_paid = _cost(online, would, taken) / paid
    seconds = _seconds_of(bought)
    busy = share(left.height * seconds, limits.concurrency)
    return Estimate(
        documents=documents.height,
        calls=calls.height,
        cached=calls.height - left.height,
        prompt_tokens=usage.prompt,
        cached_tokens=usage.cached,
        completion_tokens=usage.completion,
        cost_usd=_cost(online, usage, busy) if online else None,
        cost_usd_batch=_cost(batch, usage, 0.0) if batch else None,
        hours=_hours(left.height, usage, limits, seconds),
        over_paid=over_paid,
        model=step.model,
        tokenizer=tokenizer,
        prices_as_of=online.as_of if online else None,
    )


def _expected(
    calls: pl.DataFrame, documents: pl.DataFrame, version: PromptVersion, lake: Lake | None
) -> pl.DataFrame:
    """Of a cascade's dear calls those that are needed, and a likely share of the unknown."""
    known = pl.DataFrame(schema={"row": pl.UInt32, "group": pl.UInt8, "unsure": pl.Boolean})
    if lake and "shard" in documents.columns:
        rows = documents.with_row_index("of_all")
        for (shard,), part in rows.partition_by("shard", as_dict=True).items():
            found = doubts(part.drop("of_all"), version, lake, str(shard))
            found = found.with_columns(row=part["of_all"].gather(found["row"]))
            known = pl.concat([known, found.select(known.columns)])
    place = ["row", "group"]
    likely = EXPECTED_UNSURE
    if known.height >= KNOWN_FROM:
        likely = float(known["unsure"].mean() or 0.0)  # type: ignore[arg-type]
    unknown = calls.join(known, on=place, how="anti").sample(fraction=likely, seed=0)
    return pl.concat([calls.join(known.filter("unsure"), on=place, how="semi"), unknown])


def _together(parts: Sequence[Estimate]) -> Estimate:
    """The steps of a cascade as one; its model is named by its way."""
    costs = [part.cost_usd for part in parts if part.cost_usd is not None]
    return replace(
        parts[-1],
        calls=sum(part.calls for part in parts),
        cached=sum(part.cached for part in parts),
        prompt_tokens=sum(part.prompt_tokens for part in parts),
        cached_tokens=sum(part.cached_tokens for part in parts),
        completion_tokens=sum(part.completion_tokens for part in parts),
        cost_usd=sum(costs) if len(costs) == len(parts) else None,
        cost_usd_batch=None,
        hours=sum(part.hours for part in parts),
        over_paid=None,
        model=f"{parts[0].model} → {parts[-1].model}",
    )


def _usage(
    calls: pl.DataFrame,
    version: PromptVersion,
    document_tokens: np.ndarray,
    count: Count,
    answer_tokens: Sequence[float],
) -> Usage:
    """Tokens that these calls take, an answer of each group so many; cached ones at most."""
    prompt = cached = 0
    completion = 0.0
    for position, question in enumerate(version.questions):
        rows = calls.filter(pl.col("group") == position)["row"].to_numpy()
        schema_tokens = count(str(question.schema))
        fixed = count(question.system) + FRAME
        prompt += int(document_tokens[rows].sum()) + fixed * len(rows)
        if fixed + schema_tokens >= PROVIDER_CACHES_FROM and len(rows):
            cached += fixed // 128 * 128 * (len(rows) - 1)
        completion += answer_tokens[position] * len(rows)
    return Usage(prompt, cached, round(completion))


def _as_seen(bought: pl.DataFrame, lengths: Sequence[float]) -> list[float]:
    """Tokens of an answer by group: as the ledger has seen it, where it has seen some."""
    seen = bought.group_by("group").agg(pl.len(), pl.mean("completion_tokens"))
    known = {group: mean for group, n, mean in seen.iter_rows() if n >= KNOWN_FROM and mean}
    return [known.get(position, length) for position, length in enumerate(lengths)]


def _seconds_of(bought: pl.DataFrame) -> float:
    """Seconds that a call takes: the ledger's median, where it has seen some."""
    seen = bought["latency_ms"].drop_nulls()
    median = seen.median() if len(seen) >= KNOWN_FROM else None
    return median / 1e3 if isinstance(median, float) else CALL_SECONDS


def _cost(price: Price, usage: Usage, seconds: float) -> float:
    """Dollars, without a discount for the provider's cache, which nobody promises."""
    return price.cost(Usage(usage.prompt, 0, usage.completion), seconds)


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
    """Tokens of an answer: each name with its quotes and number; a profile; ten numbers."""
    if "ranking" in schema["properties"]:
        return TOKENS_OF_RANKING
    if "description" in schema["properties"]:
        return TOKENS_OF_EXPANSION
    scores = schema["properties"].get("scores")
    if scores is None:
        return TOKENS_OF_PROFILE
    return TOKENS_OF_ECHO + sum(count(name) + TOKENS_OF_SCORE for name in scores["properties"])


def _hours(calls: int, usage: Usage, limits: Limits, seconds: float) -> float:
    minutes = [
        calls * seconds / limits.concurrency / 60,
        calls / (limits.requests_per_minute or float("inf")),
        usage.prompt / (limits.input_tokens_per_minute or float("inf")),
        usage.completion / (limits.output_tokens_per_minute or float("inf")),
    ]
    return max(minutes) / 60


def _held(lake: Lake) -> pl.DataFrame:
    """What every valid answer took that is in the ledger, or in the journal of a killed run."""
    paths = lake.table_paths("responses")
    frames = [lake.read_parquet(path, [*HELD, "status"]) for path in paths]
    frames = [frame.filter(status="ok").select(*HELD) for frame in (*frames, journalled(lake))]
    held = pl.concat([pl.DataFrame(schema=HELD), *frames])
    return held.unique("cache_key")
