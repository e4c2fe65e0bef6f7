"""Do the features say what people say?"""

import polars as pl

from recfeat_pipeline.report import figures, formats, published
from recfeat_pipeline.report.blocks import Block, Chart, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs


def agreement(inputs: Inputs) -> Section:
    """Histogram, best and worst dimensions, and means per group beside the published ones."""
    rows = _own_version(inputs).filter(pl.col("pearson_r").is_finite())
    title = "Do the features agree with people?"
    if rows.height < 2:
        why = "the catalogue has no curated tags that overlap with the taxonomy"
        return Section("agreement", title, [Paragraph(f"Not measured: {why}.", "missing")])
    r = rows["pearson_r"]
    items = rows["n_items"].drop_nulls()
    blocks: list[Block] = [
        Paragraph(
            f"Each dimension was compared with the curated tags it stands for. Over "
            f"{rows.height} dimensions the mean correlation is {r.mean():.2f} and the median "
            f"{r.median():.2f}; {int((r >= 0.5).sum())} reach .5. The published study found a mean "
            f"of {published.AGREEMENT_MEAN:.2f}, a median of {published.AGREEMENT_MEDIAN:.2f} and "
            f"{published.AGREEMENT_AT_HALF} of {published.N_DIMENSIONS} at .5 or more, against the "
            "tag genome."
            + (f" Items compared: {formats.count(items.max())} at most." if items.len() else "")  # type: ignore[arg-type]
        ),
        Chart(figures.agreement_histogram(rows)),
        Chart(figures.best_and_worst(rows)),
        _groups(rows),
    ]
    return Section("agreement", title, blocks)


def _own_version(inputs: Inputs) -> pl.DataFrame:
    """Rows of the version the content arm used, else of the last version in name order."""
    own = inputs.agreement.filter(version=inputs.provenance.prompt_version)
    if own.height or inputs.agreement.is_empty():
        return own
    return inputs.agreement.filter(pl.col("version").eq_missing(inputs.agreement["version"].max()))


def _groups(rows: pl.DataFrame) -> Table:
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
                f"{r:.2f}",
                f"{published.AGREEMENT_BY_GROUP[group]:.2f}"
                if group in published.AGREEMENT_BY_GROUP
                else formats.MISSING,
            ]
            for group, r, n in groups.iter_rows()
        ],
        rows,
    )
