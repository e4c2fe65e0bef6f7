"""The table of list metrics: every run that left lists, every metric and cut-off."""

import polars as pl

from recfeat_pipeline.evaluation.lists import Lists, Taken, rows_of
from recfeat_pipeline.evaluation.metrics import list_metrics
from recfeat_pipeline.schemas import LIST_METRICS


def measure_lists(
    top_lists: pl.DataFrame, events: pl.DataFrame, items: pl.DataFrame
) -> pl.DataFrame:
    """Coverage, Gini, novelty and similarity of each run.

    Args:
        top_lists: :data:`~recfeat_pipeline.schemas.TOP_LISTS` with ``arm`` and ``seed``.
        events: EVENTS, whose training part says who took what.
        items: ITEMS.

    Returns:
        :data:`~recfeat_pipeline.schemas.LIST_METRICS`.
    """
    index_of = items.filter("in_corpus").select("item_id", "item_index")
    taken = Taken.of(events, index_of.height)
    metrics, rows = list_metrics(), []
    for (arm, seed), top in top_lists.sort("arm", "seed").group_by(
        "arm", "seed", maintain_order=True
    ):
        for k in sorted({k for metric in metrics.values() for k in metric.cutoffs}):
            lists = Lists(rows_of(top, index_of, k), index_of.height, taken)
            rows += [
                (arm, seed, name, k, metric.formula(lists), len(lists.items))
                for name, metric in metrics.items()
                if k in metric.cutoffs
            ]
    return pl.DataFrame(rows, schema=LIST_METRICS, orient="row")
