"""Mean reciprocal rank."""

import numpy as np

from recfeat_pipeline.evaluation.metric import Metric

metric = Metric(
    label="MRR",
    meaning="Mean reciprocal rank; beyond the cut-off 0.",
    order=1,
    cutoffs=(None, 10, 50),
    headline=(None,),
    formula=lambda ranks, k: np.where(ranks <= k, 1 / ranks, 0.0),
    sql="CASE WHEN {rank} <= {k} THEN 1 / {rank} ELSE 0 END",
)
