"""New items: who finds them, how fast the ids catch up, and what content neighbours are worth."""

from collections.abc import Mapping

import polars as pl

from recfeat_pipeline.evaluation.metrics import headline
from recfeat_pipeline.report import figures, formats
from recfeat_pipeline.report.blocks import Block, Chart, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.worth import significant

_TITLE = "New items"
_AMONG = {"all": "", "new": " among new items"}


def cold(inputs: Inputs) -> Section:
    """Items without any training interaction, the warm-up curve, neighbour seeding."""
    blocks: list[Block] = []
    ranked = _of_shared_seeds(inputs.cold)
    new = ranked.filter(n_train=0)
    if new.is_empty():
        blocks.append(
            Paragraph(
                "No items were held back in this run: `recfeat run --cold-start` trains each arm "
                "once more without them.",
                "missing",
            )
        )
    else:
        blocks += [
            Paragraph(
                "A fifth of the items was held back and each arm trained again without them: half "
                "lost every training interaction (new items), the others all but a few. Ranked "
                "are the held-out users' real choices among them, against every unseen item and "
                "against the new ones alone."
            ),
            _table(inputs, new),
            Paragraph(
                "An arm without content cannot tell new items apart: they tie, at their mean rank, "
                "which gives a lower MRR than a random order. Random features are the random "
                "order, and the control to hold content against.",
                "note",
            ),
        ]
        contrasts = _contrasts(inputs)
        if contrasts.height:
            blocks.append(_contrast_table(inputs, contrasts))
        warm = ranked.filter(pl.col("k").is_null(), candidates="all", metric="mrr").with_columns(
            slice=pl.col("n_train").cast(pl.String)
        )
        counts = warm["n_train"].unique().sort()
        main = warm.filter(pl.col("arm").is_in([*inputs.roles.main, *inputs.roles.controls]))
        if main.height and len(counts) > 1:
            labels = {str(n): "none" if n == 0 else str(n) for n in counts}
            title = "MRR of items by the training interactions left to them"
            drawn = figures.metric_by_slice(main, inputs.roles, labels, "warm_up", title)
            blocks += [Chart(drawn), _warm_up_table(inputs, warm, labels)]
            blocks.append(
                Paragraph(
                    "An id learnt from a few interactions mostly says that the item is rare: the "
                    "softmax over the catalogue has pushed it down at every step. Arms that treat "
                    "rare items as new know those with fewer than a third of the mean item's "
                    "interactions by content alone; up to there, ids have caught up where such an "
                    "arm's value is no higher than its plain arm's. "
                    "The items held back are as popular as any, so this is the curve of an item "
                    "that will be wanted, not of one that nobody wants.",
                    "note",
                )
            )
    near = inputs.neighbours.filter(pl.col("arm").is_in(inputs.roles.compared))
    if near.height:
        blocks.append(_neighbour_table(inputs, near))
    return Section("cold", _TITLE, blocks)


def _of_shared_seeds(cold: pl.DataFrame) -> pl.DataFrame:
    """The seeds that every arm has, if any: each holds other items back."""
    n_arms = cold["arm"].n_unique()
    shared = cold.group_by("seed").agg(pl.col("arm").n_unique()).filter(arm=n_arms)["seed"]
    return cold.filter(pl.col("seed").is_in(shared.implode())) if len(shared) else cold


def _table(inputs: Inputs, new: pl.DataFrame) -> Table:
    averaged = new.group_by("arm", "candidates", "metric", "k").agg(pl.col("value").mean())
    means = {row[:-1]: row[-1] for row in averaged.iter_rows()}
    arms = [arm for arm in inputs.roles.order if arm in new["arm"]]
    columns = [("all", measure) for measure in headline()] + [("new", headline()[0])]
    n, seeds = new["n"].max(), new["seed"].n_unique()
    return Table(
        "cold",
        f"Choices of new items, means over {formats.plural(seeds, 'seed')}, at most "
        f"{formats.count(n)} choices a seed.",
        ["Arm", *(measure.label + _AMONG[candidates] for candidates, measure in columns)],
        [
            [
                inputs.roles.name(arm),
                *(
                    formats.metric(means.get((arm, candidates, measure.name, measure.k)))
                    for candidates, measure in columns
                ),
            ]
            for arm in arms
        ],
        new,
        strong_rows=frozenset(i for i, arm in enumerate(arms) if arm == inputs.roles.llm),
    )


