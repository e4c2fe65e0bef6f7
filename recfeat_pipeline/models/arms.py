"""An arm as data: a TOML file says what a model sees, of which family it is and how it learns.

A new arm is a new file, in ``arms/`` or in the user's RECFEAT_ARMS.
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import polars as pl

from recfeat_pipeline import schemas
from recfeat_pipeline.content.controls import CONTROLS, USER_CONTROLS, control_of
from recfeat_pipeline.content.slot import Slot
from recfeat_pipeline.content.source import SOURCES, load_source
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.family import FAMILIES, TABLES, Family, load_family
from recfeat_pipeline.registry import Registry, own_folder
from recfeat_pipeline.sections import PAIRS_BY, SECTIONS

ARMS = Registry("arm", "models/arms", "RECFEAT_ARMS", pattern="*.toml")

ROLES = ("floor", "content", "control", "probe", "baseline")
"""What an arm is for: to be beaten, to show a worth, to show none, to show why, to compare with."""
TEXTS = ("title", "role", "section", "label", "base")
JUDGES = ("llm", "content")
"""Who, but an arm, may put candidates in another order."""
KEYS = (*TEXTS, "against", "content", *TABLES)
SETS = {
    "default": "popularity,recent_popularity,"
    "ease,ease_llm,ease_curated,ease_text_embedding,ease_random,ease_shuffled,"
    "ease_text_embedding_random,"
    "hybrid,hybrid_llm,hybrid_curated,hybrid_random,hybrid_shuffled",
    "study": "popularity,recent_popularity,"
    "floor,curated,llm,text_embedding,random,text_embedding_random",
}
"""Names for several arms, each recommender without content, with it, and with its controls: what a
team would ship (a counted model, and a trained one beside it), and the published study's."""


@dataclass(frozen=True, eq=False)
class Arm:
    """What one model is. The family's settings are read, and checked, when they are asked for."""

    id: str
    title: str
    role: str
    section: str  # where tables show it; ``resolve_arms`` takes a section as a name
    family_name: str
    content: Slot = field(default_factory=Slot)
    label: str | None = None  # the published study's letter, where it had one
    base: str | None = None  # the same without what it adds to the model (rich: metadata)
    against: tuple[str, ...] = ()  # arms it is contrasted with
    given: Mapping[str, Mapping[str, Any]] | None = None  # [model] and [train], as they stand
    file: str = ""

    @cached_property
    def family(self) -> Family:
        """Its model family, whose module is imported.

        Raises:
            RecfeatError: the arm has content that the family does not take.
        """
        family = load_family(self.family_name)
        if self.content.sources and not family.takes_content:
            raise RecfeatError(f"{self.file}: the family {self.family_name} takes no [content].")
        if self.content.users and not family.user_content:
            raise RecfeatError(
                f"{self.file}: the family {self.family_name} takes no [content] users."
            )
        for entry in self.content.sources:
            if ":" in entry and not load_source(entry).has_versions:
                raise RecfeatError(
                    f"{self.file}: [content] sources = {entry!r} names a version, and the source "
                    f"{entry.partition(':')[0]!r} has none to choose from."
                )
        if text := [name for name in self.content.sources if load_source(name).is_text]:
            if not family.takes_text:
                raise RecfeatError(
                    f"{self.file}: the family {self.family_name} reads numbers, and the source "
                    f"{text[0]!r} is a text."
                )
            if len(self.content.sources) > 1 or self.content.control not in (None, "shuffled"):
                raise RecfeatError(
                    f"{self.file}: [content] sources has {text[0]!r}, a text: it stands alone, and "
                    "its control is shuffled."
                )
        return family

    @cached_property
    def settings(self) -> Any:
        """The family's settings as the arm has them.

        Raises:
            RecfeatError: it sets what the family does not know, or what does not fit its content.
        """
        settings = self.family.configure(self.given or {}, self.file)
        if why := self.family.refuses(settings, self.content):
            raise RecfeatError(f"{self.file}: {why}")
        return settings

    def with_settings(self, changed: Mapping[str, Any]) -> "Arm":
        """The arm with some of the family's settings changed."""
        given = {table: dict(entries) for table, entries in (self.given or {}).items()}
        for each in fields(self.family.settings):
            if each.name in changed:
                given.setdefault(each.metadata["table"], {})[each.name] = changed[each.name]
        return replace(self, given=given)

    @property
    def needs(self) -> set[str]:
        """Lake tables that its content is made from, where they are made for such arms alone."""
        return {need for name in self.content.sources if (need := load_source(name).needs)}

    @property
    def is_built_in(self) -> bool:
        """Whether it comes with the package."""
        return Path(self.file).parent == ARMS.built_in

    @property
    def is_trained(self) -> bool:
        """Whether it has steps and a checkpoint."""
        return self.family.trained

    @property
    def is_stochastic(self) -> bool:
        """Whether another seed gives another model: by the family, or by drawn content."""
        controls = (self.content.control, self.content.user_control)
        return self.family.draws or any(control_of(name).draws for name in controls)


