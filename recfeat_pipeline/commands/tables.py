"""Tables on the terminal."""

from rich.table import Table

from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import open_store

METRIC_TABLE = """
SELECT
    ranking.arm,
    any_value(runs.label) AS label,
    count(DISTINCT ranking.seed) AS seeds,
    avg(value) FILTER (metric = 'hit_rate' AND k = 10) AS hit_rate_10,
    avg(value) FILTER (metric = 'hit_rate' AND k = 50) AS hit_rate_50,
    avg(value) FILTER (metric = 'ndcg') AS ndcg_10,
    avg(value) FILTER (metric = 'mrr') AS mrr,
    stddev_samp(value) FILTER (metric = 'mrr') AS mrr_sd,
    max(n) AS n_examples
FROM metrics.ranking AS ranking
LEFT JOIN ops.runs AS runs USING (arm, seed)
WHERE slice = 'all'
GROUP BY ranking.arm
ORDER BY mrr
"""


def metric_table(lake: Lake) -> Table:
    """One row per arm: mean over seeds on the test examples, seen items masked."""
    with open_store(lake.feature_store) as store:
        rows = store.execute(METRIC_TABLE).fetchall()
    n_examples = rows[0][-1] if rows else 0
    table = Table(title=f"Test users, {n_examples:,} examples, mean over seeds", box=None)
    for name in ("arm", "", "seeds", "Hit@10", "Hit@50", "NDCG@10", "MRR", "± seeds"):
        table.add_column(name, justify="left" if name in ("arm", "") else "right")
    for arm, label, seeds, *values, spread, _ in rows:
        cells = [f"{value:.4f}" for value in values]
        table.add_row(arm, label or "", str(seeds), *cells, f"{spread:.4f}" if spread else "–")
    return table
