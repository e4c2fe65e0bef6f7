"""How an LLM answered an arm's requests: valid or not, at what price, how fast, how steadily."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

UNREADABLE = ("not_json", "schema", "length", "too_long")
NO_SUCH = "ranking"
CALLS = (
    "cache_key", "status", "reason", "backend", "attempts", "prompt_tokens", "completion_tokens",
    "cost_usd", "latency_ms",
)  # fmt: skip
"""Columns of the ledger that are looked at."""


def describe(asked: pl.DataFrame, calls: pl.DataFrame, k: int) -> dict[str, Any]:
    """Columns of :data:`~recfeat_pipeline.reranking_schemas.RERANKERS` that the calls tell.

    Args:
        asked: RERANKED rows that were asked.
        calls: the ledger's rows of their keys, :data:`CALLS`, in the order of time; a call that
            was bought again has several, all of which were paid.
        k: candidates.
    """
    ended = calls.sort("status").unique("cache_key", keep="last", maintain_order=True)  # ok last
    failed = ended.filter(status="failed")["reason"].str.split(":").list.first()
    unreadable = int(failed.is_in(UNREADABLE).sum())
    no_such = int((failed == NO_SUCH).sum())
    waited = latencies(ended)
    picks = asked["picks"].drop_nulls().to_list()
    near, chance = first_third(picks, k) if picks else (None, None)
    unpriced = calls["cost_usd"].null_count() or not calls.height
    total = calls.select("attempts", "prompt_tokens", "completion_tokens", "cost_usd").sum()
    per = {name: (total[name][0] or 0) / max(ended.height, 1) for name in total.columns}
    return {
        "answered": len(picks),
        "no_such_candidate": no_such,
        "unreadable": unreadable,
        "other_failures": len(failed) - unreadable - no_such,
        "attempts": per["attempts"],
        "latency_p50_ms": _quantile(waited, 0.5),
        "latency_p95_ms": _quantile(waited, 0.95),
        "usd_per_1000": None if unpriced else 1000 * per["cost_usd"],
        "prompt_tokens": per["prompt_tokens"],
        "completion_tokens": per["completion_tokens"],
        "first_third": near,
        "first_third_expected": chance,
    }


def latencies(calls: pl.DataFrame) -> np.ndarray:
    """Milliseconds that online calls took, [C]; a batch's tell nothing of a request."""
    return calls.filter(backend="online")["latency_ms"].drop_nulls().to_numpy()


def first_third(picks: Sequence[Sequence[int]], k: int) -> tuple[float, float]:
    """The share of first picks among the first third of the numbers, and what chance gives."""
    third = k // 3
    return float(np.mean([first <= third for first, *_ in picks])), third / k


def likeness(one: Sequence[Sequence[int]], other: Sequence[Sequence[int]]) -> tuple[float, float]:
    """Of two askings: the share with the same first pick, and of the same picks."""
    pairs = list(zip(one, other, strict=True))
    same = float(np.mean([a[0] == b[0] for a, b in pairs]))
    return same, float(np.mean([len({*a} & {*b}) / max(len(a), len(b)) for a, b in pairs]))


def _quantile(values: np.ndarray, at: float) -> float | None:
    return float(np.quantile(values, at)) if len(values) else None
