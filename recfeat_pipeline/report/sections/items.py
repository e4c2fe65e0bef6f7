"""What single items look like: fingerprints, and recommendations for made-up people."""

from collections.abc import Iterator

import polars as pl

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.blocks import (
    Block,
    Fingerprint,
    Fingerprints,
    Paragraph,
    Section,
    Table,
)
from recfeat_pipeline.report.inputs import Inputs

_PER_GROUP = 4


def fingerprints(inputs: Inputs) -> Section:
    """The strongest dimensions of the most popular items."""
    rows = inputs.fingerprints
    if rows.is_empty():
        text = "No item has been scored yet."
        return Section("fingerprints", "Fingerprints", [Paragraph(text, "missing")])
    prints = []
    for (_, title), own in rows.group_by("item_id", "title", maintain_order=True):
        groups = [
            (
                formats.words(str(group)),
                [
                    (formats.words(dimension), score)
                    for dimension, score in part.head(_PER_GROUP)
                    .select("dimension", "score")
                    .iter_rows()
                ],
            )
            for (group,), part in own.group_by("group", maintain_order=True)
        ]
        prints.append(Fingerprint(str(title), groups))
    lead = "The strongest scores of the most popular items, so that you can judge by eye."
    return Section("fingerprints", "Fingerprints", [Paragraph(lead), Fingerprints(prints)])


def canaries(inputs: Inputs) -> Section | None:
    """Lists side by side: for made-up people, and what is alike; left out when there are none."""
    if inputs.canaries.is_empty():
        return None
    people = inputs.canaries.filter(kind="persona")
    alike = inputs.canaries.filter(kind="similar")
    blocks: list[Block] = [
        Paragraph("Made-up people with known tastes, and what each arm would show them."),
        *_lists(inputs, people, "canary", ""),
    ]
    if alike.height:
        blocks.append(Paragraph("What each arm holds to be nearest to an item."))
        blocks += _lists(inputs, alike, "similar", "Nearest to ")
    return Section("canaries", "Canaries", blocks)


def _lists(inputs: Inputs, rows: pl.DataFrame, table: str, before: str) -> Iterator[Table]:
    """A table for each list, an arm in each column."""
    for number, ((name,), own) in enumerate(rows.group_by("name", maintain_order=True)):
        arms = [arm for arm in inputs.roles.order if arm in own["arm"]]
        by_arm = {arm: own.filter(arm=arm).sort("position")["title"].to_list() for arm in arms}
        depth = max(len(titles) for titles in by_arm.values()) if by_arm else 0
        yield Table(
            f"{table}_{number}",
            f"{before}{name}.",
            ["Place", *(inputs.roles.name(arm) for arm in arms)],
            [
                [str(place + 1), *((*by_arm[arm], *[""] * depth)[place] for arm in arms)]
                for place in range(depth)
            ],
            own,
            text_columns=frozenset(range(1, len(arms) + 1)),
        )
