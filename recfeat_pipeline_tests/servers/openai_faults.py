"""Ways in which a server or a model fails, each by name."""

import json
from collections.abc import Callable
from typing import Any

from recfeat_pipeline_tests.servers.async_http import Reply

HTTP = {
    "429": lambda: error_reply(
        429, "rate_limit_exceeded", "Rate limit reached", **{"Retry-After": "0.3"}
    ),
    "429-bare": lambda: error_reply(429, "rate_limit_exceeded", "Rate limit reached"),
    "quota": lambda: error_reply(429, "insufficient_quota", "You exceeded your current quota"),
    "used_up": lambda: error_reply(
        429, "429", "RateLimitError: OpenAIException - You exceeded your current quota, please …"
    ),
    "402-in-200": lambda: error_reply(200, 402, "Insufficient credits"),
    "401-in-200": lambda: error_reply(200, 401, "No auth credentials found"),
    "400": lambda: error_reply(400, "invalid_request_error", "Invalid value for 'temperature'"),
    "context": lambda: error_reply(
        400, "context_length_exceeded", "This model's maximum context length is 8192 tokens"
    ),
    "401": lambda: error_reply(401, "invalid_api_key", "Incorrect API key provided"),
    "407": lambda: Reply(b"", 407, {"Proxy-Authenticate": "Basic"}),
    "500": lambda: error_reply(500, "server_error", "The server had an error"),
    "503": lambda: error_reply(503, "overloaded", "Overloaded"),
    "redirect": lambda: Reply(b"", 307, {"Location": "http://127.0.0.1:1/v1/chat/completions"}),
    "html": lambda: Reply(b"<html>Bad Gateway</html>", 200, {"Content-Type": "text/html"}),
    "not_completion": lambda: Reply({"unexpected": ["shape"]}),
    "null_choices": lambda: Reply({"choices": None}),
    "huge": lambda: Reply(b'{"choices": "' + b"x" * 10_000_000 + b'"}'),
    "drop": lambda: Reply(drop=True),
    "bad_utf8": lambda: Reply(b'\xff\xfe{"choices": [\x80]}'),
}  # fmt: skip
"""Instead of an answer."""


def _content(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict], None]:
    def apply(completion: dict) -> None:
        message = completion["choices"][0]["message"]
        changed = change(json.loads(message["content"]))
        message["content"] = changed if isinstance(changed, str) else json.dumps(changed)

    return apply


def _scores(change: Callable[[dict[str, float]], Any]) -> Callable[[dict], None]:
    def on(value: dict[str, Any]) -> Any:
        if "scores" in value:
            changed = change(value["scores"])
            value["scores"] = value["scores"] if changed is None else changed
        return value

    return _content(on)


def _first(scores: dict[str, float], value: Any) -> None:
    scores[next(iter(scores))] = value


def _finish(reason: str, content: str | None = "{") -> Callable[[dict], None]:
    def apply(completion: dict) -> None:
        completion["choices"][0]["finish_reason"] = reason
        completion["choices"][0]["message"]["content"] = content

    return apply


def _refuse(completion: dict) -> None:
    completion["choices"][0]["message"] |= {"content": None, "refusal": "I can't help with that."}


def _rename(value: dict[str, Any]) -> dict[str, Any]:
    name = next(iter(value))
    return value | {name: "Some Entirely Different Thing (1901)"}


BODY: dict[str, Callable[[dict], None]] = {
    "not_json": _content(lambda value: "The film is great! I would say 0.8."),
    "half_json": _content(lambda value: json.dumps(value)[:40]),
    "deep": _content(lambda value: "[" * 100_000),
    "extra_key": _content(lambda value: value | {"note": "as asked"}),
    "missing_key": _scores(lambda scores: dict(list(scores.items())[1:])),
    "extra_dimension": _scores(lambda scores: scores | {"made_up": 0.3}),
    "nan": _scores(lambda scores: _first(scores, float("nan"))),
    "out_of_range": _scores(lambda scores: _first(scores, 7)),
    "negative": _scores(lambda scores: _first(scores, -0.1)),
    "strings": _scores(lambda scores: _first(scores, "0.5")),
    "bool": _scores(lambda scores: _first(scores, True)),
    "null": _scores(lambda scores: _first(scores, None)),
    "all_half": _scores(lambda scores: dict.fromkeys(scores, 0.5)),
    "all_equal": _scores(lambda scores: dict.fromkeys(scores, 0.3)),
    "wrong_title": _content(_rename),
    "twice": _content(lambda value: json.dumps(value)[:-1] + ', "title": "x", "title": "y"}'),
    "fence": _content(lambda value: "```json\n" + json.dumps(value) + "\n```"),
    "think": _content(lambda value: "<think>hm {1}</think>" + json.dumps(value)),
    "surrogate": _content(lambda value: json.dumps(value)[:-1] + ', "x": "\\ud800"}'),
    "empty": _finish("stop", ""),
    "none": _finish("stop", None),
    "length": _finish("length"),
    "content_filter": _finish("content_filter", None),
    "refusal": _refuse,
}
"""Made of a good answer."""

HARMLESS = {"fence", "think"}


def error_reply(status: int, code: str | int, message: str, **headers: str) -> Reply:
    body = {"error": {"message": message, "type": code, "param": None, "code": code}}
    return Reply(body, status, headers)
