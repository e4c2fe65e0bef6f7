"""The first sentences of the report, worked out from the data and nothing else."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.worth import (
    ALPHA,
    PLACES,
    Contrast,
    Worth,
    find_worths,
    headline_of,
    significant,
    span,
    span_beside_control,
)

Tone = Literal["gain", "loss", "none", "doubt", "unchecked", "unknown"]
ENOUGH_SEEDS = 5  # with fewer, p-values as small as a correction asks for are not trustworthy


@dataclass(frozen=True)
class Verdict:
    """The answer: a headline, what qualifies it, what to make of it, and the key numbers."""

    tone: Tone
    opening: str  # of the headline: the strongest recommender, on average
    sentences: tuple[str, ...]
    reading: str
    numbers: tuple[tuple[str, str, str], ...]  # what it is, its value, the small print
    elsewhere: str = ""  # the headline's other half: where else they pay

    @property
    def headline(self) -> str:
        """Both halves."""
        return " ".join(filter(None, (self.opening, self.elsewhere)))


def reach_verdict(inputs: Inputs) -> Verdict:
    """Weigh what LLM features add to the strongest recommender, then say where else they pay."""
    provenance = inputs.provenance
    where = "On the generated catalogue" if provenance.synthetic else f"On {provenance.catalogue}"
    features = {
        True: "LLM features",
        False: "lexical features (no LLM)",
        None: "extracted features",
    }[provenance.used_llm]
    worths = [worth for worth in find_worths(inputs) if worth.sources == "llm"]
    central = headline_of(worths)
    if central is None:
        return _without_comparison(inputs, where, features)
    contrast, tone = central.over("all"), central.effect("all")
    assert contrast is not None
    assert tone is not None
    several = len({worth.family for worth in worths}) > 1
    on = f" on {'the strongest recommender, ' if several else ''}{central.family}"
    happened = {
        "gain": f"raised MRR{on} by {span(contrast)}.",
        "doubt": f"changed MRR{on} by {span(contrast)}, but what they say cannot take the credit.",
        "loss": f"lowered MRR{on}: {span(contrast)}.",
        "none": f"made no measurable difference to MRR{on}: {span(contrast)}.",
        "unchecked": f"raised MRR{on} by {span(contrast)}, with no control beside it.",
    }[tone]
    sentences = (
        _power(contrast) if tone == "none" else "",
        _control(inputs, central),
        _curated(inputs, central),
        _cost(inputs),
    )
    return Verdict(
        tone,
        f"{where}, {features} {happened}",
        tuple(filter(None, sentences)),
        _reading(inputs, worths, central, contrast),
        _numbers(inputs, central),
        _elsewhere(worths, several),
    )


def _without_comparison(inputs: Inputs, where: str, features: str) -> Verdict:
    """What to say when no pair of arms was contrasted."""
    roles = inputs.roles
    floor, ours = inputs.mean(roles.floor, "mrr"), inputs.mean(roles.llm, "mrr")
    if not floor or ours is None:
        missing = "without content" if not floor else "with extracted features"
        return Verdict(
            "unknown",
            f"{where}, there is no comparison yet: the arm {missing} has not been evaluated.",
            (),
            "Run both arms before drawing any conclusion.",
            (),
        )
    return Verdict(
        "unknown",
        f"{where}, {features} reached an MRR of {formats.metric(ours)} against "
        f"{formats.metric(floor)} without content ({formats.change(ours / floor - 1)}), but "
        "no interval was computed: nothing is claimed.",
        (_cost(inputs),),
        "A difference without an interval is not a finding.",
        (),
    )


def _elsewhere(worths: list[Worth], several: bool) -> str:
    """Where else they pay, on which recommender; and where no gain was measured."""
    pays: list[str] = []
    unchecked: list[str] = []
    nowhere: list[str] = []
    for place, words in PLACES.items():
        if place == "all" and worths[0].effect(place) in ("gain", "unchecked"):
            continue  # said already
        looked_at = worths[1:] if place == "all" else worths
        effects = [(worth, effect) for worth in looked_at if (effect := worth.effect(place))]
        for effect, said in (("gain", pays), ("unchecked", unchecked)):
            if found := [worth for worth, its in effects if its == effect]:
                family = f", {found[0].family}" if several else ""
                said.append(f"{words} ({span_beside_control(found[0], place)}{family})")
                break
        else:
            if place != "all" and effects:
                nowhere.append(words)
    parts = [
        f"they pay {_listed(pays, 'and')}" if pays else "",
        f"with no control beside it, MRR rose {_listed(unchecked, 'and')}" if unchecked else "",
        f"no gain was measured {_listed(nowhere, 'or')}" if nowhere else "",
    ]
    sentence = "; ".join(filter(None, parts))
    return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else ""


def _listed(parts: list[str], word: str) -> str:
    return f" {word} ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def cost_per_thousand(inputs: Inputs) -> float | None:
    """Dollars per 1,000 items as the ledger has them; None where no LLM's answer was priced."""
    own = inputs.cost.filter(version=inputs.provenance.prompt_version)
    found = per_thousand(own)
    return per_thousand(inputs.cost) if found is None else found


