"""The JSON schema that a server is asked to enforce, within what all dialects accept.

Strict mode wants every property required and no others; numeric bounds are not portable and are
checked after (see :mod:`recfeat_pipeline.extraction.validation`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

TEXT = {"type": "string"}
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
}


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


def expansion_schema(echo: str) -> dict[str, Any]:
    """The echo, then a description and attributes that the document need not have."""
    return _strict(
        {echo: TEXT, "description": TEXT, "attributes": {"type": "array", "items": TEXT}}
    )


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


def ranking_schema() -> dict[str, Any]:
    """Numbers of candidates, best first; nothing else, so that an answer is short."""
    return _strict({"ranking": {"type": "array", "items": {"type": "integer"}}})


def taste_schema() -> dict[str, Any]:
    """What is wanted, in names of a catalogue; whether it has them is seen when it is read."""
    names = {"type": "array", "items": TEXT}
    weighed = {"type": "array", "items": _strict({"name": TEXT, "weight": {"type": "number"}})}
    year = {"type": "integer"}
    return _strict(
        {
            "liked": names,
            "avoided": names,
            "dimensions": weighed,
            "genres": weighed,
            "first_year": year,
            "last_year": year,
            "words": names,
            "unwanted_words": names,
        }
    )


def compiled(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Whether a parsed JSON value fits a schema of this module, at once.

    jsonschema says the same of every value (a property test holds it to that), but would be much
    of what a call costs this program; it is asked only what is wrong.
    """
    kind = schema["type"]
    if kind == "object":
        return _object({name: compiled(part) for name, part in schema["properties"].items()})
    if kind == "array":
        fits = compiled(schema["items"])
        return lambda value: type(value) is list and all(map(fits, value))
    if kind == "integer":  # 3.0 is one to JSON
        return lambda value: type(value) is int or (type(value) is float and value.is_integer())
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
