"""Prompt versions: a folder of files each; adding one is adding a folder.

::

    prompts/<name>/version.toml      name, what is asked, taxonomy, model, parameters, cuts
                   preamble.md       fixed instructions, first in every call
                   groups/<group>.md what one call asks; {{ dimensions }} lists the taxonomy's
                   group.md          the same for every group without a file of its own
                   calibration.md    how to score and what to answer

``extends = "<other>"`` takes every file and setting that is not given from another version, but the
parameters that ``without = ["seed"]`` names; what
none gives to a version that scores is taken from ``prompts/default/``, which suits any taxonomy.
The instructions are fixed for a call and the document comes last, so that providers can cache the
prefix, from 1,024 tokens on. ``groups_per_call = 3`` asks so many groups in one call: fewer calls,
a longer prefix, and the document sent less often; ``recfeat reliability --against`` says what it
does to the scores. ``[cascade]`` asks a cheap ``model`` first, twice, and the version's own where
the two answers differ by more than ``unsure_above``.

A *probe* of a version shows less of its documents, and asks the same: ``<name>+title-only`` is the
version that extends ``<name>`` by the files of ``prompts/probes/title-only/``.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import jinja2

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.keys import canonical, sha256
from recfeat_pipeline.extraction.schema import (
    expansion_schema,
    profile_schema,
    ranking_schema,
    scores_schema,
    taste_schema,
    taxonomy_schema,
)
from recfeat_pipeline.extraction.types import Question
from recfeat_pipeline.registry import Registry
from recfeat_pipeline.taxonomy import Dimension, Group, Taxonomy, load_taxonomy

VERSIONS = Registry(
    "prompt version",
    "extraction/prompts",
    "RECFEAT_PROMPTS",
    pattern="*/version.toml",
    replaces=True,
)
DEFAULT_TEXTS = VERSIONS.built_in / "default"
PROBES = Registry(
    "probe",
    "extraction/prompts/probes",
    "RECFEAT_PROMPTS",
    "probes",
    pattern="*/version.toml",
    replaces=True,
)

ECHOES = {
    "title": '"title": the text after "Title:" in the document, copied exactly.',
    "opening": '"opening": the first six words of the document\'s text, copied exactly.',
    "none": "",
}
KEYS = {
    "name", "description", "extends", "asks", "taxonomy", "one_call", "model", "echo", "params",
    "without", "groups_per_call", "document", "cuts", "cascade",
}  # fmt: skip
LABEL_CHARS = 64  # of a schema's name; servers allow no more
DOCUMENT_KEYS = {"title", "labels", "characters", "mask_names"}
ASKS = {
    "scores": "",  # of each group, which names its call
    "item_profile": "profile",
    "user_profile": "profile",
    "expansion": "expansion",
    "taxonomy": "taxonomy",
    "ranking": "ranking",
    "taste": "taste",
}
"""What a version may ask, and the name of its one call."""
OF_ITEMS = {"scores": "scores", "item_profile": "profiles", "expansion": "generated"}
"""What is asked about items, and the lake table that its answers become."""
OF_NO_ITEM = ("ranking", "taste")
"""What is asked about a request: there is no item whose identity could be repeated."""


@dataclass(frozen=True)
class Cascade:
    """A model that is asked before the version's own; see ``extraction/cascade.py``."""

    model: str
    unsure_above: float  # mean difference of its two answers, over the dimensions above 0


@dataclass(frozen=True)
class PromptVersion:
    """A version, ready to ask. ``key`` is its partition key: the name and a hash of its content."""

    name: str
    description: str
    asks: str  # one of ASKS
    taxonomy: Taxonomy | None
    model: str
    params: Mapping[str, Any]
    echo: str  # one of ECHOES
    title: bool  # the document shows its title line
    labels: tuple[str, ...] | None  # the only fields shown; None: all
    cuts: Mapping[str, str | int]
    questions: tuple[Question, ...]
    characters: int | None = None  # longest text shown of all fields together
    mask_names: tuple[str, ...] = ()  # fields that list people; set: no name is shown
    cascade: Cascade | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """One call each."""
        return tuple(question.group for question in self.questions)

    @property
    def document(self) -> list[Any]:
        """What decides which text is shown; an option that is not used leaves no trace in a key."""
        options = {"characters": self.characters, "mask_names": self.mask_names}
        used = {name: value for name, value in options.items() if value}
        return [self.title, self.labels, dict(self.cuts), *([used] if used else [])]

    @cached_property
    def key(self) -> str:
        """``name@<8 hex digits of the content's hash>``; comments and labels do not count."""
        content = {
            "asks": self.asks,
            "model": self.model,
            "params": dict(self.params),
            "document": self.document,
            "questions": [[q.group, q.system, q.schema] for q in self.questions],
            **({"cascade": asdict(self.cascade)} if self.cascade else {}),
        }
        return f"{self.name}@{sha256(canonical(content))[:8]}"


