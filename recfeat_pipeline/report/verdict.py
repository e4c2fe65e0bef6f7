"""The first sentences of the report, worked out from the data and nothing else."""

from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.inputs import Inputs

Tone = Literal["gain", "loss", "none", "doubt", "unknown"]
ALPHA = 0.05


@dataclass(frozen=True)
class Verdict:
    """The answer: a headline, what qualifies it, what to make of it, and the key numbers."""

    tone: Tone
    headline: str
    sentences: tuple[str, ...]
    reading: str
    numbers: tuple[tuple[str, str, str], ...]  # what it is, its value, the small print


def significant(contrast: dict[str, Any] | None) -> bool:
    """Whether zero is outside the interval, and the corrected p-value, if any, is below .05."""
    if contrast is None or contrast["ci_low"] is None or contrast["ci_high"] is None:
        return False
    outside = contrast["ci_low"] > 0 or contrast["ci_high"] < 0
    adjusted = contrast["p_adjusted"]
    return outside and (adjusted is None or adjusted < ALPHA)


def cost_per_thousand(inputs: Inputs) -> float | None:
    """Dollars per 1,000 items as the ledger has them; None where nothing was priced."""
    own = inputs.cost.filter(version=inputs.provenance.prompt_version)
    cost = own if own.height else inputs.cost
    if not cost["priced_calls"].sum():
        return None
    items = cost.group_by("group").agg(pl.col("calls").sum())["calls"].max()  # a call per group
    return 1000 * float(cost["cost_usd"].sum()) / float(items)  # type: ignore[arg-type]


def reach_verdict(inputs: Inputs) -> Verdict:
    """Weigh the LLM arm's difference from the floor against its interval and its control."""
    roles, provenance = inputs.roles, inputs.provenance
    subject = "LLM features" if provenance.used_llm else "Lexical features (no LLM was used)"
    place = f"On {provenance.catalogue}"
    floor = inputs.mean(roles.floor, "mrr")
    ours = inputs.mean(roles.llm, "mrr")
    numbers = _numbers(inputs, floor)
    if floor is None or ours is None:
        missing = "the arm without content" if floor is None else "the arm with extracted features"
        return Verdict(
            "unknown",
            f"{place}, there is no comparison yet: {missing} has not been trained.",
            (),
            "Run both arms before drawing any conclusion.",
            numbers,
        )
    contrast = inputs.contrast(roles.llm, roles.floor)
    relative = ours / floor - 1
    if contrast is None:
        return Verdict(
            "unknown",
            f"{place}, the arm with {_lower(subject)} reached an MRR of {formats.metric(ours)} "
            f"against {formats.metric(floor)} without content ({formats.change(relative)}); no "
            "interval has been computed, so nothing is claimed.",
            (_control(inputs, floor),),
            "A difference without an interval is not a finding.",
            numbers,
        )
    tone = _tone(inputs, contrast)
    span = _relative(contrast, floor)
    headline = {
        "gain": f"{place}, {subject} raised MRR by {span}.",
        "doubt": f"{place}, {subject} changed MRR by {span}, but that cannot be credited to what "
        "the features say.",
        "loss": f"{place}, {subject} lowered MRR: {span}.",
        "none": f"{place}, {subject} made no measurable difference to MRR: {span}.",
    }[tone]
    return Verdict(
        tone,
        headline,
        tuple(filter(None, (_control(inputs, floor), _curated(inputs), _cost(inputs)))),
        _reading(inputs, tone, contrast),
        numbers,
    )


def _tone(inputs: Inputs, contrast: dict[str, Any]) -> Literal["gain", "loss", "none", "doubt"]:
    if not significant(contrast):
        return "none"
    if contrast["delta"] < 0:
        return "loss"
    for control in inputs.roles.controls:
        against = inputs.contrast(inputs.roles.llm, control)
        lift = inputs.contrast(control, inputs.roles.floor)
        if against is not None and not significant(against):
            return "doubt"
        if against is None and significant(lift) and lift is not None and lift["delta"] > 0:
            return "doubt"
    return "gain"


