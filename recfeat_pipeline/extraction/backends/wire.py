"""What the body of a chat completion or of an error says, in every dialect.

Used by the online backend and by both batch backends, which differ in transport only.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from recfeat_pipeline.extraction.tokens import rough_tokens
from recfeat_pipeline.extraction.types import Answer, Request, Usage

# Error codes and texts that speak of this request's length or content, not of a setting.
TEXT_PARTS = ("text", "output_text")  # of a content in parts; others are thoughts
ITEM_CODES = {"context_length_exceeded", "content_policy_violation", "content_filter"}
TOO_LONG = re.compile(
    r"context.?(length|window|size)|maximum context|too (long|large|many tokens)"
    r"|exceeds? the (available|maximum)",
    re.IGNORECASE,
)
DELAY = re.compile(r"\d+(\.\d+)?s")
ITEM_TEXT = re.compile(rf"{TOO_LONG.pattern}|content.{{0,20}}(policy|filter)", re.IGNORECASE)


def read_completion(body: Any, request: Request, latency_ms: float = 0.0) -> Answer:
    """The answer in a chat completion's body.

    Raises:
        ValueError: the body is not a chat completion.
    """
    try:
        choice = body["choices"][0]
        message = choice["message"]
        refusal = message.get("refusal")
        text = _text(message)
    except (TypeError, KeyError, IndexError, AttributeError) as error:
        raise ValueError("the body is not a chat completion") from error
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


def _text(message: Mapping[str, Any]) -> str | None:
    """The answer in a message: its content, or where else servers put the JSON."""
    if found := _plain(message.get("content")):
        return found
    calls = message.get("tool_calls")
    functions = [call.get("function") for call in calls] if isinstance(calls, list) else []
    for function in (*functions, message.get("function_call")):
        if isinstance(function, dict) and (found := _plain(function.get("arguments"))):
            return found
    for place in ("reasoning_content", "reasoning"):
        if (found := _plain(message.get(place))) and "{" in found:
            return found
    return message["content"] if isinstance(message.get("content"), str) else None


def _plain(content: Any) -> str | None:
    """Text as it is, parts joined without the thoughts among them, an object as its JSON."""
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict)]
        shown = [part for part in parts if part.get("type", "text") in TEXT_PARTS]
        content = "".join(str(part.get("text", "")) for part in shown)
    if isinstance(content, dict):
        content = json.dumps(content)
    return content if isinstance(content, str) and content.strip() else None


def _error(body: Any) -> Any:
    """What an error body says, without its frame."""
    if isinstance(body, list) and body and isinstance(body[0], dict):  # Gemini's
        body = body[0]
    return body.get("error", body) if isinstance(body, dict) else body


def delay_of(body: Any) -> float | None:
    """Seconds that an error body asks to wait, as Google's do: ``{"retryDelay": "37.2s"}``."""
    error = _error(body)
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        delay = str(detail.get("retryDelay", "")) if isinstance(detail, dict) else ""
        if DELAY.fullmatch(delay):
            return float(delay[:-1])
    return None


def error_of(body: Any) -> tuple[str | None, str]:
    """``code, message`` of an error body, in any of the dialects; ("", "") where there is none."""
    error = _error(body)
    if not isinstance(error, dict):
        return None, str(error or "")
    code = error.get("code") or error.get("type")
    detail = error.get("detail")
    if isinstance(detail, list):  # FastAPI's: what is wrong with which field
        fields = [part for part in detail if isinstance(part, dict)]
        detail = "; ".join(f"{_last(part.get('loc'))}: {part.get('msg')}" for part in fields)
    return (str(code) if code else None), str(error.get("message") or detail or "")


def param_of(body: Any) -> str | None:
    """The parameter that an error body names by itself."""
    error = _error(body)
    param = error.get("param") if isinstance(error, dict) else None
    return param if isinstance(param, str) else None


def _last(path: Any) -> Any:
    return path[-1] if isinstance(path, list) and path else path


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
