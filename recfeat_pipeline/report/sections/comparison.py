"""The published study's metrics beside ours: absolute on its corpus, relative on any other."""

from collections.abc import Mapping

import polars as pl

from recfeat_pipeline.evaluation.metrics import measure
from recfeat_pipeline.report import formats, published
from recfeat_pipeline.report.blocks import Block, Paragraph, Table
from recfeat_pipeline.report.inputs import Inputs

_PARTS = {"floor": "No content", "curated": "Curated tags", "llm": "LLM features"}

Values = tuple[float | None, ...]


def beside_published(inputs: Inputs) -> list[Block]:
    """A table, and on another corpus the reason why only changes over the floor are compared.

    Nothing when the items are no films.
    """
    if not inputs.are_films:
        return []
    arms = [inputs.roles.study.get(part) for part in published.PARTS]
    measured = {
        measure: (theirs, tuple(_as_published(inputs, arm, *measure) for arm in arms))
        for measure, theirs in published.RANKING.items()
    }
    measured = {m: pair for m, pair in measured.items() if pair[1][0] and any(pair[1][1:])}
    if not any(slice_ == "HEAD" for _, _, slice_ in measured):
        measured.pop(("mrr", None, "TAIL"), None)  # it is everything
    if not measured:
        return []
    n_items = inputs.items["n_corpus"][0] if inputs.items.height else None
    n_examples = inputs.metric("mrr")["n"].max()
    if (n_items, n_examples) == (published.N_ITEMS, published.N_EXAMPLES):
        caption = "The published study beside this run, as it counted: seen items are candidates."
        return [_table(inputs, measured, caption)]
    relative = {m: (_changes(theirs), _changes(ours)) for m, (theirs, ours) in measured.items()}
    return [
        Paragraph(
            "Absolute values cannot be set beside the published ones: this corpus has "
            f"{formats.count(n_items)} items and {formats.count(n_examples)} held-out examples, "
            f"the study's {published.N_ITEMS:,} and {published.N_EXAMPLES:,}, and it chose its "
            "checkpoint on the users it reported. What can be compared is the change over the "
            "floor.",
            "note",
        ),
        _table(
            inputs,
            relative,
            "Change over the floor, in the published study (MovieLens 32M) and in this run, as it "
            "counted: seen items are candidates.",
            of_change=True,
        ),
    ]


def _as_published(
    inputs: Inputs, arm: str | None, metric: str, k: int | None, slice_: str
) -> float | None:
    with_seen = inputs.mean(arm, f"{metric}_with_seen", k, slice_)
    return with_seen if with_seen is not None else inputs.mean(arm, metric, k, slice_)


def _changes(values: Values) -> Values:
    """Relative to the first, which is left out."""
    floor = values[0] or 1.0
    return tuple(value and value / floor - 1 for value in values[1:])


def _table(
    inputs: Inputs,
    measured: Mapping[tuple[str, int | None, str], tuple[Values, Values]],
    caption: str,
    *,
    of_change: bool = False,
) -> Table:
    write = formats.change if of_change else formats.metric
    parts = published.PARTS[1:] if of_change else published.PARTS
    names = []
    for metric, k, slice_ in measured:
        names.append(measure(metric, k).label + ("" if slice_ == "all" else f", {slice_}"))
    cells = [
        [value for pair in zip(theirs, ours, strict=True) for value in pair]
        for theirs, ours in measured.values()
    ]
    header = ["Measure"]
    for part in parts:
        arm = inputs.roles.study.get(part)
        header += [f"{_PARTS[part]}, published", f"{inputs.roles.name(arm or part)}, here"]
    columns = [f"{part}_{who}" for part in parts for who in ("published", "here")]
    return Table(
        "published",
        caption,
        header,
        [[name, *map(write, row)] for name, row in zip(names, cells, strict=True)],
        pl.DataFrame(cells, schema=dict.fromkeys(columns, pl.Float64), orient="row").insert_column(
            0, pl.Series("measure", names)
        ),
    )
