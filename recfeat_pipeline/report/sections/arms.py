"""The arms: what each model sees, how large it is, how it was trained."""

import polars as pl

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.blocks import Block, Bullets, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs


def arms(inputs: Inputs) -> Section:
    """A table of the arms that ran, and the reasons of those that did not."""
    blocks: list[Block] = []
    if inputs.runs.is_empty():
        blocks.append(Paragraph("The store has no record of a trained arm.", "missing"))
    else:
        blocks.append(_table(inputs))
        if inputs.provenance.chosen:
            blocks.append(_chosen(inputs))
    skipped = inputs.provenance.skipped_arms
    if skipped:
        blocks.append(Paragraph("Not run, and why:"))
        blocks.append(
            Bullets(
                [f"{inputs.roles.name(arm)}: {reason}" for arm, reason in sorted(skipped.items())]
            )
        )
    return Section("arms", "The arms", blocks)


def _table(inputs: Inputs) -> Table:
    runs = inputs.runs.group_by("arm").agg(
        pl.col("seed").n_unique().alias("seeds"),
        pl.col("n_parameters", "content_width", "content_coverage", "steps").max(),
        pl.col("best_step", "seconds").median(),
    )
    order = {arm: position for position, arm in enumerate(inputs.roles.order)}
    runs = runs.sort(pl.col("arm").replace_strict(order, default=len(order)), "arm")
    return Table(
        "arms",
        "Models of a family are identical but for the content slot; every seed gives all of its "
        "arms the same minibatches in the same order.",
        ["Arm", "Content columns", "Items covered", "Parameters", "Seeds", "Steps", "Best step",
         "Time per seed"],
        [
            [
                inputs.roles.name(row["arm"]) + _mark(inputs, row["arm"]),
                formats.count(row["content_width"]) if row["content_width"] else formats.MISSING,
                formats.percent(row["content_coverage"], 0)
                if row["content_width"]
                else formats.MISSING,
                formats.count(row["n_parameters"]) if row["n_parameters"] else formats.MISSING,
                formats.count(row["seeds"]),
                formats.count(row["steps"]) if row["steps"] else formats.MISSING,
                formats.count(row["best_step"]) if row["steps"] else formats.MISSING,
                formats.duration(row["seconds"]),
            ]
            for row in runs.iter_rows(named=True)
        ],
        inputs.runs,
    )  # fmt: skip


def _mark(inputs: Inputs, arm: str) -> str:
    seeds = inputs.provenance.stale.get(arm, [])
    return f" (stale: seed {', '.join(map(str, seeds))})" if seeds else ""


def _chosen(inputs: Inputs) -> Table:
    lines = [
        (inputs.roles.name(one.arm), one.by, ", ".join(f"{k} {v}" for k, v in one.settings.items()))
        for one in inputs.provenance.chosen
    ]
    return Table(
        "chosen",
        "Settings chosen on validation examples, where they differ from what ships: by a search "
        "(`--tune`), which offers every arm the same candidates, or by the family as it was "
        "fitted. All other settings are those of the arm's file.",
        ["Arm", "Chosen by", "Settings"],
        lines,
        pl.DataFrame(lines, schema=["arm", "by", "settings"], orient="row"),
        text_columns=frozenset({1, 2}),
    )
