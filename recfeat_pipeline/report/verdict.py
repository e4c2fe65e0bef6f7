"""The first sentences of the report, worked out from the data and nothing else."""

from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.inputs import Inputs

Tone = Literal["gain", "loss", "none", "doubt", "unknown"]
Contrast = dict[str, Any]  # a row of Inputs.contrasts_of
ALPHA = 0.05
ENOUGH_SEEDS = 5  # with fewer, p-values as small as a correction asks for are not trustworthy


@dataclass(frozen=True)
class Verdict:
    """The answer: a headline, what qualifies it, what to make of it, and the key numbers."""

    tone: Tone
    headline: str
    sentences: tuple[str, ...]
    reading: str
    numbers: tuple[tuple[str, str, str], ...]  # what it is, its value, the small print


def reach_verdict(inputs: Inputs) -> Verdict:
    """Weigh the LLM arm's difference from the floor against its interval and its control."""
    roles, provenance = inputs.roles, inputs.provenance
    where = "On the generated catalogue" if provenance.synthetic else f"On {provenance.catalogue}"
    features = {
        True: "LLM features",
        False: "lexical features (no LLM)",
        None: "extracted features",
    }[provenance.used_llm]
    numbers = _numbers(inputs)
    floor, ours = inputs.mean(roles.floor, "mrr"), inputs.mean(roles.llm, "mrr")
    if not floor or ours is None:
        missing = "without content" if not floor else "with extracted features"
        return Verdict(
            "unknown",
            f"{where}, there is no comparison yet: the arm {missing} has not been evaluated.",
            (),
            "Run both arms before drawing any conclusion.",
            numbers,
        )
    contrast = inputs.contrast(roles.llm, roles.floor)
    if contrast is None:
        return Verdict(
            "unknown",
            f"{where}, {features} reached an MRR of {formats.metric(ours)} against "
            f"{formats.metric(floor)} without content ({formats.change(ours / floor - 1)}), but "
            "no interval was computed: nothing is claimed.",
            (_control(inputs, floor), _cost(inputs)),
            "A difference without an interval is not a finding.",
            numbers,
        )
    tone = _tone(inputs, contrast)
    happened = {
        "gain": f"raised MRR by {_span(contrast)}.",
        "doubt": f"changed MRR by {_span(contrast)}, but what they say cannot take the credit.",
        "loss": f"lowered MRR: {_span(contrast)}.",
        "none": f"made no measurable difference to MRR: {_span(contrast)}.",
    }[tone]
    return Verdict(
        tone,
        f"{where}, {features} {happened}",
        tuple(
            filter(
                None,
                (
                    _power(contrast) if tone == "none" else "",
                    _control(inputs, floor),
                    _curated(inputs),
                    _cost(inputs),
                ),
            )
        ),
        _reading(inputs, tone, contrast),
        numbers,
    )


def significant(contrast: Contrast | None) -> bool:
    """Whether zero is outside the interval, and the corrected p-value, if any, is below .05."""
    if contrast is None or contrast["ci_low"] is None or contrast["ci_high"] is None:
        return False
    outside = contrast["ci_low"] > 0 or contrast["ci_high"] < 0
    return outside and (contrast["p_adjusted"] is None or contrast["p_adjusted"] < ALPHA)


def cost_per_thousand(inputs: Inputs) -> float | None:
    """Dollars per 1,000 items as the ledger has them; None where no LLM's answer was priced."""
    bought = inputs.cost.filter(pl.col("backend") != "lexical", pl.col("priced_calls") > 0)
    own = bought.filter(version=inputs.provenance.prompt_version)
    cost = own if own.height else bought
    if cost.is_empty():
        return None
    calls = cost.group_by("group").agg(pl.col("priced_calls").sum())["priced_calls"]
    return 1000 * float(cost["cost_usd"].sum()) / max(calls)  # an item is one call per group


def _tone(inputs: Inputs, contrast: Contrast) -> Literal["gain", "loss", "none", "doubt"]:
    """A gain is doubted when it does not beat a control, or when a control gains as well."""
    if not significant(contrast):
        return "none"
    if contrast["delta"] < 0:
        return "loss"
    for control in inputs.roles.controls:
        against = inputs.contrast(inputs.roles.llm, control)
        lift = inputs.contrast(control, inputs.roles.floor)
        if against is not None and not (significant(against) and against["delta"] > 0):
            return "doubt"
        if against is None and lift is not None and significant(lift) and lift["delta"] > 0:
            return "doubt"
    return "gain"


