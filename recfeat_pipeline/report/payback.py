"""When the features have paid for themselves, where the user says what a conversion is worth.

The step from a ranking to money is an assumption, and is said to be one: that conversions from
recommendations change as the share of lists does that hold the wanted item among the first ten.
"""

import math

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.verdict import cost_per_thousand
from recfeat_pipeline.report.worth import Worth, span

METRIC, PLACES = "hit_rate", 10


def payback(inputs: Inputs, worth: Worth) -> str | None:
    """One sentence; None where no value is stated, nothing was priced or nothing was compared."""
    value, price = inputs.provenance.value_per_conversion, cost_per_thousand(inputs)
    n_items = int(inputs.items["n_scored"].sum())
    rows = inputs.contrasts_of(METRIC, PLACES).filter(
        arm=worth.arm, reference=worth.reference, slice="all"
    )
    if value is None or price is None or not n_items or rows.is_empty():
        return None
    hits, total = rows.row(0, named=True), price * n_items / 1000
    stated = (
        f"The features of {formats.count(n_items)} items cost {formats.dollars(total)}; a "
        f"conversion is worth {formats.dollars(value)}, as you say"
    )
    if worth.effect("all") != "gain" or hits["change"] <= 0:
        return f"{stated}. No gain is shown that could repay them."
    most, typical, least = (
        _conversions(total, value, hits[name]) for name in ("change_low", "change", "change_high")
    )
    return (
        f"{stated}. They are repaid after {typical} conversions from recommendations ({least} to "
        f"{most}), if conversions change as Hit@{PLACES} does: {span(hits)}."
    )


def _conversions(total: float, value: float, change: float | None) -> str:
    """Conversions, as they come without features, at which the change is worth the total."""
    if change is None or change <= 0:
        return "never"
    return formats.count(math.ceil(total / (value * change)))
