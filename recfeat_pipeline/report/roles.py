"""Which arm plays which part in the comparison."""

import re
from dataclasses import dataclass, field

import polars as pl

from recfeat_pipeline.report.provenance import Provenance

_LABELS = {"C′": "floor", "A′": "curated", "B′": "llm"}
_NAMES = {
    "floor": r"floor|^c_?prime$|^no_content$|^base$|^id_only$",
    "curated": r"curated|genome|crowd|^tags$|^a_?prime$",
    "llm": r"^llm|^b_?prime$",
}
_CONTROL = r"random|shuffl"


@dataclass(frozen=True)
class Roles:
    """The arms by part; None where the part was not played.

    ``names`` maps every arm to what a reader calls it, ``order`` is the order of tables.
    """

    floor: str | None = None
    curated: str | None = None
    llm: str | None = None
    controls: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()

    def role(self, arm: str) -> str:
        """``floor``, ``curated``, ``llm``, ``control`` or ``other``."""
        if arm in self.controls:
            return "control"
        parts = {self.floor: "floor", self.curated: "curated", self.llm: "llm"}
        return parts.get(arm, "other")

    def name(self, arm: str) -> str:
        """What a reader calls the arm."""
        return self.names.get(arm, arm.replace("_", " "))

    @property
    def main(self) -> tuple[str, ...]:
        """Floor, curated and LLM arm, as far as they were run."""
        return tuple(arm for arm in (self.floor, self.curated, self.llm) if arm)


def find_roles(runs: pl.DataFrame, ranking: pl.DataFrame, provenance: Provenance) -> Roles:
    """Roles as the provenance names them, else from ``ops.runs``' labels, else from arm ids.

    Args:
        runs: ``ops.runs``: arm, label, kind.
        ranking: ``metrics.ranking``: arm; only arms with metrics take a part.
        provenance: may name roles outright.
    """
    arms = ranking["arm"].unique().sort().to_list()
    about = {row["arm"]: row for row in runs.unique("arm").iter_rows(named=True)}
    labels = {arm: about.get(arm, {}).get("label") or "" for arm in arms}
    kinds = {arm: about.get(arm, {}).get("kind") or "" for arm in arms}

    named = provenance.roles
    parts: dict[str, str | None] = {}
    for part, pattern in _NAMES.items():
        given = named.get(part)
        candidates = [arm for arm in arms if _LABELS.get(labels[arm]) == part] or [
            arm for arm in arms if re.search(pattern, arm, re.IGNORECASE)
        ]
        parts[part] = given if isinstance(given, str) else min(candidates, key=len, default=None)

    given_controls = named.get("controls")
    if isinstance(given_controls, list):
        controls = tuple(given_controls)
    else:
        controls = tuple(arm for arm in arms if kinds[arm] == "control" or re.search(_CONTROL, arm))
    rank = {part: position for position, part in enumerate((*parts.values(), *controls)) if part}
    floors = [arm for arm in arms if kinds[arm] == "baseline" and arm not in rank]
    order = (
        *sorted(floors),
        *sorted(rank, key=lambda arm: rank[arm]),
        *(arm for arm in arms if arm not in rank and arm not in floors),
    )
    part_of = {arm: part for part, arm in parts.items() if arm}
    return Roles(
        floor=parts["floor"],
        curated=parts["curated"],
        llm=parts["llm"],
        controls=controls,
        names={arm: _readable(arm, labels[arm], part_of.get(arm, ""), provenance) for arm in arms},
        order=tuple(arm for arm in order if arm in arms),
    )


def _readable(arm: str, label: str, part: str, provenance: Provenance) -> str:
    """A short name: the part's own, else the arm's title, with the published label behind it."""
    parts = {"floor": "No content", "curated": "Curated tags", "llm": provenance.features}
    known = {"random": "Random features", "shuffled": "Shuffled features"}
    title = provenance.arm_titles.get(arm, arm.replace("_", " ").capitalize())
    name = parts.get(part) or known.get(arm) or title.removeprefix("Control: ")
    return f"{name} ({label})" if label and label not in name else name
