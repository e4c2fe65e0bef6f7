"""Whether the features say what people say."""

from collections.abc import Mapping

import polars as pl

from recfeat_pipeline.report import figures, formats, published
from recfeat_pipeline.report.blocks import Block, Chart, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs


def agreement(inputs: Inputs) -> Section:
    """Histogram, best and worst dimensions, and means per group beside the published ones."""
    rows = inputs.own_agreement.filter(pl.col("pearson_r").is_finite())
    title = "Do the features agree with people?"
    if rows.height < 2:
        why = "the catalogue has no curated tags that overlap with the taxonomy"
        return Section("agreement", title, [Paragraph(f"Not measured: {why}.", "missing")])
    r = rows["pearson_r"]
    ours = f"mean {formats.correlation(r.mean())}, median {formats.correlation(r.median())}"
    items = formats.count(rows["n_items"].max())
    scored = inputs.taxonomies.filter(version=rows["version"][0])["taxonomy"].to_list()
    like_published = scored == [published.TAXONOMY]
    theirs = (
        f" Published, against the tag genome: {published.AGREEMENT_AT_HALF} of "
        f"{published.N_DIMENSIONS} (mean {formats.correlation(published.AGREEMENT_MEAN)}, "
        f"median {formats.correlation(published.AGREEMENT_MEDIAN)})."
    )
    blocks: list[Block] = [
        Paragraph(
            "Each dimension was correlated with the curated tags it stands for, over "
            f"{items} items. Of {rows.height} dimensions {(r >= 0.5).sum()} reach .5 ({ours})."
            + (theirs if like_published else "")
        ),
        Chart(figures.agreement_histogram(rows)),
        Chart(figures.best_and_worst(rows)),
        _groups(rows, published.AGREEMENT_BY_GROUP if like_published else {}),
    ]
    return Section("agreement", title, blocks)


def _groups(rows: pl.DataFrame, theirs: Mapping[str, float]) -> Table:
    groups = (
        rows.group_by("group")
        .agg(pl.col("pearson_r").mean(), pl.len().alias("dimensions"))
        .sort("pearson_r", descending=True)
    )
    return Table(
        "agreement_groups",
        "Mean correlation by group of dimensions.",
        ["Group", "Dimensions", "Mean r", "Published"],
        [
            [
                formats.words(group),
                formats.count(n),
                formats.correlation(r),
                formats.correlation(theirs.get(group)),
            ]
            for group, r, n in groups.iter_rows()
        ],
        rows,
    )
