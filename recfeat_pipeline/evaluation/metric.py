"""What a metric is: a mean over ranks, or a figure of top-k lists.

Every example has one relevant item, so that a hit rate is a recall, and NDCG has an ideal of 1. A
rank is 1 or more, 1 is best.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recfeat_pipeline.evaluation.lists import Lists

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

    label: str  # for people
    meaning: str
    order: int  # in tables for people: the first leads
    cutoffs: tuple[Cutoff, ...]  # all that are computed
    headline: tuple[Cutoff, ...]  # those that are contrasted, and stand in tables for people
    formula: Callable[[np.ndarray, int], np.ndarray]
    sql: str


@dataclass(frozen=True)
class Measure:
    """A metric at a cut-off."""

    name: str  # the metric's
    metric: Metric
    k: Cutoff

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


@dataclass(frozen=True)
class ListMetric:
    """A figure of top-k lists, whoever the targets are, from ``metrics.lists``."""

    label: str
    meaning: str
    order: int
    cutoffs: tuple[int, ...]
    headline: int  # the cut-off in tables for people
    formula: Callable[[Lists], float]
