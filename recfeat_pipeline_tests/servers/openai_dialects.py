"""The manners of OpenAI-compatible servers: what they refuse, and how they talk.

The sentences are those that users of each server report.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]
Refusal = tuple[int, Any]  # status, body


def _silent(body: Body) -> Refusal | None:
    return None


def _as_is(completion: Body) -> None:
    pass


@dataclass(frozen=True)
class Manners:
    """One server's.

    ``refuses`` says why a body is refused; ``speaks`` turns OpenAI's completion into its own;
    ``forms`` are the response formats that it heeds (a form that it does not heed is ignored).
    """

    refuses: Callable[[Body], Refusal | None] = _silent
    speaks: Callable[[Body], None] = _as_is
    forms: tuple[str, ...] = ("json_schema", "json_object")
    enforces: bool = True


def schema_of(body: Body) -> tuple[str, Body] | None:
    """The schema that a call asks for, and by which form: in the format, or in the prompt."""
    wanted = body.get("response_format", {})
    if "json_schema" in wanted:
        schema = wanted["json_schema"]["schema"]
        return "json_schema", _inlined(schema, schema.get("$defs", {}))
    _, mark, schema = body["messages"][0]["content"].rpartition("JSON schema:\n")
    return (wanted.get("type", "text"), json.loads(schema)) if mark else None


def _inlined(schema: Any, named: Body) -> Any:
    """The schema with its references, as pydantic makes them, replaced by what they name."""
    if isinstance(schema, list):
        return [_inlined(part, named) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(named[schema["$ref"].rpartition("/")[2]], named)
    return {key: _inlined(part, named) for key, part in schema.items() if key != "$defs"}


def _error(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return 400, {"error": error}


def _not_strict(schema: Body) -> str | None:
    """What OpenAI's strict mode objects to."""
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            return "'additionalProperties' is required to be false"
        if set(schema.get("required", ())) != set(schema["properties"]):
            return "'required' must name every property"
        return next(filter(None, map(_not_strict, schema["properties"].values())), None)
    return None


def _openai(body: Body) -> Refusal | None:
    found = schema_of(body)
    if found and found[0] == "json_schema" and (problem := _not_strict(found[1])):
        return _error(f"Invalid schema for response_format: {problem}")
    return None


def _reasoning(body: Body) -> Refusal | None:
    if "max_tokens" in body:
        return _error(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        )
    if body.get("temperature", 1) != 1:
        return _error(
            f"Unsupported value: 'temperature' does not support {body['temperature']} with this "
            "model. Only the default (1) value is supported.",
            "temperature",
            "unsupported_value",
        )
    if "seed" in body:
        return _error(
            "Unsupported parameter: 'seed' is not supported with this model.",
            "seed",
            "unsupported_parameter",
        )
    return _openai(body)


def _litellm(body: Body) -> Refusal | None:
    named = [name for name in ("seed", "temperature") if name in body]
    if not named:
        return None
    return _error(
        f"litellm.UnsupportedParamsError: loopback does not support parameters: {named}, for "
        f"model={body['model']}. To drop these, set `litellm.drop_params=True`"
    )


def _gemini(body: Body) -> Refusal | None:
    if "seed" not in body:
        return None
    message = 'Invalid JSON payload received. Unknown name "seed": Cannot find field.'
    return 400, [{"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}]


def _anthropic(body: Body) -> Refusal | None:
    if body.get("temperature", 0) > 1:
        return _error("temperature: Input should be less than or equal to 1")
    if "prompt_cache_key" in body:
        return _error("prompt_cache_key: Extra inputs are not permitted")
    return None


def _deepseek(body: Body) -> Refusal | None:
    if body.get("response_format", {}).get("type") == "json_schema":
        return _error("This response_format type is unavailable now")
    return None


def _plain_text(body: Body) -> Refusal | None:
    if "response_format" in body:
        return 422, {"detail": [{"loc": ["body", "response_format"], "msg": "Extra inputs are "
                                 "not permitted", "type": "extra_forbidden"}]}  # fmt: skip
    return None


def _thinks(completion: Body) -> None:
    usage = completion["usage"]
    usage["completion_tokens"] += 64
    usage["total_tokens"] += 64
    usage["completion_tokens_details"] = {"reasoning_tokens": 64}


def _routed(completion: Body) -> None:
    completion["choices"][0] |= {"native_finish_reason": "end_turn", "logprobs": None}
    completion["choices"][0]["message"] |= {"refusal": None, "reasoning": "The plot says so."}


def _vllm(completion: Body) -> None:
    completion["choices"][0] |= {"stop_reason": None}
    completion["choices"][0]["message"] |= {"reasoning_content": None, "tool_calls": []}
    completion["usage"]["prompt_tokens_details"] = None


def _finishes(reason: str) -> Callable[[Body], None]:
    def speaks(completion: Body) -> None:
        completion["choices"][0]["finish_reason"] = reason

    return speaks


MANNERS = {
    "openai": Manners(_openai),
    "openai-reasoning": Manners(_reasoning, _thinks),
    "vllm": Manners(speaks=_vllm),
    "ollama": Manners(enforces=False),
    "llama.cpp": Manners(speaks=_finishes("eos")),
    "openrouter": Manners(speaks=_routed),
    "litellm": Manners(_litellm),
    "anthropic": Manners(_anthropic, _finishes("end_turn"), forms=()),
    "gemini": Manners(_gemini, _finishes("STOP")),
    "deepseek": Manners(_deepseek, forms=("json_object",)),
    "text-only": Manners(_plain_text, forms=()),
}
