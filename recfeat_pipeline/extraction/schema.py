"""The JSON schema that a server is asked to enforce, within what all dialects accept.

Strict mode wants every property required and no others; numeric bounds are not portable and are
checked after (see :mod:`recfeat_pipeline.extraction.validation`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {"string": (str,), "number": (int, float)}


def answer_schema(echo: str, dimensions: Sequence[str] | None) -> dict[str, Any]:
    """Schema of an answer: the echo first, then scores by dimension, or a profile and tags.

    Args:
        echo: the property that repeats the document's identity, "title" or "opening".
        dimensions: what is scored; None asks for a profile.
    """
    text = {"type": "string"}
    if dimensions is None:
        tags = {"type": "array", "items": text}
        return _strict({echo: text, "profile": text, "tags": tags})
    scores = _strict({dimension: {"type": "number"} for dimension in dimensions})
    return _strict({echo: text, "scores": scores})


def compiled(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Whether a parsed JSON value fits a schema made by :func:`answer_schema`, at once.

    jsonschema says the same of every value (a property test holds it to that) in 100 times the
    time, which is a third of what a call costs this program; it is asked only what is wrong.
    """
    kind = schema["type"]
    if kind == "object":
        return _object({name: compiled(part) for name, part in schema["properties"].items()})
    if kind == "array":
        fits = compiled(schema["items"])
        return lambda value: type(value) is list and all(map(fits, value))
    types = TYPES[kind]  # a bool is an int to Python alone
    return lambda value: type(value) in types


def _object(parts: Mapping[str, Callable[[Any], bool]]) -> Callable[[Any], bool]:
    """Every property, and no other."""

    def fits(value: Any) -> bool:
        return (
            type(value) is dict
            and value.keys() == parts.keys()
            and all(fits(value[name]) for name, fits in parts.items())
        )

    return fits


def _strict(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
