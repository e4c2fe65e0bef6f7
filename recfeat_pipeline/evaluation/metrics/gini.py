"""Gini coefficient of how often each item is shown."""

from recfeat_pipeline.evaluation.lists import gini
from recfeat_pipeline.evaluation.metric import ListMetric

metric = ListMetric(
    label="Gini",
    meaning="How unevenly items are shown: 0 all alike, near 1 a few alone.",
    order=2,
    cutoffs=(10, 50),
    headline=10,
    formula=gini,
)
