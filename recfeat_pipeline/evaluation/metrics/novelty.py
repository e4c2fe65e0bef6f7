"""Novelty: the mean self-information of the items shown."""

from recfeat_pipeline.evaluation.lists import novelty
from recfeat_pipeline.evaluation.metric import ListMetric

metric = ListMetric(
    label="Novelty",
    meaning="Bits: -log2 of the share of training users who took the item.",
    order=3,
    cutoffs=(10, 50),
    headline=10,
    formula=novelty,
)