def load_arms() -> dict[str, Arm]:
    """Every arm by id, those of RECFEAT_ARMS among them: by section, then by id.

    No family is imported: what the arms set is checked by :func:`resolve_arms`.

    Raises:
        RecfeatError: a file holds an unknown key or value.
    """
    return _load(own_folder())


@cache
def _load(own: str | None) -> dict[str, Arm]:
    specs = {str(path): path.read_text("utf-8") for path in ARMS.files(own).values()}
    shown = list(SECTIONS)
    arms = sorted(
        (parse(file, text) for file, text in specs.items()),
        key=lambda arm: (
            shown.index(arm.section) if arm.section in shown else len(shown), arm.section, arm.id
        ),
    )  # fmt: skip
    known = {arm.id: arm for arm in arms}
    for arm in arms:
        for key, others in (("against", arm.against), ("base", (arm.base,) if arm.base else ())):
            for other in others:
                if other not in known:
                    raise RecfeatError(f"{arm.file}: {key} names no arm {other!r}.")
    return known


def arms_frame() -> pl.DataFrame:
    """Every arm as a row of :data:`~recfeat_pipeline.schemas.ARMS`."""
    arms = load_arms()
    rows = [
        {
            "arm": arm.id,
            "title": arm.title,
            "role": arm.role,
            "section": arm.section,
            "label": arm.label,
            "family": arm.family_name,
            **_sees(arm, arms),
            "prompt_version": (
                arm.content.prompt_version if "llm" in arm.content.sources else None
            ),
            "base": arm.base,
        }
        for arm in arms.values()
    ]
    return pl.DataFrame(rows, schema=schemas.ARMS)


def _sees(arm: Arm, arms: Mapping[str, Arm]) -> dict[str, str | None]:
    """``content`` and ``control`` of an arm, or of the order that it learns."""
    orders = arms.get((arm.given or {}).get("train", {}).get("pairs_from", ""))
    if orders is None:
        slot = arm.content
        content = "+".join((*slot.sources, *slot.users))
        return {"content": content, "control": slot.control or slot.user_control}
    shown = (orders.given or {}).get("model", {})
    by = shown.get("by", JUDGES[0])
    who = {"llm": "an_LLM", "content": "+".join(orders.content.sources)}.get(by, by)
    of_another = "shuffled" if shown.get("history") == "other" else None
    return {"content": PAIRS_BY + who, "control": orders.content.control or of_another}


def resolve_arms(names: str) -> list[Arm]:
    """The arms of a comma-separated list of ids, published labels, sections or sets, in order.

    ``"floor,B'"`` is the floor and the LLM arm; ``"base,control"`` is two sections; ``"default"``
    is what ``recfeat run`` trains when it is told nothing.

    Raises:
        RecfeatError: a name that no arm has, or an arm that sets what its family does not know.
    """
    arms = load_arms()
    by_name: dict[str, list[Arm]] = {}
    for arm in arms.values():
        by_name.setdefault(arm.section, []).append(arm)
    by_name |= {_plain(arm.label): [arm] for arm in arms.values() if arm.label}
    by_name |= {arm.id: [arm] for arm in arms.values()}
    by_name |= {name: [arms[arm] for arm in of.split(",")] for name, of in SETS.items()}
    wanted = [_plain(name) for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in by_name]
    if unknown or not wanted:
        near = difflib.get_close_matches(unknown[0], by_name, n=1) if unknown else []
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise RecfeatError(
            f"No arm {', '.join(map(repr, unknown)) or 'named'}; {meant}`recfeat arms` lists the "
            f"arms, their labels and their sections; sets of arms are {', '.join(SETS)}."
        )
    found = list(dict.fromkeys(arm for name in wanted for arm in by_name[name]))
    for arm in found:
        _ = arm.settings  # checked now, not after hours of training others
    return found


