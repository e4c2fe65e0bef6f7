"""Taxonomy files: where they lie, and what each mistake in one is told as.

A taxonomy is one YAML file: a built-in one of this folder, or the user's own in the folder
``taxonomies`` beside their prompt versions (``RECFEAT_PROMPTS``).
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.registry import Registry
from recfeat_pipeline.taxonomy.taxonomy import Dimension, Group, Taxonomy

FOLDER = "taxonomies"  # within RECFEAT_PROMPTS
TAXONOMIES = Registry(
    "taxonomy", "taxonomy", "RECFEAT_PROMPTS", FOLDER, pattern="*.yaml", replaces=True
)
NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")
ALL = "all"  # every group at once, in tables of agreement and in one-call versions
LONGEST = 300  # characters of a gloss, a title or a tag

TOP = {"name", "item", "version", "source", "groups"}
GROUP = {"name", "title", "gloss", "factual_only", "dimensions"}
DIMENSION = {"name", "gloss", "genome_tags"}


def list_taxonomies(prompts: str | Path | None = None) -> dict[str, Path]:
    """Names and files of the built-in taxonomies and the user's; of one name, the user's counts.

    Args:
        prompts: the user's folder of prompt versions.
    """
    return TAXONOMIES.files(prompts)


def load_taxonomy(name: str, prompts: str | Path | None = None) -> Taxonomy:
    """Load a taxonomy by its name.

    Raises:
        RecfeatError: there is none of that name, or its file has a mistake.
    """
    known = list_taxonomies(prompts)
    if name not in known:
        raise RecfeatError(
            f"No taxonomy {name!r}. There are: {', '.join(known)}; one of your own is a file "
            f"{FOLDER}/<name>.yaml in RECFEAT_PROMPTS (`recfeat taxonomy derive` begins one)."
        )
    taxonomy = read_taxonomy(known[name])
    if taxonomy.name != name:  # a version's key holds the name: it must find the file again
        raise _error(str(known[name]), f"name is {taxonomy.name!r}; file and name must agree")
    return taxonomy


def read_taxonomy(path: Path) -> Taxonomy:
    """Read a taxonomy file, wherever it lies and whatever it is called.

    Raises:
        RecfeatError: it cannot be read, or has a mistake: one sentence says which, and where.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RecfeatError(f"Cannot read the taxonomy {path}: {error}.") from error
    return parse_taxonomy(text, path)


@lru_cache(maxsize=32)  # by content: a file may be edited while a daemon runs
def parse_taxonomy(text: str, path: Path) -> Taxonomy:
    """The taxonomy that a file of this text is; as :func:`read_taxonomy`."""
    try:
        spec = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise RecfeatError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    return build_taxonomy(spec, str(path))


def build_taxonomy(spec: Any, where: str) -> Taxonomy:
    """A taxonomy from plain dictionaries and lists, checked.

    Raises:
        RecfeatError: the first mistake, at ``where``.
    """
    top = _mapping(spec, where, TOP)
    name = _name(top, where)
    item = _text(top, "item", where, default="item")
    groups = tuple(_groups(top, where))
    _no_repeats((group.name for group in groups), where, "group")
    taxonomy = Taxonomy(name, groups, item)
    _no_repeats((dimension.name for dimension in taxonomy.dimensions), where, "dimension")
    return taxonomy


def _groups(top: Mapping[str, Any], where: str) -> Iterator[Group]:
    for number, spec in enumerate(_list(top, "groups", where, "a group"), 1):
        spec = _mapping(spec, f"{where}, group {number}", GROUP)
        name = _name(spec, f"{where}, group {number}")
        here = f"{where}, group {name!r}"
        if name == ALL:
            raise _error(here, "this name means every group at once; choose another")
        factual = spec.get("factual_only", False)
        if not isinstance(factual, bool):
            raise _error(here, f"factual_only is {factual!r:.80}; write true or false")
        yield Group(
            name=name,
            title=_text(spec, "title", here, default=name.replace("_", " ").capitalize()),
            factual_only=factual,
            dimensions=tuple(_dimensions(spec, here)),
            gloss=_text(spec, "gloss", here, default=""),
        )


def _dimensions(group: Mapping[str, Any], where: str) -> Iterator[Dimension]:
    for number, spec in enumerate(_list(group, "dimensions", where, "a dimension"), 1):
        spec = _mapping(spec, f"{where}, dimension {number}", DIMENSION)
        name = _name(spec, f"{where}, dimension {number}")
        here = f"{where}, dimension {name!r}"
        tags = spec.get("genome_tags") or []
        if not isinstance(tags, list):
            raise _error(here, "genome_tags is no list; write it as [one tag, another]")
        plain = [_text({"genome_tags": tag}, "genome_tags", here).lower() for tag in tags]
        yield Dimension(name, _text(spec, "gloss", here), tuple(dict.fromkeys(plain)))


def _mapping(spec: Any, where: str, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(spec, dict):
        raise _error(where, f"expected {', '.join(sorted(known))}, each with a value")
    if unknown := [key for key in spec if key not in known]:
        may = f"it may set {', '.join(sorted(known))}"
        raise _error(where, f"it sets {unknown[0]!r:.80}, which nothing reads; {may}")
    return spec


def _list(spec: Mapping[str, Any], key: str, where: str, what: str) -> list[Any]:
    value = spec.get(key)
    if not isinstance(value, list) or not value:
        raise _error(where, f"{key} is empty; give at least {what}")
    return value


def _name(spec: Mapping[str, Any], where: str) -> str:
    value = spec.get("name")
    if value is None:
        raise _error(where, "name is missing")
    if not isinstance(value, str):
        raise _error(where, f"name is {value!r:.80}, which YAML takes for no text; quote it")
    if not NAME.fullmatch(value):
        allowed = "use small letters a to z, digits and '_', at most 64"
        raise _error(where, f"{value!r:.80} cannot be a name; {allowed}")
    return value


def _text(spec: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    """One line of text: in a prompt or a page, a second line could pose as theirs."""
    value = spec.get(key, default)
    if value is None:
        raise _error(where, f"{key} is missing")
    if not isinstance(value, str):
        raise _error(where, f"{key} is {value!r:.80}, which YAML takes for no text; quote it")
    value = value.strip() or default
    if value is None:
        raise _error(where, f"{key} is empty")
    if len(value) > LONGEST:
        raise _error(where, f"{key} has {len(value)} characters; at most {LONGEST} are read")
    if not value.isprintable():
        raise _error(where, f"{key} has a line break or an unprintable character; write one line")
    return value


def _no_repeats(names: Iterator[str], where: str, what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise _error(where, f"two {what}s are called {name!r}; names must be unique")
        seen.add(name)


def _error(where: str, what: str) -> RecfeatError:
    return RecfeatError(f"Taxonomy {where}: {what}.")
