"""What the features cost."""

import polars as pl

from recfeat_pipeline.report import figures, formats, published
from recfeat_pipeline.report.blocks import Block, Chart, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.payback import payback
from recfeat_pipeline.report.verdict import cost_per_thousand
from recfeat_pipeline.report.worth import find_worths, headline_of

_TITLE = "What it cost"
_STUDY = (
    " The study's estimate is at $3 and $15 per million input and output tokens; it gives no hours."
)


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
                f"{formats.dollars(per_thousand)} per 1,000 items."
            )
        )
        worth = headline_of(find_worths(inputs))
        if worth and (sentence := payback(inputs, worth)):
            blocks.append(Paragraph(sentence))
        blocks.append(Chart(figures.cost_by_group(rows)))
    estimate = inputs.provenance.estimate
    if estimate and estimate.usd_per_hour:
        blocks.append(
            Paragraph(
                f"{estimate.model} runs on a machine at {formats.dollars(estimate.usd_per_hour)} "
                "an hour: a call costs its share of that machine's time, and its tokens nothing. "
                "Time in which the machine waits is not in the sums."
            )
        )
    takes = _feasibility(inputs, per_thousand)
    blocks += [takes, _table(rows)] if takes.rows else [_table(rows)]
    unpriced = int(rows["calls"].sum()) - int(rows["priced_calls"].sum())
    if unpriced and per_thousand is not None:
        blocks.append(
            Paragraph(f"{formats.plural(unpriced, 'call')} without a price: not in the sums.",
                      "note")
        )  # fmt: skip
    return Section("cost", _TITLE, blocks)


def _feasibility(inputs: Inputs, per_thousand: float | None) -> Table:
    """Dollars and hours, per item and for the corpus: published of films, estimated, measured."""
    films = inputs.are_films
    lines: list[tuple[str, str, float | None, float | None, int, float | None]] = []
    if films:
        least, most = published.COST_USD
        lines.append(("Published study", "estimate", least, most, published.COST_ITEMS, None))
    if given := inputs.provenance.estimate:
        prices = f", prices of {given.prices_as_of}" if given.prices_as_of else ""
        for how, usd, hours in (
            (prices, given.cost_usd, given.hours),
            (" in batches", given.cost_usd_batch, None),
        )[: 1 if given.usd_per_hour else 2]:  # nobody says how long a machine works on a batch
            what = f"This corpus, {given.model}{how}"
            lines.append((what, "estimate", usd, usd, given.documents, hours))
    used = inputs.cost.filter(version=inputs.provenance.prompt_version).drop_nulls("first_at")
    n_items = int(inputs.items["n_scored"].sum())
    if used.height and n_items:
        took = used.select(pl.col("last_at").max() - pl.col("first_at").min()).item()
        lexical = inputs.provenance.used_llm is False
        usd = 0.0 if lexical else per_thousand and per_thousand * n_items / 1000
        model = ", ".join(used["model"].drop_nulls().unique().sort())
        what = f"This run, {model}{' (no LLM)' if lexical else ''}"
        lines.append((what, "measured", usd, usd, n_items, took.total_seconds() / 3600))
    return Table(
        "feasibility",
        "What the features of a whole corpus take. Estimated hours keep to the settings' calls in "
        "flight; measured ones run from the first answer to the last." + (_STUDY if films else ""),
        ["", "", "Dollars", "Dollars per item", "Items", "Hours", "Seconds per item"],
        [
            [
                what,
                kind,
                _span(low, high),
                _span(low and low / items, high and high / items),
                formats.count(items),
                formats.MISSING if hours is None else f"{hours:.2g}",
                formats.MISSING if hours is None else f"{3600 * hours / items:.2g}",
            ]
            for what, kind, low, high, items, hours in lines
        ],
        pl.DataFrame(
            lines,
            schema=["what", "kind", "usd_low", "usd_high", "items", "hours"],
            orient="row",
            infer_schema_length=None,
        ),
        text_columns=frozenset({1}),
    )


def _span(low: float | None, high: float | None) -> str:
    """One amount, or from one to the other."""
    return " – ".join(dict.fromkeys((formats.dollars(low), formats.dollars(high))))


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
