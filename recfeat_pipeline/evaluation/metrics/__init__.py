"""The one list of metrics: a file each, and being in the folder is being registered.

``metrics.ranking``, ``metrics.cold_start``, the contrasts, the report and the terminal are all made
from it. A user's own metric is a file in the folder ``metrics/`` of RECFEAT_ARMS. A module holds
one as ``metric``: a :class:`~recfeat_pipeline.evaluation.metric.Metric` or a
:class:`~recfeat_pipeline.evaluation.metric.ListMetric`; its name is the module's.
"""

from collections.abc import Mapping
from functools import cache

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.evaluation.metric import Cutoff, ListMetric, Measure, Metric
from recfeat_pipeline.registry import Registry, own_folder

METRICS = Registry("metric", "evaluation/metrics", "RECFEAT_ARMS", "metrics")


def metrics() -> Mapping[str, Metric]:
    """Metrics of ranks by name, in the order of tables."""
    return {n: m for n, m in _all(str(own_folder() or "")).items() if isinstance(m, Metric)}


def list_metrics() -> Mapping[str, ListMetric]:
    """Metrics of top-k lists by name, in the order of tables."""
    return {n: m for n, m in _all(str(own_folder() or "")).items() if isinstance(m, ListMetric)}


def measures() -> tuple[Measure, ...]:
    """Everything that is computed of ranks."""
    return tuple(Measure(name, m, k) for name, m in metrics().items() for k in m.cutoffs)


def headline() -> tuple[Measure, ...]:
    """What is contrasted, and shown to people, in this order."""
    return tuple(Measure(name, m, k) for name, m in metrics().items() for k in m.headline)


def measure(name: str, k: Cutoff = None) -> Measure:
    """The measure of that name and cut-off.

    Raises:
        RecfeatError: there is none.
    """
    for found in measures():
        if (found.name, found.k) == (name, k):
            return found
    known = ", ".join(found.key.rstrip("@") for found in measures())
    raise RecfeatError(f"There is no metric {name}{f'@{k}' if k else ''}; there are {known}.")


@cache
def _all(own: str) -> dict[str, Metric | ListMetric]:
    found = {}
    for name in METRICS.names(own or None):
        found[name] = METRICS.load(name, own or None, "metric", Metric | ListMetric)
    return dict(sorted(found.items(), key=lambda entry: (entry[1].order, entry[0])))
