"""The metric table that a run ends with."""

import polars as pl

from recfeat_pipeline.commands.output import table
from recfeat_pipeline.evaluation.metrics import headline
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import open_store

METRICS = """
SELECT arm, runs.label, seed, metric, k, value, n
FROM metrics.ranking
LEFT JOIN ops.runs AS runs USING (arm, seed)
WHERE slice = 'all'
"""


def print_metrics(lake: Lake) -> None:
    """One row per arm: mean over seeds on the held-out examples, seen items masked."""
    with open_store(lake.feature_store) as store:
        rows = store.sql(METRICS).pl()
    first = headline()[0]
    measured = {
        measure: rows.filter(pl.col("k").eq_missing(measure.k), metric=measure.name)
        for measure in headline()
    }
    cells = []
    for (arm,), own in measured[first].group_by("arm"):
        means = [frame.filter(arm=arm)["value"].mean() for frame in measured.values()]
        spread = own["value"].std()
        cells.append(
            [arm, own["label"][0] or "", own["seed"].n_unique()]
            + [f"{mean:.4f}" for mean in means]
            + [f"{spread:.4f}" if spread else "–"]
        )
    cells.sort(key=lambda row: row[3])
    columns = dict.fromkeys(("arm", ""), "left") | dict.fromkeys(
        ("seeds", *(measure.label for measure in headline()), "± seeds"), "right"
    )
    n_examples = rows["n"].max() or 0
    table(columns, cells, title=f"{n_examples:,} held-out examples, mean over seeds")
