"""What content is worth on each recommender: by kind of item and of user, each beside its control.

A worth is a pair of arms of one model family that differ in content alone. It is looked at on all
examples, on new items, on rarely taken items, and on users with short histories: its cells.

**What is claimed.** A gain needs more than its control has: its p is the greatest of the arm's
against the model without content and against each control, which is valid whichever of them is
true (Berger, 1982). All cells of all recommenders and contents are one family of tests, corrected
together (Holm), so that a report on content that means nothing claims something in one of twenty
at most. Half of that chance is kept for the headline's cell, which is chosen before its difference
is looked at: the strongest recommender without content, on all examples.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from recfeat_pipeline.holm import holm
from recfeat_pipeline.report import formats
from recfeat_pipeline.report.pairs import controls_of, is_pair
from recfeat_pipeline.report.provenance import ArmNote
from recfeat_pipeline.sections import PAIRS_BY

if TYPE_CHECKING:
    from recfeat_pipeline.report.inputs import Inputs

Contrast = dict[str, Any]
Effect = Literal["gain", "loss", "none", "doubt", "unchecked"]
ALPHA = 0.05
OF_HEADLINE = 0.5
"""Of the chance of a false claim, what the headline's cell may take."""
PLACES = {
    "all": "on average",
    "new": "on new items",
    "tail": "on rarely taken items",
    "short": "for users with short histories",
}
"""Where a worth is looked at, as a sentence ends."""


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
    p_changes: Mapping[str, float] = field(default_factory=dict)  # by place, corrected
    p_claims: Mapping[str, float] = field(default_factory=dict)

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
        """What is to be made of it.

        A change that is no gain over the controls is doubted; one without any is unchecked.
        """
        contrast = self.over(place)
        if contrast is None:
            return None
        if self.p_claims.get(place, 1.0) < ALPHA:
            if contrast["delta"] < 0:
                return "loss"
            return "gain" if self._tests(place) else "unchecked"
        changed = self.p_changes.get(place, 1.0) < ALPHA and contrast["delta"] > 0
        return "doubt" if changed else "none"

    def p_change(self, place: str) -> float:
        """Of any change there, before correction."""
        contrast = self.over(place)
        return 1.0 if contrast is None else float(contrast["p_value"])

    def p_claim(self, place: str) -> float:
        """Of a loss, or of a gain over the reference and every control, before correction."""
        contrast = self.over(place)
        gained = contrast is not None and contrast["delta"] > 0
        return max([self.p_change(place), *(self._tests(place) if gained else ())])

    def _tests(self, place: str) -> list[float]:
        """The p of a gain over each control that was run there.

        One that was held against the reference alone is beaten unless it gained something itself.
        """
        found = []
        for control in self.controls:
            over = self.contrast(self.arm, control, place)
            lift = self.contrast(control, self.reference, place)
            if over is not None and over["p_value"] is not None:
                found.append(over["p_value"] if over["delta"] > 0 else 1.0)
            elif lift is not None and lift["p_value"] is not None:
                gained = lift["delta"] > 0 and lift["p_value"] < ALPHA
                found.append(1.0 if gained else 0.0)
        return found

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
    found = [
        (arm, reference)
        for arm, reference in pairs
        if is_pair(arm, reference, notes) or (arm, reference) == (roles.llm, roles.floor)
    ]
    family_of = _families(dict.fromkeys(reference for _, reference in found), notes)
    worths = []
    for arm, reference in found:
        ours, is_llm = notes.get(arm, ArmNote()), arm == roles.llm
        controls = roles.controls
        if not is_llm:
            controls = controls_of(arm, reference, roles.order, pairs, notes)
        worths.append(
            Worth(
                arm, reference, family_of[reference], _content(inputs, arm, ours),
                ours.content or ("llm" if is_llm else ""), controls, inputs,
            )
        )  # fmt: skip
    return _corrected(sorted(worths, key=lambda w: (-w.base, w.sources != "llm", w.content)))


def headline_of(worths: list[Worth]) -> Worth | None:
    """The one that the headline is about: LLM content on the strongest recommender."""
    return next((worth for worth in worths if worth.sources == "llm"), None)


def _corrected(worths: list[Worth]) -> list[Worth]:
    """With the p of every cell, corrected over all of them."""
    cells = [
        (worth, place)
        for worth in worths
        for place in PLACES
        if (contrast := worth.over(place)) and contrast["p_value"] is not None
    ]
    central = np.array([cell == (headline_of(worths), "all") for cell in cells], dtype=bool)
    of_rest = 1 - OF_HEADLINE if central.any() else 1.0
    weights = np.where(central, OF_HEADLINE, of_rest / max((~central).sum(), 1))
    p_changes, p_claims = (
        holm(np.array([p_of(worth, place) for worth, place in cells]), weights)
        for p_of in (Worth.p_change, Worth.p_claim)
    )
    settled = list(zip(cells, p_changes.tolist(), p_claims.tolist(), strict=True))
    return [
        replace(
            worth,
            p_changes={place: p for (of, place), p, _ in settled if of is worth},
            p_claims={place: p for (of, place), _, p in settled if of is worth},
        )
        for worth in worths
    ]


def span(contrast: Contrast) -> str:
    """``+3.0 % [+1.8 %, +4.2 %]``."""
    bounds = formats.interval(contrast["change_low"], contrast["change_high"], of_change=True)
    if bounds == formats.MISSING:
        bounds = "(no interval)"
    return f"{formats.change(contrast['change'])} {bounds}"


def span_beside_control(worth: Worth, place: str) -> str:
    """:func:`span`, and what the control changed there: ``…, its control +0.2 %``."""
    contrast, control = worth.over(place), worth.control(place)
    assert contrast is not None
    beside = f", its control {formats.change(control['change'])}" if control else ""
    return span(contrast) + beside


SPELT = {
    "ease": "EASE", "ials": "iALS", "item_knn": "Item kNN", "sasrec": "SASRec",
    "published": "Two-tower (published)", "tower": "Two-tower", "lightgcn": "LightGCN",
    "tiger": "TIGER", "hybrid_tower": "Two-tower + EASE", "hybrid_sasrec": "SASRec + counted",
    "": "Two-tower",
}  # fmt: skip
"""What people call the families whose names do not say it."""


def _families(references: Iterable[str], notes: Mapping[str, ArmNote]) -> dict[str, str]:
    """What people call each reference's family; those of one family by their own names too."""
    family = {arm: notes.get(arm, ArmNote()).family for arm in references}
    labels = {
        arm: SPELT.get(name) or formats.words(name).capitalize() for arm, name in family.items()
    }
    alike = Counter(labels.values())
    return {
        arm: label if alike[label] == 1 or arm in (family[arm], "floor") else
        f"{label}, {formats.words(arm)}"
        for arm, label in labels.items()
    }  # fmt: skip


def _content(inputs: "Inputs", arm: str, note: ArmNote) -> str:
    if arm == inputs.roles.llm or note.content == "llm":
        return inputs.provenance.features
    who = note.content.removeprefix(PAIRS_BY)
    named = " + ".join(formats.words(source) for source in who.split("+"))
    if who != note.content:
        return f"Pairs by {inputs.provenance.features if who == 'llm' else named}"
    return named.capitalize()
