"""How much text about an item is worth buying, and of how many aspects: gains beside dollars."""

from typing import Any

import polars as pl

from recfeat_pipeline.report import figures, formats
from recfeat_pipeline.report.blocks import Chart, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.provenance import ArmNote
from recfeat_pipeline.report.verdict import per_thousand
from recfeat_pipeline.sections import SECTIONS

ROWS = {
    "arm": pl.String,
    "profiles": pl.Int64,
    "characters": pl.Float64,
    "usd_per_1000": pl.Float64,
    **{
        f"{over}_{end}": pl.Float64
        for over in ("floor", "control")
        for end in ("change", "low", "high")
    },
}


def density(inputs: Inputs) -> Section | None:
    """Arms of the section ``density``, by what an item costs; left out when none was run."""
    arms = [arm for arm in inputs.roles.order if inputs.roles.section(arm) == "density"]
    contrasts = inputs.contrasts_of("mrr").filter(pl.col("arm").is_in(arms), slice="all")
    if contrasts.is_empty():
        return None
    plain = [arm for arm in arms if arm not in inputs.roles.meaningless]
    rows = pl.DataFrame([_row(inputs, contrasts, arm) for arm in plain], schema=ROWS)
    rows = rows.sort("usd_per_1000", "characters", "arm", nulls_last=False)
    return Section(
        "density",
        SECTIONS["density"],
        [
            Paragraph(
                "The same recommender reads shorter and longer profiles, and one to four aspects "
                "of an item side by side. An aspect is a call, so that four cost four times one."
            ),
            _table(inputs, rows),
            Chart(
                figures.forest(contrasts, inputs.roles, name="density", title=SECTIONS["density"])
            ),
        ],
    )


def _row(inputs: Inputs, contrasts: pl.DataFrame, arm: str) -> dict[str, Any]:
    """What an arm reads, what that costs and what it gains, over no content and its control."""
    notes = inputs.provenance.arms
    sources = notes.get(arm, ArmNote()).content.split("+")
    versions = [source.partition(":")[2] for source in sources if ":" in source]
    read = inputs.profiles.filter(pl.col("name").is_in(versions))
    name = pl.col("version").str.split("@").list.first()
    prices = [per_thousand(inputs.cost.filter(name == version)) for version in versions]
    row: dict[str, Any] = {
        "arm": arm,
        "profiles": len(versions),
        "characters": read["mean_chars"].sum() if read.height == len(versions) else None,
        "usd_per_1000": sum(p for p in prices if p is not None) if None not in prices else None,
    }
    for against in contrasts.filter(arm=arm).iter_rows(named=True):
        is_control = against["reference"] in inputs.roles.meaningless
        note = notes.get(against["reference"])
        over = "control" if is_control else "floor" if note and not note.content else None
        if over:
            ends = {"change": "change", "low": "change_low", "high": "change_high"}
            row |= {f"{over}_{end}": against[column] for end, column in ends.items()}
    return {name: row.get(name) for name in ROWS}


def _table(inputs: Inputs, rows: pl.DataFrame) -> Table:
    def gain(row: dict[str, Any], over: str) -> str:
        if row[f"{over}_change"] is None:
            return formats.MISSING
        bounds = formats.interval(row[f"{over}_low"], row[f"{over}_high"], of_change=True)
        return f"{formats.change(row[f'{over}_change'])} {bounds}"

    return Table(
        "density",
        "By dollars, as the ledger has them. Characters are those that the model wrote of an item, "
        "all its profiles together; differences are in MRR, relative, with 95 % intervals.",
        ["", "Profiles", "Characters", "Dollars for 1,000 items", "Over no content",
         "Over another item's"],
        [
            [
                inputs.roles.name(row["arm"]),
                formats.count(row["profiles"]),
                formats.count(row["characters"]),
                formats.dollars(row["usd_per_1000"]),
                gain(row, "floor"),
                gain(row, "control"),
            ]
            for row in rows.iter_rows(named=True)
        ],
        rows,
    )  # fmt: skip
