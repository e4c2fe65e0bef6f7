"""Hit rate, which with one relevant item an example is recall."""

from recfeat_pipeline.evaluation.metric import Metric

metric = Metric(
    label="Hit",
    meaning="Share of examples whose item is within the cut-off, which is recall.",
    order=3,
    cutoffs=(1, 5, 10, 20, 50, 100, 250),
    headline=(10, 50),
    formula=lambda ranks, k: (ranks <= k).astype(float),
    sql="({rank} <= {k})::INTEGER",
)
