"""Where features pay: every recommender and content, on average and where it matters."""

import polars as pl

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.blocks import Block, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.verdict import cost_per_thousand
from recfeat_pipeline.report.worth import PLACES, Worth, find_worths

_HEADINGS = {"all": "All", "new": "New items", "tail": "Rare items", "short": "Short histories"}


def worth(inputs: Inputs) -> Section | None:
    """The table; left out when no pair was contrasted."""
    worths = find_worths(inputs)
    if not worths:
        return None
    table = _table(inputs, worths)
    blocks: list[Block] = [
        table,
        Paragraph(
            "Green and red: a gain or a loss after correction. A gain counts only where it beats "
            "its controls; it is brown where it does not, or where none was run. "
            f"{_holm(table)} Users are the unit, from one seed on. New items are those held back "
            "in the cold-start experiment, where it was run, else those with fewer than ten "
            "training interactions; rare items have 1,000 interactions at most, or are the least "
            "popular quarter; short histories have fewer than ten.",
            "note",
        ),
    ]
    return Section("worth", "Where features pay", blocks)


def _holm(table: Table) -> str:
    """The family of tests that the correction is over, in a sentence."""
    return (
        f"The correction (Holm) is over the {formats.plural(table.data.height, 'cell')} of this "
        "table, all recommenders, contents and places together; half of the 5 % is kept for the "
        "headline's, which is the strongest recommender on all examples."
    )


def _table(inputs: Inputs, worths: list[Worth]) -> Table:
    places = [place for place in PLACES if any(w.over(place) for w in worths)]
    price = cost_per_thousand(inputs) if inputs.provenance.used_llm else None
    rows, tones, data = [], {}, []
    for at, one in enumerate(worths):
        cells = []
        for column, place in enumerate(places, 2):
            cells.append(_change(one, place))
            if effect := one.effect(place):
                tones[at, column] = effect
            data.append(_datum(one, place))
        first = at == 0 or worths[at - 1].reference != one.reference
        rows.append(
            [
                f"{one.family}\nMRR {formats.metric(one.base)}" if first else "",
                one.content,
                *cells,
                formats.dollars(price) if "llm" in one.sources else formats.MISSING,
            ]
        )
    return Table(
        "worth",
        "Change of MRR by content, with 95 % intervals in percent; the strongest recommender "
        "first, with its MRR without content. Below the intervals, what features without meaning "
        "change there (the control).",
        ["Recommender", "Content", *(_HEADINGS[place] for place in places), "$ per 1,000 items"],
        rows,
        pl.DataFrame([row for row in data if row], infer_schema_length=None),
        text_columns=frozenset({1}),
        tones=tones,
    )  # fmt: skip


def _change(one: Worth, place: str) -> str:
    contrast = one.over(place)
    if contrast is None:
        return formats.MISSING
    bounds = formats.interval(contrast["change_low"], contrast["change_high"], of_change=True)
    bounds = bounds.replace("\u00a0%", "").replace(", ", ",\u00a0")  # narrow, and on one line
    control = one.control(place)
    beside = formats.change(control["change"]) if control else "not run"
    return f"{formats.change(contrast['change'])}\n{bounds}\ncontrol {beside}"


def _datum(one: Worth, place: str) -> dict | None:
    contrast = one.over(place)
    if contrast is None:
        return None
    control = one.control(place)
    kept = ("change", "change_low", "change_high", "p_value", "n_seeds", "n_users")
    return {
        "recommender": one.family, "content": one.content, "arm": one.arm,
        "reference": one.reference, "place": place, "effect": one.effect(place),
        **{name: contrast.get(name) for name in kept},
        "p_change": one.p_changes.get(place), "p_claim": one.p_claims.get(place),
        "control_change": control["change"] if control else None,
    }  # fmt: skip
