"""The metric table, and the published figures where they can be set beside ours."""

import polars as pl

from recfeat_pipeline.report import figures, formats, published
from recfeat_pipeline.report.blocks import Block, Chart, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs

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
    blocks += _beside_published(inputs)
    return Section("results", "Results", blocks)


def _table(inputs: Inputs) -> Table:
    columns = [c for c in _COLUMNS if inputs.metric(c[1], c[2]).height]
    n_examples = inputs.metric("mrr")["n"].max()
    rows, strong = [], set()
    for position, arm in enumerate(inputs.roles.order):
        cells = [inputs.roles.name(arm)]
        for _, metric, k in columns:
            values = inputs.metric(metric, k).filter(arm=arm)["value"]
            text = formats.metric(values.mean())  # type: ignore[arg-type]
            spread = values.std() if metric == "mrr" and values.len() > 1 else None
            cells.append(f"{text} ± {formats.metric(spread)}" if spread is not None else text)  # type: ignore[arg-type]
        rows.append(cells)
        if arm == inputs.roles.llm:
            strong.add(position)
    return Table(
        "metrics",
        f"Means over seeds (± standard deviation between seeds), {formats.count(n_examples)} "  # type: ignore[arg-type]
        "test examples. Items already seen are no candidates; ties take their mean rank.",
        ["Arm", *(name for name, _, _ in columns)],
        rows,
        inputs.ranking.filter(pl.col("corpus").eq_missing(inputs.corpus)),
        strong_rows=frozenset(strong),
    )


def _beside_published(inputs: Inputs) -> list[Block]:
    """Absolute values on the published corpus, relative changes and the reason on any other."""
    parts = [(p, getattr(inputs.roles, p)) for p in published.PARTS]
    if not inputs.roles.floor or not any(arm for p, arm in parts if p != "floor"):
        return []
    n_items = inputs.items["n_corpus"][0] if inputs.items.height else None
    n_examples = inputs.metric("mrr")["n"].max()
    rows, data = [], []
    comparable = n_items == published.N_ITEMS and n_examples == published.N_EXAMPLES
    for (metric, k, slice_), theirs in published.RANKING.items():
        ours = [_like_published(inputs, arm, metric, k, slice_) for _, arm in parts]
        if ours[0] is None:
            continue
        name = {"mrr": "MRR", "ndcg": "NDCG", "hit_rate": "Hit"}[metric]
        name = f"{name}@{k}" if k else name if slice_ == "all" else f"{name}, {slice_}"
        data.append((name, *(value for pair in zip(theirs, ours, strict=True) for value in pair)))
        if comparable:
            pairs = [
                (formats.metric(t), formats.metric(o)) for t, o in zip(theirs, ours, strict=True)
            ]
        else:
            pairs = [
                (formats.change(t / theirs[0] - 1), formats.change(o / ours[0] - 1 if o is not None else None))
                for t, o in zip(theirs[1:], ours[1:], strict=True)
            ]  # fmt: skip
        rows.append([name, *(cell for pair in pairs for cell in pair)])
    shown = published.PARTS if comparable else published.PARTS[1:]
    names = {"floor": "No content", "curated": "Curated tags", "llm": "LLM features"}
    header = [f"{names[p]}, {who}" for p in shown for who in ("published", "here")]
    table = Table(
        "published",
        "The published study beside this run, both with seen items as candidates, as it counted."
        if comparable
        else "Change over the floor: the published study (MovieLens 32M, 9,375 films) and this "
        "run, both with seen items as candidates where we have it, as the study counted.",
        ["", *header],
        rows,
        pl.DataFrame(
            data,
            schema=[
                "measure",
                *(f"{p}_{w}" for p in published.PARTS for w in ("published", "here")),
            ],
            orient="row",
            infer_schema_length=None,
        ),
    )
    if comparable:
        return [table]
    return [
        Paragraph(
            f"Absolute values cannot be set beside the published ones: this corpus has "
            f"{formats.count(n_items)} items and {formats.count(n_examples)} test examples, "  # type: ignore[arg-type]
            f"the study's had {published.N_ITEMS:,} and {published.N_EXAMPLES:,}, and it chose its "
            "checkpoint on the users it reported. Only the direction and the size relative to the "
            "floor can be compared.",
            "note",
        ),
        table,
    ]


def _like_published(
    inputs: Inputs, arm: str | None, metric: str, k: int | None, slice_: str
) -> float | None:
    with_seen = inputs.mean(arm, f"{metric}_with_seen", k, slice_)
    return with_seen if with_seen is not None else inputs.mean(arm, metric, k, slice_)
