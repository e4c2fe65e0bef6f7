"""Catalogue coverage."""

from recfeat_pipeline.evaluation.lists import coverage
from recfeat_pipeline.evaluation.metric import ListMetric

metric = ListMetric(
    label="Coverage",
    meaning="Share of the catalogue that any list shows.",
    order=1,
    cutoffs=(10, 50),
    headline=10,
    formula=coverage,
)
