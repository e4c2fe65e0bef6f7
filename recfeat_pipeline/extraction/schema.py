"""The JSON schema that a server is asked to enforce, within what all dialects accept.

Strict mode wants every property required and no others; numeric bounds are not portable and are
checked after (see :mod:`recfeat_pipeline.extraction.validation`).
"""

from collections.abc import Sequence
from typing import Any

TEXT = {"type": "string"}


def scores_schema(echo: str, dimensions: Sequence[str]) -> dict[str, Any]:
    """The echo, then a score by dimension.

    Args:
        echo: the property that repeats the document's identity, "title" or "opening".
        dimensions: what is scored.
    """
    scores = _strict({dimension: {"type": "number"} for dimension in dimensions})
    return _strict({echo: TEXT, "scores": scores})


def profile_schema(echo: str) -> dict[str, Any]:
    """The echo, then a profile and tags."""
    return _strict({echo: TEXT, "profile": TEXT, "tags": {"type": "array", "items": TEXT}})


def taxonomy_schema(echo: str) -> dict[str, Any]:
    """The echo, then groups of dimensions as a taxonomy file has them."""
    dimension = _strict({"name": TEXT, "gloss": TEXT})
    group = _strict(
        {
            "name": TEXT,
            "title": TEXT,
            "gloss": TEXT,
            "factual_only": {"type": "boolean"},
            "dimensions": {"type": "array", "items": dimension},
        }
    )
    return _strict({echo: TEXT, "groups": {"type": "array", "items": group}})


def _strict(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
