"""Where a gain comes from: popularity, history length, text length, cold items."""

import polars as pl

from recfeat_pipeline.report import figures, formats
from recfeat_pipeline.report.blocks import Block, Chart, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs

_TITLES = {
    "history": "By length of the user's history",
    "text": "By length of the target's text",
    "cold": "Items that no model saw in training",
    "warmup": "As interactions with a new item come in",
}
_ABSOLUTE = ("cold", "warmup")  # where the floor is near zero, a change relative to it says little


def slices(inputs: Inputs) -> Section:
    """Tiers always; every further family of slices that was computed."""
    rows = inputs.ranking.filter(pl.col("corpus").eq_missing(inputs.corpus), metric="mrr")
    blocks: list[Block] = []
    has_content = len(inputs.roles.main) + len(inputs.roles.controls) > 1
    if inputs.roles.floor and has_content and rows["slice"].n_unique() > 1:
        blocks.append(Chart(figures.tiers(rows, inputs.roles)))
        blocks.append(_tier_table(inputs, rows))
        blocks.append(
            Paragraph(
                "Tiers are by the target's number of interactions: HEAD above 1,000, quartiles "
                "with equally many items each. Small tiers hold few test examples; see n.",
                "note",
            )
        )
    else:
        blocks.append(Paragraph("No popularity tiers have been computed yet.", "missing"))
    for family in figures.slice_families(rows):
        title = _TITLES.get(family, f"By {formats.words(family)}")
        absolute = family in _ABSOLUTE or not (inputs.roles.floor and has_content)
        draw = figures.metric_by_slice if absolute else figures.change_by_slice
        blocks.append(Chart(draw(rows, inputs.roles, family, title)))
    if "cold" not in figures.slice_families(rows):
        blocks.append(Paragraph("Cold items were not held out in this run.", "missing"))
    return Section("slices", "Where the difference comes from", blocks)


def _tier_table(inputs: Inputs, rows: pl.DataFrame) -> Table:
    tiers = [tier for tier in figures.TIERS if tier in rows["slice"]]
    sizes = dict(rows.group_by("slice").agg(pl.col("n").max()).iter_rows())
    return Table(
        "tiers",
        "MRR by popularity of the target, means over seeds.",
        ["Arm", *tiers],
        [
            [
                inputs.roles.name(arm),
                *(formats.metric(inputs.mean(arm, "mrr", slice_=tier)) for tier in tiers),
            ]
            for arm in inputs.roles.order
        ]
        + [["Test examples (n)", *(formats.count(sizes[tier]) for tier in tiers)]],
        rows.filter(pl.col("slice").is_in(tiers)),
    )
