"""The metric table that a run ends with."""

from recfeat_pipeline.commands.output import table
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import open_store

# The corpus with the most examples is the one that headlines are about.
METRICS = """
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
WHERE slice = 'all' AND corpus = (
    SELECT corpus FROM metrics.ranking WHERE slice = 'all'
    GROUP BY corpus ORDER BY max(n) DESC, corpus LIMIT 1
)
GROUP BY ranking.arm
ORDER BY mrr
"""


def print_metrics(lake: Lake) -> None:
    """One row per arm: mean over seeds on the held-out examples, seen items masked."""
    with open_store(lake.feature_store) as store:
        rows = store.execute(METRICS).fetchall()
    columns = dict.fromkeys(("arm", ""), "left") | dict.fromkeys(
        ("seeds", "Hit@10", "Hit@50", "NDCG@10", "MRR", "± seeds"), "right"
    )
    cells = [
        [arm, label or "", seeds, *(f"{value:.4f}" for value in values), _spread(spread)]
        for arm, label, seeds, *values, spread, _ in rows
    ]
    n_examples = rows[0][-1] if rows else 0
    table(columns, cells, title=f"{n_examples:,} held-out examples, mean over seeds")


def _spread(deviation: float | None) -> str:
    return f"{deviation:.4f}" if deviation else "–"