def rests_on(arm: Arm) -> list[Arm]:
    """The arms that must have a run before this one: the base of one that reorders, and its judge.

    Of an arm that learns from another's order they are that one's.

    Raises:
        RecfeatError: it names an arm that there is not, or one that reorders itself.
    """
    if (orders := pairs_from(arm)) is not None:
        return rests_on(orders)
    if not arm.family.reorders:
        return []
    arms, found = load_arms(), []
    for key in ("base", "by"):
        name = getattr(arm.settings, key)
        if key == "by" and name in JUDGES:
            continue
        if name not in arms or arms[name].family.reorders:
            raise RecfeatError(
                f"{arm.file}: [model] {key} = {name!r} is no arm with a list of its own; "
                "`recfeat arms` lists the arms."
            )
        found.append(arms[name])
    return found


def pairs_from(arm: Arm) -> Arm | None:
    """The arm that reorders, from whose order this one learns pairs; None: from none.

    Raises:
        RecfeatError: it names an arm that there is not, or one that reorders nothing.
    """
    name = getattr(arm.settings, "pairs_from", "")
    if not name:
        return None
    found = load_arms().get(name)
    if found is None or not found.family.reorders:
        raise RecfeatError(
            f"{arm.file}: [train] pairs_from = {name!r} is no arm that reorders; "
            "`recfeat arms reranker` lists those."
        )
    return found


def parse(file: str, text: str) -> Arm:
    """The arm of a file.

    Raises:
        RecfeatError: it is no TOML, or holds an unknown key or value.
    """
    try:
        spec = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecfeatError(f"{file}: not TOML ({error}).") from error
    for key in spec:
        if key not in KEYS:
            raise RecfeatError(f"{file}: unknown key {key!r}; keys are {', '.join(KEYS)}.")
    for key in (*TEXTS[:3], "model"):
        if key not in spec:
            raise RecfeatError(f"{file}: {key} is missing.")
    for key in (*TEXTS, "against", "content", *TABLES):
        kind = str if key in TEXTS else list if key == "against" else dict
        if not isinstance(spec.get(key, kind()), kind):
            raise RecfeatError(f"{file}: {key} = {spec[key]!r} is no {_WORDS[kind]}.")
    _one_of(f"{file}: role", spec["role"], ROLES)
    given = {table: dict(spec.get(table, {})) for table in TABLES}
    family = given["model"].pop("family", None)
    _one_of(f"{file}: [model] family", family, FAMILIES.names(own_folder()))
    return Arm(
        id=file.rpartition("/")[2].removesuffix(".toml"),
        **{key: spec[key] for key in TEXTS if key in spec},
        against=tuple(spec.get("against", ())),
        family_name=family,
        content=_slot(file, spec.get("content", {})),
        given=given,
        file=file,
    )


_WORDS: dict[type, str] = {str: "text", list: "list", dict: "table"}


def _slot(file: str, table: dict[str, Any]) -> Slot:
    known = [each.name for each in fields(Slot)]
    for key in table:
        if key not in known:
            raise RecfeatError(f"{file}: [content] {key} is unknown; keys are {', '.join(known)}.")
    for key in ("sources", "users"):
        for source in table.get(key, ()):
            name = source.partition(":")[0] if key == "sources" else source
            _one_of(f"{file}: [content] {key}", name, SOURCES.names(own_folder()))
    if "control" in table:
        _one_of(f"{file}: [content] control", table["control"], list(CONTROLS))
    if "user_control" in table:
        _one_of(f"{file}: [content] user_control", table["user_control"], USER_CONTROLS)
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
    return Slot(**values)


def _one_of(place: str, value: Any, allowed: "tuple[str, ...] | list[str]") -> None:
    if value not in allowed:
        raise RecfeatError(f"{place} = {value!r}; it is one of {', '.join(allowed)}.")


def _plain(label: str) -> str:
    return label.strip().replace("′", "'")
