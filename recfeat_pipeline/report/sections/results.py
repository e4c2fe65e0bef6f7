"""The metric table."""

import polars as pl

from recfeat_pipeline.report import figures, formats
from recfeat_pipeline.report.blocks import Block, Chart, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.roles import FAMILIES
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
    if inputs.metric("mrr").is_empty():
        return Section(
            "results", "Results", [Paragraph("No arm has been evaluated yet.", "missing")]
        )
    blocks: list[Block] = [
        Chart(figures.metric_by_arm(inputs.headline_metric("mrr"), inputs.roles)),
        _table(inputs),
    ]
    for corpus in sorted(set(inputs.ranking["corpus"].drop_nulls()) - {inputs.corpus}):
        own = inputs.ranking.filter(corpus=corpus, metric="mrr", slice="all")
        means = dict(own.group_by("arm").agg(pl.col("value").mean()).iter_rows())
        listing = ", ".join(
            f"{inputs.roles.name(arm)} {formats.metric(means[arm])}"
            for arm in inputs.roles.order
            if arm in means
        )
        blocks.append(Paragraph(f"MRR on the {corpus} corpus: {listing}."))
    blocks += beside_published(inputs)
    return Section("results", "Results", blocks)


def _table(inputs: Inputs) -> Table:
    columns = [c for c in _COLUMNS if inputs.metric(c[1], c[2]).height]
    arms = inputs.roles.order
    families = [inputs.roles.family(arm) for arm in arms]
    n_examples = inputs.metric("mrr")["n"].max()
    return Table(
        "metrics",
        f"Means over seeds (± standard deviation between seeds), {formats.count(n_examples)} "
        "held-out examples. Items already seen are no candidates; ties take their mean rank.",
        ["Arm", *(name for name, _, _ in columns)],
        [
            [inputs.roles.name(arm), *(_cell(inputs, arm, metric, k) for _, metric, k in columns)]
            for arm in arms
        ],
        inputs.ranking.filter(pl.col("corpus").eq_missing(inputs.corpus)),
        strong_rows=frozenset(i for i, arm in enumerate(arms) if arm == inputs.roles.llm),
        headings={
            i: FAMILIES.get(family, family.capitalize())
            for i, family in enumerate(families)
            if i == families.index(family) and len(set(families)) > 1
        },
    )


def _cell(inputs: Inputs, arm: str, metric: str, k: int | None) -> str:
    values = inputs.metric(metric, k).filter(arm=arm)["value"]
    text = formats.metric(values.mean())
    if metric != "mrr" or values.len() < 2:
        return text
    return f"{text} ± {formats.metric(values.std())}"
