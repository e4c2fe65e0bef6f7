"""The JSON schema that a server is asked to enforce, within what all dialects accept.

Strict mode wants every property required and no others; numeric bounds are not portable and are
checked after (see :mod:`recfeat_pipeline.extraction.validation`).
"""

from collections.abc import Sequence
from typing import Any


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


def _strict(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
