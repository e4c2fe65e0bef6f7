"""Which differences hold: contrasts with intervals, equivalence, the substitution ladder."""

import polars as pl

from recfeat_pipeline.report import figures, formats, published
from recfeat_pipeline.report.blocks import Block, Chart, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.worth import significant


def differences(inputs: Inputs) -> Section:
    """The forest plot and its table, then the ladder where rich arms were run."""
    blocks: list[Block] = []
    rows = inputs.main_contrasts("mrr")
    if rows.is_empty():
        blocks.append(
            Paragraph(
                "No intervals have been computed yet: differences between arms in this report are "
                "point estimates and should not be read as findings.",
                "missing",
            )
        )
    else:
        blocks += [
            Chart(figures.forest(rows, inputs.roles)),
            _table(inputs, rows),
            Paragraph(
                "The user is the unit; arms are paired by user and seed. An interval that holds "
                "zero does not show that there is no difference; a small p of equivalence does: "
                "then the arms differ by less than the margin.",
                "note",
            ),
        ]
    ladder = inputs.ladder.drop_nulls("delta")
    if ladder.height:
        of_each = ", ".join(
            f"{inputs.roles.name(getattr(inputs.roles, part) or part)} {formats.signed(delta)}"
            for part, delta in published.LADDER.items()
        )
        theirs = f" Published: {of_each}." if inputs.are_films else ""
        blocks += [
            Chart(figures.substitution_ladder(ladder, inputs.roles)),
            Paragraph(
                "The nearer to zero, the better the content stands in for handmade metadata."
                + theirs,
                "note",
            ),
        ]
    return Section("differences", "Which differences hold", blocks)


def _table(inputs: Inputs, rows: pl.DataFrame) -> Table:
    """Every main contrast on the whole corpus, and the one that matters on every slice."""
    roles = inputs.roles
    every = inputs.contrasts_of("mrr")
    central = every.filter(
        pl.col("arm").eq_missing(roles.llm),
        pl.col("reference").eq_missing(roles.floor),
        pl.col("slice") != "all",
    )
    shown = pl.concat([rows, central])
    header = ["Contrast", "Slice", "Change", "95 % interval", "p", "p, corrected"]
    equivalence = shown["p_equivalent"].is_not_null().any()
    lines = [
        [
            f"{roles.name(row['arm'])} − {roles.name(row['reference'])}",
            row["slice"],
            formats.change(row["change"]),
            formats.interval(row["change_low"], row["change_high"], of_change=True),
            formats.p_value(row["p_value"]),
            formats.p_value(row["p_adjusted"]),
            *([formats.p_value(row["p_equivalent"])] if equivalence else []),
        ]
        for row in shown.iter_rows(named=True)
    ]
    seeds = formats.plural(rows["n_seeds"].max(), "seed")
    users = formats.plural(rows["n_users"].max(), "held-out user")
    return Table(
        "contrasts",
        f"{seeds}, {users}. Changes are relative to the second arm of a line. Bold: the interval "
        "excludes zero, and still does after correction for the number of contrasts.",
        [*header, "p, equivalent"] if equivalence else header,
        lines,
        every,
        text_columns=frozenset({1}),
        strong_rows=frozenset(
            i for i, row in enumerate(shown.iter_rows(named=True)) if significant(row)
        ),
    )