def list_versions(extra_folder: str | Path | None = None) -> list[str]:
    """Names of the built-in versions and of those in the user's folder, sorted."""
    return VERSIONS.names(extra_folder)


def list_probes(extra_folder: str | Path | None = None) -> list[str]:
    """Names of the probes that any version may be asked by, sorted."""
    return PROBES.names(extra_folder)


def probe_of(name: str, probe: str) -> str:
    """The name by which a version's probe is asked; a probe of a probe is the version's."""
    return f"{name.partition('@')[0].partition('+')[0]}+{probe}"


def load_version(name: str, extra_folder: str | Path | None = None) -> PromptVersion:
    """Load a version by its name or by its key (``name@hash``).

    Raises:
        RecfeatError: no such version, a file of it is missing or malformed, or its files no longer
            have the content that the key names.
    """
    name, _, wanted = name.partition("@")
    spec, parts = read_parts(name, extra_folder)
    version = _build(name, spec, parts, extra_folder)
    if wanted and version.key != f"{name}@{wanted}":
        raise RecfeatError(
            f"The files of prompt version {name!r} are now {version.key}, not @{wanted}. What @"
            f"{wanted} bought stays in the store; to ask it again, restore its files."
        )
    return version


def read_parts(
    name: str, extra_folder: str | Path | None = None, children: tuple[str, ...] = ()
) -> tuple[dict[str, Any], dict[str, str]]:
    """A version's settings and its text files by relative path, its parents' included.

    A parent's groups/ speak of its own taxonomy: they are not taken along to another one.

    Raises:
        RecfeatError: no such version, or it extends itself.
    """
    if name in children:
        raise RecfeatError(
            f"Prompt version {name!r} extends itself: {' → '.join(children)}; "
            "name another version in its `extends`."
        )
    extended, _, probe = name.partition("+")
    registry = PROBES if probe else VERSIONS
    known = registry.files(extra_folder)
    file = known.get(probe or name)
    if file is None:
        raise RecfeatError(
            f"No {registry.kind} {(probe or name)!r}. There are: {', '.join(known)}; one of your "
            "own is a folder in RECFEAT_PROMPTS (`recfeat prompts new`)."
        )
    own = _read_toml(file, probe or name)
    texts = _read_texts(file.parent)
    if probe:
        own["extends"] = extended
        own["description"] = f"A probe of {extended}: {own.get('description', probe)}."
    if "extends" not in own:
        return _without(own), texts
    spec, parent_texts = read_parts(own["extends"], extra_folder, (*children, name))
    if own.get("taxonomy", spec.get("taxonomy")) != spec.get("taxonomy"):
        parent_texts = {p: t for p, t in parent_texts.items() if not p.startswith("groups/")}
    for table in ("params", "document", "cuts"):
        own[table] = spec.get(table, {}) | own.get(table, {})
    return _without(spec | own), parent_texts | texts


def _without(spec: dict[str, Any]) -> dict[str, Any]:
    """The settings without the parameters that ``without`` names."""
    removed = spec.pop("without", [])
    params = {k: v for k, v in spec.get("params", {}).items() if k not in removed}
    return {**spec, "params": params}


def _build(
    name: str, spec: dict[str, Any], parts: dict[str, str], extra_folder: str | Path | None
) -> PromptVersion:
    asks, echo = spec.get("asks", "scores"), spec.get("echo", "title")
    document = spec.get("document", {})
    if asks not in ASKS:
        raise _error(name, f"asks = {asks!r} is not one of {', '.join(ASKS)}")
    if echo not in ECHOES:
        raise _error(name, f"echo = {echo!r} is not one of {', '.join(ECHOES)}")
    if (echo == "none") != (asks in OF_NO_ITEM):
        these = " or ".join(f'"{asked}"' for asked in OF_NO_ITEM)
        raise _error(name, f'echo = "none" belongs to asks = {these}, and to nothing else')
    if unknown := sorted(set(document) - DOCUMENT_KEYS):
        raise _error(name, f"[document] sets {unknown[0]!r}, which nothing reads")
    limit = document.get("characters", 1)
    if type(limit) is not int or limit < 1:
        raise _error(name, f"[document] characters = {limit!r} is not a number of characters")
    if document.get("mask_names") and (document.get("title", True) or echo == "title"):
        raise _error(name, 'mask_names needs [document] title = false and echo = "opening"')
    for needed in ("model", *(("taxonomy",) if asks == "scores" else ())):
        if not spec.get(needed):
            raise _error(name, f"it does not set {needed!r}")
    taxonomy = load_taxonomy(spec["taxonomy"], extra_folder) if asks == "scores" else None
    calls: list[tuple[Group, ...]] = [(group,) for group in taxonomy.groups] if taxonomy else [()]
    per_call = spec.get("groups_per_call", 1)
    if type(per_call) is not int or per_call < 1:
        raise _error(name, f"groups_per_call = {per_call!r} is not a number of groups")
    if taxonomy and spec.get("one_call"):
        calls = [(Group("all", "All dimensions", False, taxonomy.dimensions),)]
    elif taxonomy:
        starts = range(0, len(taxonomy.groups), per_call)
        calls = [taxonomy.groups[start : start + per_call] for start in starts]
    if taxonomy:
        parts = _read_texts(DEFAULT_TEXTS) | parts
    return PromptVersion(
        name=name,
        description=spec.get("description", ""),
        asks=asks,
        taxonomy=taxonomy,
        model=spec["model"],
        params=spec.get("params", {}),
        echo=echo,
        title=document.get("title", True),
        labels=tuple(document["labels"]) if "labels" in document else None,
        cuts=spec.get("cuts", {}),
        questions=tuple(
            _question(name, ASKS[asks], taxonomy, groups, echo, parts) for groups in calls
        ),
        characters=document.get("characters"),
        mask_names=tuple(document.get("mask_names", ())),
        cascade=_cascade(name, asks, spec["cascade"]) if "cascade" in spec else None,
    )


