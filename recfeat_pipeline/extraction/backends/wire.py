"""The chat-completions protocol: a request's body, and what a response's body says.

Used by the online backend and by both batch backends, which differ in transport only.
"""

import re
from typing import Any

from recfeat_pipeline.extraction.requests import messages
from recfeat_pipeline.extraction.tokens import rough_tokens
from recfeat_pipeline.extraction.types import Answer, Request, Usage

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
    usage, counted = _usage(body.get("usage"), request, text or "")
    return Answer(
        content=text,
        finish_reason=finish if isinstance(finish, str) else None,
        refusal=refusal if isinstance(refusal, str) and refusal else None,
        usage=usage,
        latency_ms=latency_ms,
        counted=counted,
    )


def error_of(body: Any) -> tuple[str | None, str]:
    """``code, message`` of an error body, in any of the dialects; ("", "") where there is none."""
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return None, str(error or "")
    code = error.get("code") or error.get("type")
    return (str(code) if code else None), str(error.get("message") or error.get("detail") or "")


def about_the_item(status: int, code: str | None, message: str) -> bool:
    """Whether an error response surely means one item's length or content."""
    if status == 413:
        return True
    return status in (400, 422) and (code in ITEM_CODES or bool(ITEM_TEXT.search(message)))


def _usage(usage: Any, request: Request, content: str) -> tuple[Usage, bool]:
    """Tokens as counted by the server, or by size where it does not say; and whether it did."""
    counted = usage if isinstance(usage, dict) else {}
    prompt, completion = (
        _count(counted.get(f"{part}_tokens")) for part in ("prompt", "completion")
    )
    details = counted.get("prompt_tokens_details")
    cached = (_count(details.get("cached_tokens")) or 0) if isinstance(details, dict) else 0
    known = bool(prompt) and completion is not None and (completion > 0 or not content)
    prompt = prompt or rough_tokens(request.question.system) + rough_tokens(request.document)
    completion = completion or rough_tokens(content)
    return Usage(prompt, min(cached, prompt), completion), known


def _count(value: Any) -> int | None:
    valid = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9
    return value if valid else None
