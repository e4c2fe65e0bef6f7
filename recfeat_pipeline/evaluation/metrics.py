"""The one list of metrics: name, cut-offs, formula in NumPy and in SQL, and where it is shown.

``metrics.ranking``, ``metrics.cold_start``, the contrasts, the report and the terminal are all made
from it: a new metric is one entry here. Every example has one relevant item, so that a hit rate is
a recall, and NDCG has an ideal of 1. A rank is 1 or more, 1 is best.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.evaluation import lists

Cutoff = int | None
"""Places that count; None: all of them."""
UNCUT = 2**31 - 1
"""No rank is beyond it."""


@dataclass(frozen=True)
class Metric:
    """A mean over examples of a function of the target's rank.

    ``formula`` maps (ranks [...], k) to values [...]; ``sql`` is the same as an expression over
    ``{rank}`` and ``{k}``. A formula without a cut-off is asked with k = :data:`UNCUT`.
    """

    name: str  # in the column ``metric``
    label: str  # for people
    meaning: str
    cutoffs: tuple[Cutoff, ...]  # all that are computed
    headline: tuple[Cutoff, ...]  # those that are contrasted, and stand in tables for people
    formula: Callable[[np.ndarray, int], np.ndarray]
    sql: str


@dataclass(frozen=True)
class Measure:
    """A metric at a cut-off."""

    metric: Metric
    k: Cutoff

    @property
    def name(self) -> str:
        """The metric's."""
        return self.metric.name

    @property
    def key(self) -> str:
        """``ndcg@10``, ``mrr@``: name and cut-off in one."""
        return f"{self.name}@{self.k or ''}"

    @property
    def label(self) -> str:
        """``NDCG@10``, ``MRR``."""
        return f"{self.metric.label}@{self.k}" if self.k else self.metric.label

    def values(self, ranks: np.ndarray) -> np.ndarray:
        """The value of every rank."""
        return self.metric.formula(ranks, self.k or UNCUT)

    def sql(self, rank: str) -> str:
        """The value of a rank, as an SQL expression over the column ``rank``."""
        return self.metric.sql.format(rank=rank, k=self.k or UNCUT)


METRICS = (
    Metric(
        "mrr",
        "MRR",
        "Mean reciprocal rank; beyond the cut-off 0.",
        cutoffs=(None, 10, 50),
        headline=(None,),
        formula=lambda ranks, k: np.where(ranks <= k, 1 / ranks, 0.0),
        sql="CASE WHEN {rank} <= {k} THEN 1 / {rank} ELSE 0 END",
    ),
    Metric(
        "ndcg",
        "NDCG",
        "Normalised discounted cumulative gain: 1 / log2(1 + rank), beyond the cut-off 0.",
        cutoffs=(5, 10, 20, 50),
        headline=(10,),
        formula=lambda ranks, k: np.where(ranks <= k, 1 / np.log2(ranks + 1.0), 0.0),
        sql="CASE WHEN {rank} <= {k} THEN 1 / log2({rank} + 1) ELSE 0 END",
    ),
    Metric(
        "hit_rate",
        "Hit",
        "Share of examples whose item is within the cut-off, which is recall.",
        cutoffs=(1, 5, 10, 20, 50, 100, 250),
        headline=(10, 50),
        formula=lambda ranks, k: (ranks <= k).astype(float),
        sql="({rank} <= {k})::INTEGER",
    ),
)


@dataclass(frozen=True)
class ListMetric:
    """A figure of top-k lists, whoever the targets are, from ``metrics.lists``."""

    name: str
    label: str
    meaning: str
    cutoffs: tuple[int, ...]
    headline: int  # the cut-off in tables for people
    formula: Callable[[lists.Lists], float]


LIST_METRICS = (
    ListMetric(
        "coverage", "Coverage", "Share of the catalogue that any list shows.",
        (10, 50), 10, lists.coverage,
    ),
    ListMetric(
        "gini", "Gini", "How unevenly items are shown: 0 all alike, near 1 a few alone.",
        (10, 50), 10, lists.gini,
    ),
    ListMetric(
        "novelty", "Novelty", "Bits: -log2 of the share of training users who took the item.",
        (10, 50), 10, lists.novelty,
    ),
    ListMetric(
        "similarity", "Similarity", "Mean cosine of a list's pairs by who took both in training.",
        (10, 50), 10, lists.similarity,
    ),
)  # fmt: skip

MEASURES = tuple(Measure(metric, k) for metric in METRICS for k in metric.cutoffs)
"""Everything that is computed."""
HEADLINE = tuple(Measure(metric, k) for metric in METRICS for k in metric.headline)
"""What is contrasted, and shown to people, in this order."""


def measure(name: str, k: Cutoff = None) -> Measure:
    """The measure of that name and cut-off.

    Raises:
        RecfeatError: there is none.
    """
    for found in MEASURES:
        if (found.name, found.k) == (name, k):
            return found
    known = ", ".join(found.key.rstrip("@") for found in MEASURES)
    raise RecfeatError(
        f"There is no metric {name}{f'@{k}' if k else ''}; there are {known}. Metrics are listed "
        "in recfeat_pipeline/evaluation/metrics.py."
    )
