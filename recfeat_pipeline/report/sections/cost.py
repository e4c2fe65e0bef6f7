"""What the features cost."""

import polars as pl

from recfeat_pipeline.report import figures, formats
from recfeat_pipeline.report.blocks import Block, Chart, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.verdict import cost_per_thousand

_TITLE = "What it cost"


def cost(inputs: Inputs) -> Section:
    """The ledger by model and group, and the published estimate beside it."""
    rows = inputs.cost
    if rows.is_empty():
        return Section("cost", _TITLE, [Paragraph("The ledger holds no calls yet.", "missing")])
    blocks: list[Block] = []
    per_thousand = cost_per_thousand(inputs)
    if inputs.provenance.used_llm is False:
        blocks.append(
            Paragraph(
                "The embedded lexical extractor costs nothing. `recfeat estimate` prices a real "
                "model for this catalogue before a cent is spent."
            )
        )
    elif per_thousand is None:
        blocks.append(
            Paragraph("No answer in the ledger has a price: add the model to the price table.",
                      "missing")
        )  # fmt: skip
    else:
        blocks.append(
            Paragraph(
                f"Measured: {formats.dollars(float(rows['cost_usd'].sum()))} in all, "
                f"{formats.dollars(per_thousand)} per 1,000 items. The published study estimated "
                "$170–220 for 9,366 films, $18–23 per 1,000, at $3 and $15 per million input "
                "and output tokens."
            )
        )
        blocks.append(Chart(figures.cost_by_group(rows)))
    blocks.append(_table(rows))
    unpriced = int(rows["calls"].sum()) - int(rows["priced_calls"].sum())
    if unpriced and per_thousand is not None:
        blocks.append(
            Paragraph(f"{formats.plural(unpriced, 'call')} without a price: not in the sums.",
                      "note")
        )  # fmt: skip
    return Section("cost", _TITLE, blocks)


def _table(rows: pl.DataFrame) -> Table:
    sums = ["calls", "failed", "prompt_tokens", "cached_tokens", "completion_tokens", "cost_usd"]
    by = rows.group_by("version", "model", "backend", maintain_order=True).agg(pl.col(sums).sum())
    return Table(
        "cost",
        "From the ledger: every call is paid once and kept; dollars are from the dated price "
        "table.",
        ["Prompt version", "Model", "Backend", "Calls", "Failed", "Input tokens", "of them cached",
         "Output tokens", "Dollars"],
        [
            [
                row["version"] or formats.MISSING,
                row["model"] or formats.MISSING,
                row["backend"] or formats.MISSING,
                *(formats.count(row[name]) for name in sums[:-1]),
                formats.dollars(row["cost_usd"]),
            ]
            for row in by.iter_rows(named=True)
        ],
        rows,
        text_columns=frozenset({1, 2}),
    )  # fmt: skip
