"""Contrasts of arms on held-back items.

A seed is a whole replicate here: other items are held back, other examples follow, and the model
starts elsewhere. The seeds' paired deltas are independent draws of all of that, so a paired t over
them is the test. It needs several seeds, and says nothing with one.
"""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl

from recfeat_pipeline.evaluation.metrics import HEADLINE
from recfeat_pipeline.evaluation.significance import holm, paired_t
from recfeat_pipeline.evaluation.student import t_quantile
from recfeat_pipeline.schemas import COLD_CONTRASTS


def contrast_cold(cold_ranks: pl.DataFrame, pairs: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """Every pair of arms, per warmth of the items.

    Args:
        cold_ranks: :data:`~recfeat_pipeline.schemas.COLD_RANKS` with ``arm`` and ``seed``.
        pairs: (arm, reference); a pair is left out when either has no ranks.

    Returns:
        :data:`~recfeat_pipeline.schemas.COLD_CONTRASTS`, in the order of ``pairs``.
    """
    means = _means(cold_ranks)
    key = ["n_train", "candidates", "metric", "k"]
    rows = []
    for arm, reference in pairs:
        both = means.filter(arm=arm).join(
            means.filter(arm=reference), on=["seed", *key], nulls_equal=True, suffix="_reference"
        )
        for place, seeds in both.sort(*key, "seed").group_by(key, maintain_order=True):
            deltas = (seeds["value"] - seeds["value_reference"]).to_numpy()
            n = len(deltas)
            t, p = paired_t(deltas)
            half = t_quantile(0.025, n - 1) * deltas.std(ddof=1) / math.sqrt(n) if n > 1 else None
            delta = float(deltas.mean())
            rows.append(
                dict(zip(key, place, strict=True))
                | {
                    "arm": arm,
                    "reference": reference,
                    "arm_value": seeds["value"].mean(),
                    "reference_value": seeds["value_reference"].mean(),
                    "delta": delta,
                    "ci_low": None if half is None else delta - half,
                    "ci_high": None if half is None else delta + half,
                    "p_value": None if math.isnan(t) else p,
                    "n_seeds": n,
                }
            )
    frame = pl.DataFrame(rows, schema=COLD_CONTRASTS)
    adjusted = pl.col("p_value").map_batches(_holm, return_dtype=pl.Float64)
    return frame.with_columns(p_adjusted=adjusted.over(key))


def _means(cold_ranks: pl.DataFrame) -> pl.DataFrame:
    """``arm, seed, n_train, candidates, metric, k, value``."""
    among = {"all": cold_ranks, "new": cold_ranks.filter(pl.col("n_train") == 0)}
    column = {"all": "rank", "new": "rank_new"}
    parts = []
    for candidates, rows in among.items():
        ranks = rows[column[candidates]].to_numpy()
        for measure in HEADLINE:
            values = pl.Series("value", measure.values(np.asarray(ranks, float)))
            parts.append(
                rows.with_columns(values)
                .group_by("arm", "seed", "n_train")
                .agg(pl.col("value").mean())
                .with_columns(
                    candidates=pl.lit(candidates),
                    metric=pl.lit(measure.name),
                    k=pl.lit(measure.k, dtype=pl.Int32),
                )
            )
    return pl.concat(parts)


def _holm(p_values: pl.Series) -> pl.Series:
    known = p_values.is_not_null()
    adjusted = p_values.clone()
    if known.any():
        adjusted = adjusted.scatter(known.arg_true(), holm(p_values.drop_nulls().to_numpy()))
    return adjusted
