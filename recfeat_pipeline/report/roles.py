"""Which arm plays which part in the comparison, what it is called, and where tables show it."""

import re
from dataclasses import dataclass, field

import polars as pl

from recfeat_pipeline.report.provenance import ArmNote, Provenance

FAMILIES = {
    "base": "The comparison",
    "control": "Controls",
    "baseline": "Other recommenders",
    "recency": "With the last item as a channel of its own",
    "rich": "With genres, years and user tags",
    "probe": "Probes",
    "ablation": "Ablations",
    "training": "Other ways of training",
    "published": "As published",
}
"""Families of arms in the order of tables, with their headings."""

_LABELS = {"C′": "floor", "A′": "curated", "B′": "llm"}
_PATTERNS = {"floor": r"floor|no_content", "curated": r"curated|genome|crowd|tags", "llm": r"llm"}
_CONTROL = r"^(random|shuffled)"


@dataclass(frozen=True)
class Roles:
    """The arms by part; None where the part was not played.

    ``controls`` are the LLM arm's negative controls. ``order`` has every evaluated arm, by family.
    """

    floor: str | None = None
    curated: str | None = None
    llm: str | None = None
    controls: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    families: dict[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()

    def role(self, arm: str) -> str:
        """``floor``, ``curated``, ``llm``, ``control`` or ``other``."""
        parts = {self.floor: "floor", self.curated: "curated", self.llm: "llm"}
        if arm in parts:
            return parts[arm]
        return "control" if self.family(arm) == "control" else "other"

    def name(self, arm: str) -> str:
        """What a reader calls the arm."""
        return self.names.get(arm, arm.replace("_", " "))

    def family(self, arm: str) -> str:
        """Where tables show the arm."""
        return self.families.get(arm, "base")

    @property
    def main(self) -> tuple[str, ...]:
        """Floor, curated and LLM arm, as far as they were run."""
        return tuple(arm for arm in (self.floor, self.curated, self.llm) if arm)


def find_roles(runs: pl.DataFrame, ranking: pl.DataFrame, provenance: Provenance) -> Roles:
    """Roles as the provenance names them, else by the published labels, else by arm ids.

    Args:
        runs: ``ops.runs``: arm, label, kind.
        ranking: ``metrics.ranking``: arm; only arms with metrics take a part.
        provenance: may name roles outright, and knows titles and families.
    """
    arms = ranking["arm"].unique().sort().to_list()
    about = {row["arm"]: row for row in runs.unique("arm").iter_rows(named=True)}
    labels = {arm: about.get(arm, {}).get("label") or "" for arm in arms}
    notes = {arm: provenance.arms.get(arm, ArmNote()) for arm in arms}
    families = {
        arm: notes[arm].family or _family(arm, about.get(arm, {}).get("kind")) for arm in arms
    }
    base = [arm for arm in arms if families[arm] == "base"]
    parts: dict[str, str | None] = {}
    for part, pattern in _PATTERNS.items():
        given = provenance.roles.get(part)
        candidates = [arm for arm in base if _LABELS.get(labels[arm]) == part] or [
            arm for arm in base if re.search(pattern, arm, re.IGNORECASE)
        ]
        parts[part] = given if isinstance(given, str) else min(candidates, key=len, default=None)
    given = provenance.roles.get("controls")
    controls = [arm for arm in arms if families[arm] == "control" and re.search(_CONTROL, arm)]
    controls = given if isinstance(given, list) else controls
    families |= dict.fromkeys(controls, "control")

    ranked = {arm: position for position, arm in enumerate([*parts.values(), *controls])}
    shown = list(FAMILIES)
    order = sorted(
        arms,
        key=lambda arm: (
            shown.index(families[arm]) if families[arm] in shown else len(shown),
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
        families,
        tuple(order),
    )


def _family(arm: str, kind: str | None) -> str:
    if kind in ("baseline", "control"):
        return kind
    return "control" if re.search(_CONTROL, arm) else "base"


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
