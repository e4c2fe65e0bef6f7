"""The metric table."""

import polars as pl

from recfeat_pipeline.report import figures, formats
from recfeat_pipeline.report.blocks import Block, Chart, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.sections.comparison import beside_published

_COLUMNS = [
    ("MRR", "mrr", None),
    ("NDCG@10", "ndcg", 10),
    ("Hit@1", "hit_rate", 1),
    ("Hit@5", "hit_rate", 5),
    ("Hit@10", "hit_rate", 10),
    ("Hit@50", "hit_rate", 50),
    ("Hit@250", "hit_rate", 250),
]


def results(inputs: Inputs) -> Section:
    """Every arm on the whole corpus."""
    rows = inputs.metric("mrr")
    if rows.is_empty():
        return Section(
            "results", "Results", [Paragraph("No arm has been evaluated yet.", "missing")]
        )
    blocks: list[Block] = [
        Chart(figures.metric_by_arm(rows, inputs.roles)),
        _table(inputs),
    ]
    others = sorted(set(inputs.ranking["corpus"].drop_nulls()) - {inputs.corpus})
    for corpus in others:
        listing = ", ".join(
            f"{inputs.roles.name(arm)} {formats.metric(value)}"
            for arm, value in inputs.ranking.filter(corpus=corpus, metric="mrr", slice="all")
            .group_by("arm", maintain_order=True)
            .agg(pl.col("value").mean())
            .iter_rows()
        )
        blocks.append(Paragraph(f"MRR on the {corpus} corpus: {listing}."))
    blocks += beside_published(inputs)
    return Section("results", "Results", blocks)


def _table(inputs: Inputs) -> Table:
    columns = [c for c in _COLUMNS if inputs.metric(c[1], c[2]).height]
    n_examples = inputs.metric("mrr")["n"].max()
    rows, strong = [], set()
    for position, arm in enumerate(inputs.roles.order):
        cells = [inputs.roles.name(arm)]
        for _, metric, k in columns:
            values = inputs.metric(metric, k).filter(arm=arm)["value"]
            text = formats.metric(values.mean())
            spread = values.std() if metric == "mrr" and values.len() > 1 else None
            cells.append(f"{text} ± {formats.metric(spread)}" if spread is not None else text)
        rows.append(cells)
        if arm == inputs.roles.llm:
            strong.add(position)
    return Table(
        "metrics",
        f"Means over seeds (± standard deviation between seeds), {formats.count(n_examples)} "
        "test examples. Items already seen are no candidates; ties take their mean rank.",
        ["Arm", *(name for name, _, _ in columns)],
        rows,
        inputs.ranking.filter(pl.col("corpus").eq_missing(inputs.corpus)),
        strong_rows=frozenset(strong),
    )
