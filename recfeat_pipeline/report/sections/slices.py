"""Where a gain comes from: popularity, history length, text length."""

import re

import polars as pl

from recfeat_pipeline.report import figures, formats
from recfeat_pipeline.report.blocks import Block, Chart, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs

_TIERS = {
    "all": "All",
    "HEAD": "HEAD",
    "TAIL": "TAIL",
    "Q4": "Q4\nmost popular",
    "Q3": "Q3",
    "Q2": "Q2",
    "Q1": "Q1\nleast popular",
    "new item": "New item",
}
_TITLES = {
    "history": "Change of MRR over the floor, by length of the user's history",
    "text": "Change of MRR over the floor, by length of the target's text",
}


def slices(inputs: Inputs) -> Section:
    """Tiers always; every further family of slices that was computed."""
    rows = inputs.ranking.filter(pl.col("k").is_null(), metric="mrr")
    changes = inputs.changes_over_floor("mrr")
    blocks: list[Block] = []
    tiers = {tier: label for tier, label in _TIERS.items() if tier in rows["slice"]}
    if "HEAD" not in tiers:
        tiers.pop("TAIL", None)  # it is everything
    if len(tiers) > 1 and changes.height:
        title = "Change of MRR over the floor, by popularity of the target"
        blocks += [
            Chart(figures.change_by_slice(changes, inputs.roles, tiers, "tiers", title)),
            _tier_table(inputs, rows, list(tiers)),
            Paragraph(
                "Tiers are by the target's number of interactions: HEAD above 1,000; quartiles "
                "have equally many items; a new item has fewer than ten in training. Where a bar "
                "has no interval, none was computed: with few examples (n), do not read it.",
                "note",
            ),
        ]
    else:
        blocks.append(Paragraph("No popularity tiers have been computed yet.", "missing"))
    others = rows.filter(~pl.col("slice").is_in(list(_TIERS)))["slice"]
    families = others.str.extract(r"^(\S+) ").drop_nulls().unique().sort().to_list()
    for family in families:
        bands = _bands(rows, family)
        title = _TITLES.get(family, f"Change of MRR over the floor, by {formats.words(family)}")
        name = "slices_" + re.sub(r"\W", "_", family)
        own = changes.filter(pl.col("slice").is_in(list(bands)))
        if own.height:  # no arm differs from the floor in content: there is nothing to draw
            blocks.append(Chart(figures.change_by_slice(own, inputs.roles, bands, name, title)))
    return Section("slices", "Where the difference comes from", blocks)


def _bands(rows: pl.DataFrame, family: str) -> dict[str, str]:
    """The slices of a family (``history 1-9``, …) by their first number, each with its label."""
    names = rows["slice"].unique()
    bands = {name: name.partition(" ")[2] for name in names if name.startswith(f"{family} ")}

    def first_number(name: str) -> tuple[float, str]:
        found = re.search(r"\d+(\.\d+)?", bands[name].replace(",", ""))
        below = "under" in name  # "under 500" comes before "500-1999"
        return (float(found.group()) - below if found else -1.0, name)

    return {name: bands[name].replace("-", "–") for name in sorted(bands, key=first_number)}


def _tier_table(inputs: Inputs, rows: pl.DataFrame, tiers: list[str]) -> Table:
    sizes = dict(rows.group_by("slice").agg(pl.col("n").max()).iter_rows())
    shown = set(inputs.headline_metric("mrr")["arm"])
    lines = [
        [
            inputs.roles.name(arm),
            *(formats.metric(inputs.mean(arm, "mrr", slice_=tier)) for tier in tiers),
        ]
        for arm in inputs.roles.order
        if arm in shown
    ]
    return Table(
        "tiers",
        "MRR by popularity of the target, means over seeds.",
        ["Arm", *tiers],
        [*lines, ["Held-out examples (n)", *(formats.count(sizes[tier]) for tier in tiers)]],
        rows.filter(pl.col("slice").is_in(tiers)),
    )