def _control(inputs: Inputs, floor: float) -> str:
    for control in inputs.roles.controls:
        contrast = inputs.contrast(control, inputs.roles.floor)
        name = inputs.roles.name(control)
        if contrast is not None:
            ours = inputs.contrast(inputs.roles.llm, control)
            over = f" Against the control the difference is {_span(ours)}." if ours else ""
            return f"{name}, the control, changed it by {_span(contrast)}{_doubt(contrast)}.{over}"
        value = inputs.mean(control, "mrr")
        if value is not None:
            moved = formats.change(value / floor - 1)
            return f"{name}, the control, changed it by {moved} (no interval)."
    return "No control was run, so a change cannot be credited to what the features say."


def _doubt(contrast: Contrast) -> str:
    if significant(contrast):
        return ""
    alone = significant({**contrast, "p_adjusted": None})
    return ", chance only once corrected for many tests" if alone else ", no more than chance"


def _power(contrast: Contrast) -> str:
    """What a difference that is not there tells: how small it must be, or how blind the run is."""
    if contrast["p_equivalent"] is not None and contrast["p_equivalent"] < ALPHA:
        return f"They are equivalent to no content within {_margin(contrast)}."
    if contrast["detectable"] is None:
        return ""
    least = formats.percent(contrast["detectable"] / contrast["reference_value"])
    return f"This run would have found a change of {least} four times in five."


def _margin(contrast: Contrast) -> str:
    return f"±{formats.percent(contrast['margin'] / contrast['reference_value'])}"


def _curated(inputs: Inputs) -> str:
    contrast = inputs.contrast(inputs.roles.llm, inputs.roles.curated)
    if contrast is None:
        return ""
    if contrast["p_equivalent"] is not None and contrast["p_equivalent"] < ALPHA:
        return f"They match curated tags within {_margin(contrast)}: {_span(contrast)}."
    if not significant(contrast):
        return f"Their difference from curated tags is within the noise: {_span(contrast)}."
    better = "better" if contrast["delta"] > 0 else "worse"
    return f"They did {better} than curated tags: {_span(contrast)}."


def _cost(inputs: Inputs) -> str:
    if inputs.provenance.used_llm is False:
        return "No LLM was used, so this says nothing about what an LLM's features are worth."
    cost = cost_per_thousand(inputs)
    if cost is None:
        return "What they cost was not recorded."
    return f"They cost {formats.dollars(cost)} per 1,000 items."


def _reading(inputs: Inputs, tone: Tone, contrast: Contrast) -> str:
    if inputs.provenance.synthetic:
        return "The catalogue is generated, to show that the machine works; run your own next."
    if inputs.provenance.used_llm is False:
        return "The lexical extractor cannot answer this: run with a model before deciding."
    match tone:
        case "gain" if not inputs.roles.controls:
            return "Promising; run the random-feature control before deciding."
        case "gain" if (seeds := contrast["n_seeds"] or 1) < ENOUGH_SEEDS:
            few = ("one seed", "two seeds", "three seeds", "four seeds")[seeds - 1]
            return f"Promising; {few} cannot tell it from training luck: run five."
        case "gain":
            return "The evidence supports using them; weigh the size of the gain against the cost."
        case "doubt":
            return "A wider model alone may explain the change: do not decide on this evidence."
        case "loss":
            return "On this evidence they should not be used in this form."
        case _ if (contrast["p_equivalent"] or 1.0) < ALPHA:
            return "On this evidence they are not worth paying for, as far as ranking goes."
        case _:
            return (
                "This run shows no gain and rules none out: evidence neither for nor against "
                "paying for them. More users or seeds would tell."
            )


def _numbers(inputs: Inputs) -> tuple[tuple[str, str, str], ...]:
    """The key figures: each content arm's change over the floor, and the price."""
    roles = inputs.roles
    numbers = []
    for arm in (roles.llm, roles.curated, *roles.controls[:1]):
        contrast = inputs.contrast(arm, roles.floor)
        if arm and contrast:
            bounds = formats.interval(
                contrast["change_low"], contrast["change_high"], of_change=True
            )
            numbers.append((roles.name(arm), formats.change(contrast["change"]), bounds))
    cost = cost_per_thousand(inputs) if inputs.provenance.used_llm else None
    if cost is not None:
        numbers.append(("Cost per 1,000 items", formats.dollars(cost), "measured, from the ledger"))
    return tuple(numbers)


def _span(contrast: Contrast) -> str:
    bounds = formats.interval(contrast["change_low"], contrast["change_high"], of_change=True)
    if bounds == formats.MISSING:
        bounds = "(no interval)"
    return f"{formats.change(contrast['change'])} {bounds}"
