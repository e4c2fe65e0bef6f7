"""Which differences hold: contrasts with intervals, equivalence, the substitution ladder."""

import polars as pl

from recfeat_pipeline.report import figures, formats, published
from recfeat_pipeline.report.blocks import Block, Chart, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.verdict import significant


def differences(inputs: Inputs) -> Section:
    """The forest plot and its table, then the ladder where rich arms were run."""
    blocks: list[Block] = []
    rows = inputs.main_contrasts.filter(metric="mrr").drop_nulls("delta")
    if rows.is_empty():
        blocks.append(
            Paragraph(
                "No intervals have been computed yet: differences between arms in this report are "
                "point estimates and should not be read as findings.",
                "missing",
            )
        )
    else:
        whole = rows.filter(slice="all")
        if whole.height:
            blocks.append(Chart(figures.forest(whole, inputs.roles)))
        blocks.append(_table(inputs, rows))
        blocks.append(
            Paragraph(
                "The user is the unit, paired by seed. An interval that holds zero is compatible "
                "with no difference; it does not show that there is none, unless the equivalence "
                "column says so.",
                "note",
            )
        )
    ladder = inputs.ladder.drop_nulls("delta")
    if ladder.height:
        blocks.append(Chart(figures.substitution_ladder(ladder)))
        listing = ", ".join(
            f"{arm} {formats.signed(delta)}" for arm, delta in published.LADDER.items()
        )
        blocks.append(
            Paragraph(
                "Nearer to zero: the content stands in for handmade metadata. The published "
                f"study found {listing}.",
                "note",
            )
        )
    return Section("differences", "Which differences hold", blocks)


def _table(inputs: Inputs, rows: pl.DataFrame) -> Table:
    equivalence = rows["p_equivalence"].is_not_null().any()
    header = ["Contrast", "Slice", "Difference in MRR", "95 % interval", "p", "p, corrected"]
    lines = []
    for row in rows.iter_rows(named=True):
        line = [
            f"{inputs.roles.name(row['arm'])} − {inputs.roles.name(row['baseline'])}",
            row["slice"],
            formats.signed(row["delta"]),
            formats.interval(row["ci_low"], row["ci_high"]),
            formats.p_value(row["p_value"]),
            formats.p_value(row["p_adjusted"]),
        ]
        lines.append([*line, formats.p_value(row["p_equivalence"])] if equivalence else line)
    seeds, users = rows["n_seeds"].max(), rows["n_users"].max()
    size = f"{formats.plain(seeds)} seed(s), {formats.plain(users)} test users. "
    return Table(
        "contrasts",
        size + "Bold: the interval excludes zero after correction for the number of contrasts.",
        [*header, "p, equivalence"] if equivalence else header,
        lines,
        rows,
        text_columns=frozenset({1}),
        strong_rows=frozenset(
            i for i, row in enumerate(rows.iter_rows(named=True)) if significant(row)
        ),
    )
