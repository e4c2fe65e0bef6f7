"""What content is worth on each recommender: by kind of item and of user, each beside its control.

A worth is a pair of arms of one model family that differ in content alone. It is looked at on all
examples, on new items, on rarely taken items, and on users with short histories.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.provenance import ArmNote
from recfeat_pipeline.report.roles import NEGATIVE_CONTROLS

if TYPE_CHECKING:
    from recfeat_pipeline.report.inputs import Inputs

Contrast = dict[str, Any]
Effect = Literal["gain", "loss", "none", "doubt"]
ALPHA = 0.05
PLACES = {
    "all": "on average",
    "new": "on new items",
    "tail": "on rarely taken items",
    "short": "for users with short histories",
}
"""Where a worth is looked at, as a sentence ends."""
BESIDE = ("ablation", "training", "probe", "published")
"""Sections of arms that ask other questions."""


@dataclass(frozen=True, eq=False)
class Worth:
    """An arm with content, and the same model without."""

    arm: str
    reference: str
    family: str  # for people
    content: str  # for people
    sources: str  # as the arm declares them
    controls: tuple[str, ...]
    inputs: "Inputs"

    def contrast(self, arm: str, reference: str, place: str) -> Contrast | None:
        """The measured difference of two arms there; None when there is none."""
        inputs = self.inputs
        match place:
            case "new":
                cold = inputs.cold_contrast(arm, reference)
                return cold or inputs.contrast(arm, reference, slice_="new item")
            case "tail":
                tail = "TAIL" if "HEAD" in inputs.slice_names else "Q1"
                return inputs.contrast(arm, reference, slice_=tail)
            case "short":
                return inputs.contrast(arm, reference, slice_="history 1-9")
        return inputs.contrast(arm, reference)

    def over(self, place: str) -> Contrast | None:
        """What content adds there."""
        return self.contrast(self.arm, self.reference, place)

    def control(self, place: str) -> Contrast | None:
        """What the first control that was run adds there."""
        found = (self.contrast(c, self.reference, place) for c in self.controls)
        return next((contrast for contrast in found if contrast), None)

    def effect(self, place: str) -> Effect | None:
        """What is to be made of it; a gain is doubted when a control gains as much, or alone."""
        contrast = self.over(place)
        if contrast is None:
            return None
        if not significant(contrast):
            return "none"
        if contrast["delta"] < 0:
            return "loss"
        for control in self.controls:
            against = self.contrast(self.arm, control, place)
            lift = self.contrast(control, self.reference, place)
            if against is not None and not (significant(against) and against["delta"] > 0):
                return "doubt"
            if against is None and lift is not None and significant(lift) and lift["delta"] > 0:
                return "doubt"
        return "gain"

    @cached_property
    def base(self) -> float:
        """The value without content, on all examples."""
        contrast = self.over("all")
        return float(contrast["reference_value"]) if contrast else 0.0


def significant(contrast: Contrast | None) -> bool:
    """Whether zero is outside the interval, and the corrected p-value, if any, is below .05."""
    if contrast is None or contrast["ci_low"] is None or contrast["ci_high"] is None:
        return False
    outside = contrast["ci_low"] > 0 or contrast["ci_high"] < 0
    return outside and (contrast["p_adjusted"] is None or contrast["p_adjusted"] < ALPHA)


def find_worths(inputs: "Inputs") -> list[Worth]:
    """Every pair contrasted, the strongest recommender first, LLM content before others."""
    roles, notes = inputs.roles, inputs.provenance.arms
    pairs = inputs.contrasts_of("mrr").filter(slice="all").select("arm", "reference").rows()
    worths = []
    for arm, reference in pairs:
        ours, theirs = notes.get(arm, ArmNote()), notes.get(reference, ArmNote())
        comparable = (
            ours.role == "content"
            and not theirs.content
            and theirs.role in ("floor", "baseline")
            and ours.family == theirs.family
            and ours.section not in BESIDE
        )
        if comparable or (arm, reference) == (roles.llm, roles.floor):
            controls = roles.controls if arm == roles.llm else _controls(inputs, arm, reference)
            worths.append(
                Worth(
                    arm, reference, _family(theirs), _content(inputs, arm, ours),
                    ours.content or ("llm" if arm == roles.llm else ""), controls, inputs,
                )
            )  # fmt: skip
    return sorted(worths, key=lambda w: (-w.base, w.sources != "llm", w.content))


def span(contrast: Contrast) -> str:
    """``+3.0 % [+1.8 %, +4.2 %]``."""
    bounds = formats.interval(contrast["change_low"], contrast["change_high"], of_change=True)
    if bounds == formats.MISSING:
        bounds = "(no interval)"
    return f"{formats.change(contrast['change'])} {bounds}"


def _controls(inputs: "Inputs", arm: str, reference: str) -> tuple[str, ...]:
    """Negative controls of the same family and content that were held against either."""
    notes = inputs.provenance.arms
    ours = notes.get(arm, ArmNote())
    held = inputs.contrasts_of("mrr").filter(
        (pl.col("reference") == reference) | (pl.col("arm") == arm), slice="all"
    )
    near = {*held["arm"], *held["reference"]}
    return tuple(
        other
        for other in inputs.roles.order
        if other in near
        and (note := notes.get(other, ArmNote())).role == "control"
        and note.control in NEGATIVE_CONTROLS
        and (note.family, note.content) == (ours.family, ours.content)
    )


SPELT = {
    "ease": "EASE", "ials": "iALS", "item_knn": "Item kNN", "sasrec": "SASRec",
    "hybrid_sasrec": "Hybrid SASRec",
}  # fmt: skip
"""Families whose names are acronyms, as the field spells them."""


def _family(note: ArmNote) -> str:
    name = {"published": "two_tower (published)", "": "two_tower"}.get(note.family, note.family)
    words = formats.words(name)
    label = SPELT.get(name, words[:1].upper() + words[1:])
    return label if note.section in ("", "base", "baseline", "own") else f"{label}, {note.section}"


def _content(inputs: "Inputs", arm: str, note: ArmNote) -> str:
    if arm == inputs.roles.llm or note.content == "llm":
        return inputs.provenance.features
    return " + ".join(formats.words(source) for source in note.content.split("+")).capitalize()
