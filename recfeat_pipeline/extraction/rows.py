"""How an ended call looks in the ledger, whichever backend it came from."""

from typing import Any

from recfeat_pipeline.extraction.types import Request, Usage, now
from recfeat_pipeline.rendering import without_surrogates

KEPT_CHARS = 20_000  # of a failed answer's text


def response_row(
    request: Request,
    backend: str,
    content: str | None,
    status: str,
    reason: str | None,
    attempts: int,
    usage: Usage,
    cost: float | None,
    latency_ms: float | None,
) -> dict[str, Any]:
    """One ended call in the RESPONSES schema; tokens and dollars of all its attempts."""
    text = without_surrogates(content or "")
    return {
        "cache_key": request.key,
        "item_id": request.item_id,
        "version": request.version,
        "group": request.question.group,
        "status": status,
        "reason": without_surrogates(reason) if reason else None,
        "response": text if status == "ok" else text[:KEPT_CHARS],
        "model": request.model,
        "backend": backend,
        "attempts": attempts,
        "prompt_tokens": usage.prompt,
        "cached_tokens": usage.cached,
        "completion_tokens": usage.completion,
        "cost_usd": cost,
        "latency_ms": latency_ms,
        "created_at": now(),
    }
