"""Endpoint profiles: one TOML file each; being here is being registered.

::

    title = "Ollama"
    hosts = ["…"]              # regular expressions on host:port; one of them must be found
    models = "…"               # and this one on the model's name
    answer = "json_schema"     # json_schema | json_object | text (the schema is in the prompt)
    without = ["seed"]         # parameters that it refuses
    renamed = { max_tokens = "max_completion_tokens" }
    at_most = { temperature = 1.0 }
    cache_key = "prompt_cache_key"
    reasoning_tokens = 800     # of an answer, on average, before the ledger knows better
    thinking_room = 4000       # added to the answer's cap, where that counts the thoughts

A user's own lie in ``endpoints/`` of the folder RECFEAT_PROMPTS and come first. Among those that
fit, one that names models comes before one that does not.
"""

import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.dialect import FORMS, Dialect
from recfeat_pipeline.registry import Registry

OPENAI = "https://api.openai.com/v1"
ENDPOINTS = Registry(
    "endpoint profile",
    "extraction/endpoints",
    "RECFEAT_PROMPTS",
    "endpoints",
    pattern="*.toml",
    replaces=True,
)
MATCH = {"title", "hosts", "models"}
KEYS = MATCH | {field.name for field in fields(Dialect)} - {"name"}


def profile_of(base_url: str, model: str, extra_folder: str | Path | None = None) -> Dialect:
    """The dialect that an endpoint and a model begin with."""
    where = urlsplit(base_url).netloc.rpartition("@")[2]
    specs = [(path, _read(path)) for path in ENDPOINTS.files(extra_folder).values()]
    fitting = [
        (path.parent == ENDPOINTS.built_in, "models" not in spec, path.stem, spec)
        for path, spec in specs
        if any(re.search(host, where) for host in spec.get("hosts", [""]))
        and re.search(spec.get("models", ""), model)
    ]
    if not fitting:
        return Dialect()
    *_, name, spec = min(fitting, key=lambda found: found[:3])
    settings = {key: value for key, value in spec.items() if key not in MATCH}
    return Dialect(name=name, **settings | {"without": tuple(spec.get("without", ()))})


def _read(path: Path) -> dict[str, Any]:
    try:
        spec = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecfeatError(f"The endpoint profile {path} cannot be read: {error}.") from error
    unknown = sorted(set(spec) - KEYS)
    if unknown or spec.get("answer", FORMS[0]) not in FORMS:
        what = f"{unknown[0]!r}, which nothing reads" if unknown else "an unknown answer"
        raise RecfeatError(
            f"The endpoint profile {path} sets {what}; see recfeat_pipeline/extraction/"
            "endpoints for its form."
        )
    return spec
