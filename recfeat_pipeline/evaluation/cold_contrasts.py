"""Contrasts of arms on held-back items.

A seed holds other items back, so that other examples follow, and starts the model elsewhere. Users
are the unit, from one seed on: a user's examples are correlated, whatever seed they are
of. What the seeds vary by beyond their users has a Student's t of its own, as on ordinary examples
(``recfeat_pipeline/evaluation/significance.py``). In simulations 95 % intervals cover as
they should; with three seeds whose variance outweighs the users' they miss one time in twelve.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from recfeat_pipeline.evaluation.clusters import least_p, skewness, small_sample
from recfeat_pipeline.evaluation.metrics import headline
from recfeat_pipeline.evaluation.significance import interval
from recfeat_pipeline.holm import holm
from recfeat_pipeline.schemas import COLD_CONTRASTS

PLACE = ["n_train", "candidates"]


def contrast_cold(cold_ranks: pl.DataFrame, pairs: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """Every pair of arms, per warmth of the items.

    Args:
        cold_ranks: :data:`~recfeat_pipeline.schemas.COLD_RANKS` with ``arm`` and ``seed``.
        pairs: (arm, reference); a pair is left out when either has no ranks.

    Returns:
        :data:`~recfeat_pipeline.schemas.COLD_CONTRASTS`, in the order of ``pairs``.
    """
    ranks = pl.concat(
        [
            cold_ranks.with_columns(candidates=pl.lit("all")),
            cold_ranks.filter(pl.col("n_train") == 0).with_columns(
                candidates=pl.lit("new"), rank="rank_new"
            ),
        ]
    ).select("arm", "seed", "example_id", "user_id", *PLACE, "rank")
    of_arm = {arm: part for (arm,), part in ranks.group_by("arm", maintain_order=True)}
    rows = []
    for arm, reference in pairs:
        if not {arm, reference} <= of_arm.keys():
            continue
        both = of_arm[arm].join(
            of_arm[reference], on=["seed", "example_id", *PLACE], suffix="_reference"
        )
        for place, examples in both.sort(*PLACE, "seed").group_by(PLACE, maintain_order=True):
            key = {"arm": arm, "reference": reference, **dict(zip(PLACE, place, strict=True))}
            rows += [key | row for row in _compare(examples)]
    frame = pl.DataFrame(rows, schema=COLD_CONTRASTS)
    adjusted = pl.col("p_value").map_batches(_holm, return_dtype=pl.Float64)
    return frame.with_columns(p_adjusted=adjusted.over(*PLACE, "metric", "k"))


def _compare(examples: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """A row per headline metric, of one pair's examples in one place."""
    seeds, users = (examples[name].rank("dense").to_numpy() - 1 for name in ("seed", "user_id"))
    ranks, theirs = (examples[name].to_numpy().astype(float) for name in ("rank", "rank_reference"))
    for measure in headline():
        value, reference = measure.values(ranks), measure.values(theirs)
        low, high, p = _uncertainty(value - reference, seeds, users)
        means, reference_means = (_by(seeds, values) for values in (value, reference))
        delta = float((means - reference_means).mean())
        yield {
            "metric": measure.name,
            "k": measure.k,
            "arm_value": float(means.mean()),
            "reference_value": float(reference_means.mean()),
            "delta": delta,
            "ci_low": low,
            "ci_high": high,
            "p_value": p,
            "n_seeds": len(means),
            "n_users": int(users.max()) + 1,
        }


def _uncertainty(
    deltas: np.ndarray, seeds: np.ndarray, users: np.ndarray
) -> tuple[float | None, float | None, float | None]:
    """The 95 % interval of the mean over seeds, and p; None for one user."""
    n_seeds, n_users = int(seeds.max()) + 1, int(users.max()) + 1
    if n_users < 2:
        return None, None, None
    share = 1 / np.bincount(seeds)[seeds]  # of an example in its seed's mean
    by_seed = _by(seeds, deltas)

    def of_cells(values: np.ndarray) -> np.ndarray:
        """Sums [S, U]."""
        cells = np.bincount(seeds * n_users + users, values * share, n_seeds * n_users)
        return cells.reshape(n_seeds, n_users)

    inflation, df = small_sample(of_cells(np.ones(len(deltas))).mean(0))
    # What leaving a user out would change in each seed's mean, times the number of users.
    residuals = of_cells(deltas - by_seed[seeds]) * n_users * inflation
    v_users = (residuals.mean(0) ** 2).sum() / (n_users - 1) / n_users
    parts = [(float(v_users), df)]
    if n_seeds > 1:
        by_chance = (residuals**2).sum(1).mean() / (n_users - 1) / n_users / n_seeds
        luck = max(by_seed.var(ddof=1) / n_seeds - by_chance, 0.0)
        parts.append((float(luck), n_seeds - 1))
    skew = skewness(residuals.mean(0))
    return interval(float(by_seed.mean()), parts, least_p(of_cells(deltas).sum(0)), skew)


def _by(groups: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Mean of each group."""
    return np.bincount(groups, values) / np.bincount(groups)


def _holm(p_values: pl.Series) -> pl.Series:
    known = p_values.is_not_null()
    adjusted = p_values.clone()
    if known.any():
        adjusted = adjusted.scatter(known.arg_true(), holm(p_values.drop_nulls().to_numpy()))
    return adjusted