def _control(inputs: Inputs, floor: float) -> str:
    roles = inputs.roles
    for control in roles.controls:
        contrast = inputs.contrast(control, roles.floor)
        name = roles.name(control)
        if contrast is not None:
            moved = (
                "changed it by" if significant(contrast) else "changed it by no more than chance:"
            )
            return f"{name}, the control, {moved} {_relative(contrast, floor)}."
        value = inputs.mean(control, "mrr")
        if value is not None:
            return f"{name}, the control, differ from no content by {formats.change(value / floor - 1)} (no interval)."
    return "No control with random features was run, so a change cannot yet be credited to content."


def _curated(inputs: Inputs) -> str:
    roles = inputs.roles
    contrast = inputs.contrast(roles.llm, roles.curated)
    base = inputs.mean(roles.curated, "mrr")
    if contrast is None or base is None:
        return ""
    span = _relative(contrast, base)
    if contrast["p_equivalence"] is not None and contrast["p_equivalence"] < ALPHA:
        margin = formats.change(contrast["margin"] / base).lstrip("+") if contrast["margin"] else ""
        within = f" within a margin of {margin}" if margin else ""
        return f"They match curated tags{within}: {span}."
    if not significant(contrast):
        return f"Against curated tags the difference is within the noise: {span}."
    better = "better" if contrast["delta"] > 0 else "worse"
    return f"They did {better} than curated tags: {span}."


def _cost(inputs: Inputs) -> str:
    if not inputs.provenance.used_llm:
        return "No LLM was used, so this says nothing about what an LLM's features are worth."
    cost = cost_per_thousand(inputs)
    if cost is None:
        return "What the features cost was not recorded."
    return f"They cost {formats.dollars(cost)} per 1,000 items."


def _reading(inputs: Inputs, tone: Tone, contrast: dict[str, Any]) -> str:
    if inputs.provenance.synthetic:
        return "The catalogue is generated, to show that the machine works; run your own next."
    single = (contrast["n_seeds"] or 1) < 2
    match tone:
        case "gain" if not inputs.roles.controls:
            return "Promising; run the random-feature control before deciding."
        case "gain" if single:
            return "Promising; one seed does not show how much of it is training luck: run five."
        case "gain":
            return "The evidence supports using these features; weigh the size of the gain against the cost."
        case "doubt":
            return "A wider model alone may explain the change: do not decide on this evidence."
        case "loss":
            return "On this evidence the features should not be used in this form."
        case _:
            return "On this evidence they are not worth paying for on ranking quality alone."


def _numbers(inputs: Inputs, floor: float | None) -> tuple[tuple[str, str, str], ...]:
    roles = inputs.roles
    numbers = []
    for arm in (roles.llm, roles.curated, *roles.controls[:1]):
        contrast = inputs.contrast(arm, roles.floor)
        if arm and contrast and floor:
            bounds = formats.interval(
                contrast["ci_low"] and contrast["ci_low"] / floor,
                contrast["ci_high"] and contrast["ci_high"] / floor,
                of_change=True,
            )
            numbers.append((roles.name(arm), formats.change(contrast["delta"] / floor), bounds))
    cost = cost_per_thousand(inputs) if inputs.provenance.used_llm else None
    if cost is not None:
        numbers.append(("Cost per 1,000 items", formats.dollars(cost), "measured, from the ledger"))
    return tuple(numbers)


def _relative(contrast: dict[str, Any], base: float) -> str:
    span = formats.change(contrast["delta"] / base)
    if contrast["ci_low"] is None or contrast["ci_high"] is None:
        return f"{span} (no interval)"
    low, high = contrast["ci_low"] / base, contrast["ci_high"] / base
    return f"{span} {formats.interval(low, high, of_change=True)}"


def _lower(subject: str) -> str:
    return subject if subject.startswith("LLM") else subject[0].lower() + subject[1:]
