"""Whether the features say what people say."""

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
    like_published = inputs.are_films and scored == [published.TAXONOMY]
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
        *(Paragraph(circle, "note") for circle in inputs.provenance.circles),
        Chart(figures.agreement_histogram(rows)),
        Chart(figures.best_and_worst(rows)),
        _groups(inputs, rows, like_published),
    ]
    alike = inputs.version_agreement.filter(pl.col("dimension").is_null(), group="all")
    if alike.height:
        blocks.append(_versions(alike))
    return Section("agreement", title, blocks)


def _groups(inputs: Inputs, rows: pl.DataFrame, like_published: bool) -> Table:
    """Means over the dimensions, as far as they could be, and with popularity held fixed."""
    version = rows["version"][0]
    of_groups = inputs.intervals.filter(pl.col("dimension").is_null(), version=version)
    means = rows.group_by("group").agg(pl.col("pearson_r").mean(), n=pl.len())
    every = rows.select(group=pl.lit("all"), pearson_r=pl.col("pearson_r").mean(), n=pl.len())
    groups = pl.concat([every, means.sort("pearson_r", descending=True)], how="vertical_relaxed")
    groups = groups.join(of_groups.drop("pearson_r"), on="group", how="left", maintain_order="left")
    theirs = {**published.AGREEMENT_BY_GROUP, "all": published.AGREEMENT_MEAN}
    beside = ["Published r"] if like_published else []
    return Table(
        "agreement_groups",
        "Mean correlation by group of dimensions, with 95 % intervals over items. Without "
        "popularity: the partial correlation with log popularity held fixed. Ceiling: what the "
        "curated tags' own split-half reliability allows, where a dimension merges several.",
        ["Group", "Dimensions", "Mean r", "95 % interval", "Spearman", "Without popularity",
         "r with popularity", "Ceiling", *beside],
        [
            [
                formats.words(row["group"]),
                formats.count(row["n"]),
                formats.correlation(row["pearson_r"]),
                _ends(row["pearson_low"], row["pearson_high"]),
                *(formats.correlation(row[name])
                  for name in ("spearman_r", "partial_r", "popularity_r", "ceiling")),
                *(formats.correlation(theirs.get(row["group"])) for _ in beside),
            ]
            for row in groups.iter_rows(named=True)
        ],
        inputs.intervals.filter(version=version) if of_groups.height else rows,
    )  # fmt: skip


def _versions(rows: pl.DataFrame) -> Table:
    return Table(
        "version_agreement",
        "Version against version (another model, or another text): mean correlation of their "
        "scores over the items that both scored.",
        ["Versions", "Mean r", "95 % interval", "Items"],
        [
            [
                f"{row['version']} and {row['reference']}",
                formats.correlation(row["pearson_r"]),
                _ends(row["ci_low"], row["ci_high"]),
                formats.count(row["n_items"]),
            ]
            for row in rows.iter_rows(named=True)
        ],
        rows,
    )


def _ends(low: formats.Number, high: formats.Number) -> str:
    if low is None or high is None:
        return formats.MISSING
    return f"[{formats.correlation(low)}, {formats.correlation(high)}]"
