"""What a model reads and what it remembers: the same scores from less text."""

import polars as pl

from recfeat_pipeline.report import figures, formats
from recfeat_pipeline.report.blocks import Block, Chart, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs


def probes(inputs: Inputs) -> Section | None:
    """The dose response and the contamination probes; left out when there is none."""
    rows = inputs.probes.sort("mean_chars", "arm", descending=[True, False], nulls_last=True)
    if rows.filter(pl.col("arm") != "llm").is_empty():
        return None
    blocks: list[Block] = [
        Paragraph(
            "The same questions were asked of less and less text (dose response), of the title "
            "alone (what the model remembers) and of a document whose names are masked (what is "
            "left when it cannot remember). What was not asked is said to be not run."
        ),
        _table(rows),
    ]
    if rows["agreement_r"].is_not_null().any():
        blocks += [Paragraph(circle, "note") for circle in inputs.provenance.circles]
    run = rows.filter(pl.col("mean_chars").is_not_null(), pl.col("agreement_r").is_not_null())
    if run.height > 1:
        blocks.append(Chart(figures.dose_response(run)))
    return Section("probes", "Reading or remembering", blocks)


def _table(rows: pl.DataFrame) -> Table:
    def measured(row: dict, name: str) -> str:
        if row[name] is None:
            return formats.MISSING
        bounds = formats.interval(row[f"{name}_low"], row[f"{name}_high"])
        return f"{formats.signed(row[name])} {bounds}"

    def agreement(row: dict) -> str:
        if row["agreement_r"] is None:
            return formats.MISSING
        ends = (formats.correlation(row[f"agreement_{end}"]) for end in ("low", "high"))
        return f"{formats.correlation(row['agreement_r'])} [{', '.join(ends)}]"

    return Table(
        "probes",
        "By the mean characters that a call shows of an item. Agreement is the mean correlation "
        "with the curated tags; differences are in MRR.",
        ["Prompt version", "Characters", "Agreement", "Over the floor", "Over the whole text", ""],
        [
            [
                row["prompt_version"] or row["arm"],
                formats.count(row["mean_chars"]),
                agreement(row),
                measured(row, "over_floor"),
                measured(row, "over_llm"),
                row["status"] or "",
            ]
            for row in rows.iter_rows(named=True)
        ],
        rows,
        text_columns=frozenset({5}),
    )
