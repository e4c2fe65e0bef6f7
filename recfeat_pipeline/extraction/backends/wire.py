"""The chat-completions protocol: a request's body, and what a response's body says.

Used by the online backend and by both batch backends, which differ in transport only.
"""

import re
from typing import Any

from recfeat_pipeline.extraction.requests import messages
from recfeat_pipeline.extraction.tokens import rough_tokens
from recfeat_pipeline.extraction.types import Answer, ItemError, Request, Usage

# Error codes and texts that speak of this request's length or content, not of a setting.
ITEM_CODES = {"context_length_exceeded", "content_policy_violation", "content_filter"}
ITEM_TEXT = re.compile(
    r"context (length|window|size)|maximum context|too (long|large|many tokens)|content.{0,20}"
    r"(policy|filter)|exceeds? the (available|maximum)",
    re.IGNORECASE,
)


def request_body(request: Request, attempt: int = 0, reminder: str | None = None) -> dict[str, Any]:
    """The JSON body of a call; the seed moves with the attempt, so that a re-ask is a new one."""
    params = dict(request.params)
    if attempt and "seed" in params:
        params["seed"] += attempt
    return {
        "model": request.model,
        "messages": messages(request, reminder),
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": request.question.group,
                "schema": request.question.schema,
                "strict": True,
            },
        },
        **params,
    }


def read_completion(body: Any, request: Request, latency_ms: float = 0.0) -> Answer:
    """The answer in a chat completion's body.

    Raises:
        ValueError: the body is not a chat completion.
    """
    try:
        choice = body["choices"][0]
        message = choice["message"]
        content, refusal = message.get("content"), message.get("refusal")
    except (TypeError, KeyError, IndexError, AttributeError) as error:
        raise ValueError("the body is not a chat completion") from error
    if isinstance(content, list):  # content parts
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    text = content if isinstance(content, str) else None
    finish = choice.get("finish_reason")
    return Answer(
        content=text,
        finish_reason=finish if isinstance(finish, str) else None,
        refusal=refusal if isinstance(refusal, str) and refusal else None,
        usage=_usage(body.get("usage"), request, text or ""),
        latency_ms=latency_ms,
    )


def error_of(body: Any) -> tuple[str | None, str]:
    """``code, message`` of an error body, in any of the dialects; ("", "") where there is none."""
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return None, str(error or "")
    code = error.get("code") or error.get("type")
    return (str(code) if code else None), str(error.get("message") or error.get("detail") or "")


def about_the_item(status: int, code: str | None, message: str) -> ItemError | None:
    """The failure of one item that an error response means, if it means that."""
    if status == 413 or (
        status in (400, 422) and (code in ITEM_CODES or ITEM_TEXT.search(message))
    ):
        return ItemError(f"rejected: {code or status}")
    return None


def _usage(usage: Any, request: Request, content: str) -> Usage:
    """Tokens as counted by the server; by size where it does not say."""
    if not isinstance(usage, dict) or not _count(usage.get("prompt_tokens")):
        prompt = rough_tokens(request.question.system) + rough_tokens(request.document)
        return Usage(prompt, 0, rough_tokens(content))
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    prompt = _count(usage["prompt_tokens"])
    return Usage(prompt, min(cached, prompt), _count(usage.get("completion_tokens")))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 < value < 10**9 else 0
