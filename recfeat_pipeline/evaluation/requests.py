"""What reranking changes, from a sample of requests with the weights of its design.

The base's ranks are known for every request, and a request whose target is no candidate keeps its
rank, so only the change among the others is estimated:

    change over all = share with the target among the candidates × weighted mean change of those

with users as the unit, and paired, a request's new rank against its old one.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from recfeat_pipeline.evaluation.contrasts import MARGIN
from recfeat_pipeline.evaluation.metric import Measure
from recfeat_pipeline.evaluation.metrics import headline
from recfeat_pipeline.evaluation.power import Spread, detectable_effect
from recfeat_pipeline.evaluation.significance import compare
from recfeat_pipeline.holm import holm
from recfeat_pipeline.reranking_schemas import REQUEST_CONTRASTS

SPREAD = Spread(users=0.0, examples=1.5, seeds=0.0)
"""Of a request's change of reciprocal rank, over the base's mean among the candidates: from 1.1 to
1.9 in the recorded answers on MovieLens 1M (``python -m bench rerank``)."""
COMPARED = ("delta", "ci_low", "ci_high", "detectable")


def detectable(weights: np.ndarray) -> float:
    """The smallest relative change of MRR among eligible requests found four times in five.

    Args:
        weights: of the requests that will be asked; unequal ones are worth fewer.
    """
    worth = int(weights.sum() ** 2 / (weights**2).sum()) if len(weights) else 0
    return detectable_effect(worth, 1.0, SPREAD, n_seeds=1)


def contrast_sampled(
    ours: np.ndarray, theirs: np.ndarray, users: np.ndarray, weights: np.ndarray, of: Measure
) -> dict[str, Any]:
    """Two orders of the same sampled requests, as :func:`compare` has it.

    Args:
        ours: ranks of the targets, [n].
        theirs: the same requests' in the other order.
        users: whose they are.
        weights: requests that each stands for.
        of: the metric.
    """
    _, user = np.unique(users, return_inverse=True)
    weights = weights / weights.mean()
    mine, other = (np.bincount(user, weights * of.values(ranks)) for ranks in (ours, theirs))
    return compare(mine[None], other[None], np.bincount(user, weights), MARGIN)


def contrast_requests(reranked: pl.DataFrame, pairs: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """Every pair on all requests and on each stratum.

    Args:
        reranked: RERANKED of the reported split, with ``arm`` and ``base``.
        pairs: (arm, reference): the arm's base, or another arm that reranks the same base.

    Returns:
        :data:`~recfeat_pipeline.reranking_schemas.REQUEST_CONTRASTS`; a slice with fewer than two
        users asked has no row.
    """
    rows: list[dict[str, Any]] = []
    for arm, reference in pairs:
        mine = reranked.filter(arm=arm)
        for name in ("all", *sorted(mine["stratum"].unique())):
            part = mine if name == "all" else mine.filter(stratum=name)
            against = _against(part, reranked.filter(arm=reference), reference)
            if against is None or against["user_id"].n_unique() < 2:
                continue
            rows += [
                {"arm": arm, "reference": reference, "slice": name}
                | _over_all(part, against, measure)
                for measure in headline()
            ]
    frame = pl.DataFrame(rows, schema=REQUEST_CONTRASTS)
    adjusted = pl.col("p_value").map_batches(
        lambda p: pl.Series(holm(p.to_numpy())), return_dtype=pl.Float64
    )
    return frame.with_columns(p_adjusted=adjusted.over("slice", "metric", "k"))


def replay(reranked: pl.DataFrame, sent: np.ndarray) -> dict[str, Any]:
    """The change of MRR over all requests when only some are reranked: ``delta, relative, ci_*``.

    Args:
        reranked: RERANKED of one arm and the reported split.
        sent: which requests are, bool in the same order.
    """
    rank = pl.when(pl.Series(sent)).then("rank").otherwise("base_rank")
    asked = reranked.with_columns(rank).drop_nulls("weight").with_columns(theirs="base_rank")
    if asked["user_id"].n_unique() < 2:
        return {"delta": 0.0, "relative": 0.0, "ci_low": None, "ci_high": None}
    found = _over_all(reranked, asked, headline()[0])
    return {name: found[name] for name in ("delta", "relative", "ci_low", "ci_high")}


def _against(part: pl.DataFrame, other: pl.DataFrame, reference: str) -> pl.DataFrame | None:
    """The requests asked, with ``theirs``: their rank by the base, or by the other arm."""
    asked = part.drop_nulls("rank")
    if part.is_empty():
        return None
    if reference == part["base"][0]:
        return asked.with_columns(theirs="base_rank")
    if other.is_empty() or other["base"][0] != part["base"][0]:
        return None
    ranked = other.drop_nulls("rank").select("example_id", theirs="rank")
    return asked.join(ranked, on="example_id")


def _over_all(part: pl.DataFrame, asked: pl.DataFrame, of: Measure) -> dict[str, Any]:
    ours, theirs, users, weights, before = (
        asked[name].to_numpy() for name in ("rank", "theirs", "user_id", "weight", "base_rank")
    )
    found = contrast_sampled(ours, theirs, users, weights, of)
    share = float(weights.sum()) / part.height
    base = float(of.values(part["base_rank"].to_numpy()).mean())
    moved = float(np.average(of.values(theirs) - of.values(before), weights=weights))
    reference = base + share * moved
    change = {name: share * found[name] for name in COMPARED}
    return {
        "metric": of.name, "k": of.k, "arm_value": reference + change["delta"],
        "reference_value": reference, **change, "relative": change["delta"] / reference,
        "p_value": found["p_value"], "eligible": share,
        "n_users": found["n_users"], "n_examples": asked.height,
    }  # fmt: skip