def per_thousand(cost: pl.DataFrame) -> float | None:
    """Dollars per 1,000 items of rows of the ledger; None where no LLM's answer was priced."""
    bought = cost.filter(pl.col("backend") != "lexical", pl.col("priced_calls") > 0)
    if bought.is_empty():
        return None
    calls = bought.group_by("group").agg(pl.col("priced_calls").sum())["priced_calls"]
    return 1000 * float(bought["cost_usd"].sum()) / max(calls)  # an item is one call per group


def _control(inputs: Inputs, worth: Worth) -> str:
    for control in worth.controls:
        contrast = worth.contrast(control, worth.reference, "all")
        if contrast is not None:
            ours = worth.contrast(worth.arm, control, "all")
            over = f" Against the control the difference is {span(ours)}." if ours else ""
            name = inputs.roles.name(control)
            return f"{name}, the control, changed it by {span(contrast)}{_doubt(contrast)}.{over}"
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


def _curated(inputs: Inputs, worth: Worth) -> str:
    contrast = worth.contrast(worth.arm, inputs.roles.curated or "", "all")
    if contrast is None:
        return ""
    if contrast["p_equivalent"] is not None and contrast["p_equivalent"] < ALPHA:
        return f"They match curated tags within {_margin(contrast)}: {span(contrast)}."
    if not significant(contrast):
        return f"Their difference from curated tags is within the noise: {span(contrast)}."
    better = "better" if contrast["delta"] > 0 else "worse"
    return f"They did {better} than curated tags: {span(contrast)}."


def _cost(inputs: Inputs) -> str:
    if inputs.provenance.used_llm is False:
        return "No LLM was used, so this says nothing about what an LLM's features are worth."
    cost = cost_per_thousand(inputs)
    if cost is None:
        return "What they cost was not recorded."
    return f"They cost {formats.dollars(cost)} per 1,000 items."


def _reading(inputs: Inputs, worths: list[Worth], worth: Worth, contrast: Contrast) -> str:
    if inputs.provenance.synthetic:
        return "The catalogue is generated, to show that the machine works; run your own next."
    if inputs.provenance.used_llm is False:
        return "The lexical extractor cannot answer this: run with a model before deciding."
    seeds, draws = contrast["n_seeds"] or 1, inputs.draws(worth.arm, worth.reference)
    match worth.effect("all"):
        case "unchecked":
            return "Promising; run the random-feature control before deciding."
        case "gain" if seeds < ENOUGH_SEEDS and draws:
            few = ("one seed", "two seeds", "three seeds", "four seeds")[seeds - 1]
            return f"Promising; {few} cannot tell it from the randomness of training: run five."
        case "gain":
            return "The evidence supports using them; weigh the size of the gain against the cost."
        case "doubt":
            return "A wider model alone may explain the change: do not decide on this evidence."
        case _ if any(one.effect(place) == "gain" for one in worths for place in PLACES):
            return (
                "On average they do not pay on the strongest recommender; they do where the "
                "headline says, so decide by what that is worth to you."
            )
        case "loss":
            return "On this evidence they should not be used in this form."
        case _ if (contrast["p_equivalent"] or 1.0) < ALPHA:
            return "On this evidence they are not worth paying for, as far as ranking goes."
        case _:
            return (
                "This run shows no gain and rules none out: evidence neither for nor against "
                f"paying for them. More users{' or seeds' if draws else ''} would tell."
            )


def _numbers(inputs: Inputs, worth: Worth) -> tuple[tuple[str, str, str], ...]:
    """The key figures: what content and control add to the strongest recommender, and the price."""
    roles = inputs.roles
    curated = (roles.curated,) if roles.curated else ()
    numbers = []
    for arm in (worth.arm, *curated, *worth.controls[:1]):
        if contrast := worth.contrast(arm, worth.reference, "all"):
            bounds = formats.interval(
                contrast["change_low"], contrast["change_high"], of_change=True
            )
            numbers.append((roles.name(arm), formats.change(contrast["change"]), bounds))
    cost = cost_per_thousand(inputs) if inputs.provenance.used_llm else None
    if cost is not None:
        numbers.append(("Cost per 1,000 items", formats.dollars(cost), "measured, from the ledger"))
    return tuple(numbers)
