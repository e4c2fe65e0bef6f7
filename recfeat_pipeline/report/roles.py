"""Which arm plays which part in the main comparison, what it is called, and where tables show it.

The main comparison is the headline's: the strongest recommender that was run with an LLM's scores
and without. All of it is as the arms' files say. An arm that no file declares is shown by the kind
of its run.
"""

from dataclasses import dataclass, field

import polars as pl

from recfeat_pipeline.report.pairs import NEGATIVE_CONTROLS, controls_of, is_pair, pairs_of_llm
from recfeat_pipeline.report.provenance import ArmNote, Provenance
from recfeat_pipeline.sections import BESIDE, SECTIONS


@dataclass(frozen=True)
class Roles:
    """The arms by part; None where the part was not played.

    ``controls`` are the LLM arm's negative controls. ``order`` has every evaluated arm, by section.
    ``compared`` are the arms of the main comparison, ``others`` other recommenders without content.
    """

    floor: str | None = None
    curated: str | None = None
    llm: str | None = None
    controls: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    meaningless: frozenset[str] = frozenset()  # arms that declare themselves a control
    study: dict[str, str] = field(default_factory=dict)  # floor, curated, llm of the published one

    def role(self, arm: str) -> str:
        """``floor``, ``curated``, ``llm``, ``control`` or ``other``."""
        parts = {self.floor: "floor", self.curated: "curated", self.llm: "llm"}
        if arm in parts:
            return parts[arm]
        is_control = arm in self.meaningless or self.section(arm) == "control"
        return "control" if is_control else "other"

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


def find_roles(
    runs: pl.DataFrame, ranking: pl.DataFrame, contrasts: pl.DataFrame, provenance: Provenance
) -> Roles:
    """Roles as the provenance names them, else by what the arms declare.

    Args:
        runs: ``ops.runs``: arm, label, kind.
        ranking: ``metrics.ranking``; only arms with metrics take a part.
        contrasts: ``metrics.contrasts``: which arms were held against which.
        provenance: may name roles outright, and has what the arms declare.
    """
    arms = ranking["arm"].unique().sort().to_list()
    about = {row["arm"]: row for row in runs.unique("arm").iter_rows(named=True)}
    labels = {arm: about.get(arm, {}).get("label") or "" for arm in arms}
    notes = {arm: provenance.arms.get(arm, ArmNote()) for arm in arms}
    sections = {arm: notes[arm].section or _section(about.get(arm, {}).get("kind")) for arm in arms}
    pairs = contrasts.select("arm", "reference").unique(maintain_order=True).rows()
    parts = _strongest(arms, pairs, notes, ranking)
    parts |= {part: arm for part in parts if isinstance(arm := provenance.roles.get(part), str)}
    controls = provenance.roles.get("controls")
    if not isinstance(controls, list):
        llm, floor = parts["llm"], parts["floor"]
        controls = list(controls_of(llm, floor, arms, pairs, notes)) if llm and floor else []
    sections |= {arm: "control" for arm in controls if not notes[arm].section}
    main = {sections[arm] for arm in parts.values() if arm in sections}
    main |= {"control"} if "base" in main else set()

    ranked = {arm: position for position, arm in enumerate([*parts.values(), *controls])}
    shown = list(SECTIONS)
    order = sorted(
        arms,
        key=lambda arm: (
            sections[arm] not in main,
            shown.index(sections[arm]) if sections[arm] in shown else len(shown),
            sections[arm],
            ranked.get(arm, len(ranked)),
            arm,
        ),
    )
    part_of = {arm: part for part, arm in parts.items() if arm}
    part_of |= {arm: notes[arm].control or "" for arm in controls if arm in notes}
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
        compared=tuple(arm for arm in order if sections[arm] in main),
        others=tuple(arm for arm in order if sections[arm] not in main and _plain(notes[arm])),
        meaningless=frozenset(
            arm for arm in arms if notes[arm].control in NEGATIVE_CONTROLS or arm in controls
        ),
        study=_study(arms, notes),
    )


def _strongest(
    arms: list[str], pairs: list[tuple[str, str]], notes: dict[str, ArmNote], ranking: pl.DataFrame
) -> dict[str, str | None]:
    """Floor, curated and LLM arm of the recommender that is strongest without content."""
    mrr = ranking.filter(pl.col("k").is_null(), metric="mrr", slice="all")
    reached = dict(mrr.group_by("arm").agg(pl.col("value").mean()).iter_rows())
    of_llm = sorted(
        pairs_of_llm(arms, pairs, notes), key=lambda pair: (-reached.get(pair[1], 0.0), pair)
    )
    if not of_llm:
        return {"floor": _study(arms, notes).get("floor"), "curated": None, "llm": None}
    llm, floor = of_llm[0]
    curated = (
        arm
        for arm in arms
        if notes[arm].content == "curated"
        and is_pair(arm, floor, notes)
        and notes[arm].section == notes[llm].section
    )
    return {"floor": floor, "curated": next(curated, None), "llm": llm}


def _study(arms: list[str], notes: dict[str, ArmNote]) -> dict[str, str]:
    """The parts of the published study's comparison, as far as they were run."""
    found: dict[str, str] = {}
    for arm in sorted(arms, key=lambda arm: (len(arm), arm), reverse=True):
        note = notes[arm]
        if note.section == "base" and not note.prompt_version:
            part = "floor" if note.role == "floor" else note.content
            if part in ("floor", "curated", "llm"):
                found[part] = arm
    return found


def _plain(note: ArmNote) -> bool:
    """Whether an arm is a recommender without content, and none of another question."""
    return not note.content and note.section not in BESIDE and note.role in ("floor", "baseline")


def _section(kind: str | None) -> str:
    return kind if kind in ("baseline", "control") else "base"


def _readable(arm: str, label: str, part: str, title: str, provenance: Provenance) -> str:
    """A short name: the part's own, else the arm's title; a published label stands behind it."""
    parts = {
        "floor": "No content",
        "curated": "Curated tags",
        "llm": provenance.features,
        "random": "Random features",
        "shuffled": "Features of another item",
    }
    title = title or arm.replace("_", " ").capitalize()
    if provenance.used_llm is False:
        title = title.replace("LLM scores", provenance.features.lower())
        title = title[:1].upper() + title[1:]
    name = parts.get(part) or title
    return f"{name} ({label})" if label else name
