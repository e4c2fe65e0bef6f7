"""Intra-list similarity."""

from recfeat_pipeline.evaluation.lists import similarity
from recfeat_pipeline.evaluation.metric import ListMetric

metric = ListMetric(
    label="Similarity",
    meaning="Mean cosine of a list's pairs by who took both in training.",
    order=4,
    cutoffs=(10, 50),
    headline=10,
    formula=similarity,
)
