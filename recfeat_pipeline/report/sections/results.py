"""The metric table."""

import polars as pl

from recfeat_pipeline.evaluation.metric import Measure
from recfeat_pipeline.evaluation.metrics import headline, list_metrics
from recfeat_pipeline.report import figures, formats
from recfeat_pipeline.report.blocks import Block, Chart, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.sections.comparison import beside_published
from recfeat_pipeline.sections import SECTIONS


def results(inputs: Inputs) -> Section:
    """Every arm on all held-out examples."""
    if inputs.metric("mrr").is_empty():
        return Section(
            "results", "Results", [Paragraph("No arm has been evaluated yet.", "missing")]
        )
    blocks: list[Block] = [
        Chart(figures.metric_by_arm(inputs.headline_metric("mrr"), inputs.roles)),
        _table(inputs),
    ]
    if inputs.lists.height:
        blocks.append(_lists(inputs))
    blocks += beside_published(inputs)
    return Section("results", "Results", blocks)


def _table(inputs: Inputs) -> Table:
    columns = [m for m in headline() if inputs.metric(m.name, m.k).height]
    arms = inputs.roles.order
    sections = [inputs.roles.section(arm) for arm in arms]
    n_examples = inputs.metric("mrr")["n"].max()
    return Table(
        "metrics",
        f"Means over seeds (± standard deviation between seeds), {formats.count(n_examples)} "
        "held-out examples. Items already seen are no candidates; ties take their mean rank.",
        ["Arm", *(measure.label for measure in columns)],
        [
            [inputs.roles.name(arm), *(_cell(inputs, arm, measure) for measure in columns)]
            for arm in arms
        ],
        inputs.ranking,
        strong_rows=frozenset(i for i, arm in enumerate(arms) if arm == inputs.roles.llm),
        headings={
            i: SECTIONS.get(section, section.capitalize())
            for i, section in enumerate(sections)
            if i == sections.index(section) and len(set(sections)) > 1
        },
    )


def _lists(inputs: Inputs) -> Table:
    """What the lists that each arm would show are like, whoever their targets are."""
    arms = [arm for arm in inputs.roles.order if arm in inputs.lists["arm"]]
    means = {
        (arm, metric, k): value
        for arm, metric, k, value in inputs.lists.group_by("arm", "metric", "k")
        .agg(pl.col("value").mean())
        .iter_rows()
    }
    meanings = " ".join(f"{m.label}: {m.meaning}" for m in list_metrics().values())
    n_lists = formats.count(inputs.lists["n"].max())
    return Table(
        "lists",
        f"The lists that the arms would show, {n_lists} of each; means over seeds. {meanings}",
        ["Arm", *(f"{m.label}@{m.headline}" for m in list_metrics().values())],
        [
            [
                inputs.roles.name(arm),
                *(_plain(means.get((arm, name, m.headline))) for name, m in list_metrics().items()),
            ]
            for arm in arms
        ],
        inputs.lists,
        strong_rows=frozenset(i for i, arm in enumerate(arms) if arm == inputs.roles.llm),
    )


def _plain(value: float | None) -> str:
    return formats.MISSING if value is None else f"{value:.3f}"


def _cell(inputs: Inputs, arm: str, measure: Measure) -> str:
    values = inputs.metric(measure.name, measure.k).filter(arm=arm)["value"]
    text = formats.metric(values.mean())
    if measure != headline()[0] or values.len() < 2:
        return text
    return f"{text} ± {formats.metric(values.std())}"
