"""The metric table that a run ends with."""

from collections.abc import Collection

import polars as pl

from recfeat_pipeline.commands.output import hint, table
from recfeat_pipeline.evaluation.metrics import headline
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import open_store

METRICS = """
SELECT arm, runs.label, seed, metric, k, value, n
FROM metrics.ranking
LEFT JOIN ops.runs AS runs USING (arm, seed)
WHERE slice = 'all'
"""


REQUESTS = """
SELECT arm, base, asked, arm_value, delta, ci_low, ci_high, usd_per_1000, latency_p50_ms
FROM metrics.rerankers
JOIN metrics.request_contrasts AS moved USING (arm)
WHERE moved.reference = base AND slice = 'all' AND metric = 'mrr' AND k IS NULL
ORDER BY arm_value
"""


def print_requests(lake: Lake) -> None:
    """One row per arm that reorders: MRR over all requests, by a sample; nothing without any."""
    with open_store(lake) as store:
        rows = store.sql(REQUESTS).pl()
    if rows.is_empty():
        return
    cells = [
        [
            row["arm"], row["base"], f"{row['asked']:,}", f"{row['arm_value']:.4f}",
            f"{row['delta']:+.4f} [{row['ci_low']:+.4f}, {row['ci_high']:+.4f}]",
            "–" if row["usd_per_1000"] is None else f"${row['usd_per_1000']:.2f}",
            "–" if row["latency_p50_ms"] is None else f"{row['latency_p50_ms']:,.0f} ms",
        ]
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip
    columns = dict.fromkeys(("arm", "reorders"), "left") | dict.fromkeys(
        ("asked", "MRR", "less the base's", "$ per 1,000", "a call"), "right"
    )
    table(columns, cells, title="Another order for the best candidates, over all requests")


def print_left_out(lake: Lake, arms: Collection[str]) -> None:
    """The asked arms that could not be trained, by reason."""
    from recfeat_pipeline.defs.training.stored import skipped_arms

    by_reason: dict[str, list[str]] = {}
    for arm, reason in sorted(skipped_arms(lake).items()):
        if arm in arms:
            by_reason.setdefault(reason, []).append(arm)
    for reason, left_out in by_reason.items():
        hint(f"Left out: {', '.join(left_out)}. {reason}", style="yellow")


def print_metrics(lake: Lake) -> None:
    """One row per arm: mean over seeds on the held-out examples, seen items masked."""
    with open_store(lake) as store:
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
    cells.sort(key=lambda row: (row[3], row[0]))
    columns = dict.fromkeys(("arm", ""), "left") | dict.fromkeys(
        ("seeds", *(measure.label for measure in headline()), "± seeds"), "right"
    )
    n_examples = rows["n"].max() or 0
    table(columns, cells, title=f"{n_examples:,} held-out examples, mean over seeds")