def _warm_up_table(inputs: Inputs, warm: pl.DataFrame, labels: Mapping[str, str]) -> Table:
    """A row per arm, a column per number of interactions left."""
    averaged = warm.group_by("arm", "slice").agg(pl.col("value").mean())
    means = {row[:-1]: row[-1] for row in averaged.iter_rows()}
    other_ways = [arm for arm in inputs.roles.order if inputs.roles.section(arm) == "training"]
    plain = [*inputs.roles.main, *inputs.roles.controls]
    tested = inputs.cold_contrasts.filter(
        pl.col("arm").is_in(other_ways), pl.col("reference").is_in(plain), pl.col("k").is_null(),
        candidates="all", metric="mrr",
    )  # fmt: skip
    signs = {
        (row["arm"], str(row["n_train"])): " ↑" if row["delta"] > 0 else " ↓"
        for row in tested.iter_rows(named=True)
        if significant(row)
    }
    arms = [arm for arm in inputs.roles.order if arm in warm["arm"]]
    return Table(
        "warm_up",
        "MRR of items by the training interactions left to them, among all items. ↑ and ↓: another "
        "way of training is better or worse than its plain arm, after correction.",
        ["Arm", *labels.values()],
        [
            [
                inputs.roles.name(arm),
                *(formats.metric(means.get((arm, n))) + signs.get((arm, n), "") for n in labels),
            ]
            for arm in arms
        ],
        warm.drop("slice"),
    )


def _contrasts(inputs: Inputs) -> pl.DataFrame:
    """Of new items among all, MRR, within the comparison."""
    shown = inputs.roles.compared
    return inputs.cold_contrasts.filter(
        pl.col("arm").is_in(shown), pl.col("reference").is_in(shown), pl.col("k").is_null(),
        n_train=0, candidates="all", metric="mrr",
    )  # fmt: skip


def _contrast_table(inputs: Inputs, rows: pl.DataFrame) -> Table:
    return Table(
        "cold_contrasts",
        "Differences of MRR on new items, paired over "
        f"{formats.plural(rows['n_seeds'].max(), 'seed')}, each with other items held back; users "
        "are the unit.",
        ["Contrast", "Difference", "95 % interval", "p", "p, corrected"],
        [
            [
                f"{inputs.roles.name(row['arm'])} − {inputs.roles.name(row['reference'])}",
                formats.signed(row["delta"]),
                formats.interval(row["ci_low"], row["ci_high"]),
                formats.p_value(row["p_value"]),
                formats.p_value(row["p_adjusted"]),
            ]
            for row in rows.iter_rows(named=True)
        ],
        rows,
    )


def _neighbour_table(inputs: Inputs, near: pl.DataFrame) -> Table:
    rows = near.sort("overlap", descending=True)
    expected = formats.percent(rows["expected"].max())
    k = formats.count(rows["k"].max())
    return Table(
        "neighbours",
        f"Neighbour seeding: the share of an item's {k} nearest by content that are among its {k} "
        f"nearest by the users they share, over items whose users are known; {expected} by chance.",
        ["Content of", "Share", "95 % interval", "Items"],
        [
            [
                inputs.roles.name(row["arm"]),
                formats.percent(row["overlap"]),
                f"[{formats.percent(row['ci_low'])}, {formats.percent(row['ci_high'])}]",
                formats.count(row["n_items"]),
            ]
            for row in rows.iter_rows(named=True)
        ],
        rows,
    )
