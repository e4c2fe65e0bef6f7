"""Which arm plays which part in the comparison, what it is called, and where tables show it.

All of it is as the arms' files say. An arm that no file declares is shown by the kind of its run.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from recfeat_pipeline.report.provenance import ArmNote, Provenance
from recfeat_pipeline.sections import SECTIONS

NEGATIVE_CONTROLS = ("random", "shuffled")
"""Controls that leave no meaning: what they gain, width or chance gained."""


@dataclass(frozen=True)
class Roles:
    """The arms by part; None where the part was not played.

    ``controls`` are the LLM arm's negative controls. ``order`` has every evaluated arm, by section.
    """

    floor: str | None = None
    curated: str | None = None
    llm: str | None = None
    controls: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()

    def role(self, arm: str) -> str:
        """``floor``, ``curated``, ``llm``, ``control`` or ``other``."""
        parts = {self.floor: "floor", self.curated: "curated", self.llm: "llm"}
        if arm in parts:
            return parts[arm]
        return "control" if self.section(arm) == "control" else "other"

    def name(self, arm: str) -> str:
        """What a reader calls the arm."""
        return self.names.get(arm, arm.replace("_", " "))

    def section(self, arm: str) -> str:
        """Where tables show the arm."""
        return self.sections.get(arm, "base")

    @property
    def main(self) -> tuple[str, ...]:
        """Floor, curated and LLM arm, as far as they were run."""
        return tuple(arm for arm in (self.floor, self.curated, self.llm) if arm)


def find_roles(runs: pl.DataFrame, ranking: pl.DataFrame, provenance: Provenance) -> Roles:
    """Roles as the provenance names them, else by what the arms declare.

    Args:
        runs: ``ops.runs``: arm, label, kind.
        ranking: ``metrics.ranking``: arm; only arms with metrics take a part.
        provenance: may name roles outright, and has what the arms declare.
    """
    arms = ranking["arm"].unique().sort().to_list()
    about = {row["arm"]: row for row in runs.unique("arm").iter_rows(named=True)}
    labels = {arm: about.get(arm, {}).get("label") or "" for arm in arms}
    notes = {arm: provenance.arms.get(arm, ArmNote()) for arm in arms}
    sections = {arm: notes[arm].section or _section(about.get(arm, {}).get("kind")) for arm in arms}
    compared = {arm: notes[arm] for arm in arms if sections[arm] == "base"}
    parts: dict[str, str | None] = {
        "floor": _first(arm for arm, note in compared.items() if note.role == "floor"),
        "curated": _first(arm for arm, note in compared.items() if note.content == "curated"),
        "llm": _first(
            arm
            for arm, note in compared.items()
            if note.content == "llm" and not note.prompt_version
        ),
    }
    parts |= {part: arm for part in parts if isinstance(arm := provenance.roles.get(part), str)}
    given = provenance.roles.get("controls")
    controls = [
        arm
        for arm in arms
        if sections[arm] == "control"
        and notes[arm].content == "llm"
        and notes[arm].control in NEGATIVE_CONTROLS
    ]
    controls = given if isinstance(given, list) else controls
    sections |= dict.fromkeys(controls, "control")

    ranked = {arm: position for position, arm in enumerate([*parts.values(), *controls])}
    shown = list(SECTIONS)
    order = sorted(
        arms,
        key=lambda arm: (
            shown.index(sections[arm]) if sections[arm] in shown else len(shown),
            sections[arm],
            ranked.get(arm, len(ranked)),
            arm,
        ),
    )
    part_of = {arm: part for part, arm in parts.items() if arm}
    names = {
        arm: _readable(arm, labels[arm], part_of.get(arm, ""), notes[arm].title, provenance)
        for arm in arms
    }
    return Roles(
        parts["floor"],
        parts["curated"],
        parts["llm"],
        tuple(arm for arm in controls if arm in arms),
        names,
        sections,
        tuple(order),
    )


def _first(arms: Iterable[str]) -> str | None:
    return min(arms, key=lambda arm: (len(arm), arm), default=None)


def _section(kind: str | None) -> str:
    return kind if kind in ("baseline", "control") else "base"


def _readable(arm: str, label: str, part: str, title: str, provenance: Provenance) -> str:
    """A short name: the part's own, else the arm's title; a published label stands behind it."""
    parts = {"floor": "No content", "curated": "Curated tags", "llm": provenance.features}
    known = {"random": "Random features", "shuffled": "Features of another item"}
    title = title or arm.replace("_", " ").capitalize()
    if provenance.used_llm is False:
        title = title.replace("LLM scores", provenance.features.lower())
        title = title[:1].upper() + title[1:]
    name = parts.get(part) or known.get(arm) or title
    return f"{name} ({label})" if label else name