def _cascade(name: str, asks: str, given: Any) -> Cascade:
    if asks != "scores":
        raise _error(name, f"[cascade] compares scores, and it asks for {asks}")
    try:
        cascade = Cascade(**given)
    except TypeError as error:
        raise _error(name, "[cascade] sets model and unsure_above, and nothing else") from error
    most = cascade.unsure_above
    if not isinstance(most, int | float) or isinstance(most, bool) or not 0 <= most <= 1:
        raise _error(name, f"[cascade] unsure_above = {most!r} is not a number from 0 to 1")
    if not cascade.model or not isinstance(cascade.model, str):
        raise _error(name, f"[cascade] model = {cascade.model!r} names no model")
    return cascade


def _question(
    name: str,
    call: str,
    taxonomy: Taxonomy | None,
    groups: tuple[Group, ...],
    echo: str,
    parts: dict[str, str],
) -> Question:
    """One call: the fixed parts around the text of each group that it asks for."""
    label = "-".join(group.name for group in groups)[:LABEL_CHARS] or call
    item = taxonomy.item if taxonomy else "item"
    dimensions = [dimension for group in groups for dimension in group.dimensions]

    def rendered(part: str, group: Group | None, bullets: str) -> str:
        if part not in parts:
            raise _error(name, f"the file {part} is missing")
        filled = {"dimensions": bullets, "echo": ECHOES[echo], "group": group, "item": item}
        try:
            return _template(parts[part]).render(filled).strip()
        except jinja2.TemplateError as error:
            raise _error(name, f"{part} is not a valid template ({error})") from error

    texts = [rendered("preamble.md", next(iter(groups), None), _bullets(dimensions))]
    for group in groups or (None,):
        own = f"groups/{group.name if group else call}.md"
        part = own if own in parts or not group else "group.md"
        texts.append(rendered(part, group, _bullets(group.dimensions if group else [])))
    texts.append(rendered("calibration.md", next(iter(groups), None), _bullets(dimensions)))
    if groups:
        schema = scores_schema(echo, [dimension.name for dimension in dimensions])
    else:
        schema = {
            "taxonomy": lambda: taxonomy_schema(echo),
            "profile": lambda: profile_schema(echo),
            "expansion": lambda: expansion_schema(echo),
            "ranking": ranking_schema,
            "taste": taste_schema,
        }[call]()
    return Question(label, "\n\n".join(texts), schema)


@cache
def _template(text: str) -> jinja2.Template:
    """A part of many versions, compiled once."""
    return jinja2.Template(text, undefined=jinja2.StrictUndefined)


def _bullets(dimensions: Sequence[Dimension]) -> str:
    return "\n".join(f"- {dimension.name}: {dimension.gloss}" for dimension in dimensions)


def _read_toml(path: Path, name: str) -> dict[str, Any]:
    try:
        spec = tomllib.loads(_read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise RecfeatError(f"{path} is not valid TOML: {error}.") from error
    if unknown := sorted(set(spec) - KEYS):
        what = f"version.toml sets {unknown[0]!r}, which nothing reads"
        raise _error(name, f"{what}; it may set {', '.join(sorted(KEYS))}")
    if spec.get("name", name) != name:
        raise _error(name, f"version.toml says name = {spec['name']!r}; folder and name must agree")
    return spec


def _read_texts(folder: Path) -> dict[str, str]:
    """The Markdown files of a folder by relative path."""
    paths = sorted(folder.rglob("*.md"))
    return {path.relative_to(folder).as_posix(): _read_text(path) for path in paths}


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecfeatError(f"Cannot read the prompt file {path}: {error}.") from error


def _error(name: str, what: str) -> RecfeatError:
    return RecfeatError(f"Prompt version {name!r}: {what}.")
