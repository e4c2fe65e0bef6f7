"""Normalised discounted cumulative gain (Järvelin and Kekäläinen, 2002)."""

import numpy as np

from recfeat_pipeline.evaluation.metric import Metric

metric = Metric(
    label="NDCG",
    meaning="Normalised discounted cumulative gain: 1 / log2(1 + rank), beyond the cut-off 0.",
    order=2,
    cutoffs=(5, 10, 20, 50),
    headline=(10,),
    formula=lambda ranks, k: np.where(ranks <= k, 1 / np.log2(ranks + 1.0), 0.0),
    sql="CASE WHEN {rank} <= {k} THEN 1 / log2({rank} + 1) ELSE 0 END",
)
