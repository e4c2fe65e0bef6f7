"""How far two finished arms' difference spreads, over users, their examples and seeds.

What a planned experiment can show follows from it (``recfeat_pipeline/evaluation/power.py``). The
parts are those of a one-way analysis of variance of the examples' differences by user, with users
of unequal size (Searle, 1971); what seeds add is what their means vary by beyond the choice of
users.
"""

from collections.abc import Collection

import numpy as np
import polars as pl

from recfeat_pipeline.evaluation.metrics import Measure
from recfeat_pipeline.evaluation.power import Spread
from recfeat_pipeline.evaluation.rank_table import RankTable


def spread_of(
    ranks: pl.DataFrame, arm: str, reference: str, measure: Measure, seedless: Collection[str] = ()
) -> tuple[Spread, int] | None:
    """The spread of a difference, relative to the reference's mean, and the seeds it rests on.

    Args:
        ranks: ``arm, seed, example_id, user_id, rank``.
        arm: and
        reference: the pair.
        measure: of which the difference is.
        seedless: arms whose one seed stands for any.

    Returns:
        None where the two share no seed, or there are fewer than two users. Of one seed the luck of
        training cannot be told, and is 0.
    """
    table = RankTable(ranks.filter(pl.col("arm").is_in([arm, reference])), seedless)
    if not {arm, reference} <= table.seeds.keys():
        return None
    ours, theirs = table.paired_seeds(arm, reference)
    users = table.examples["user_id"].rank("dense").to_numpy() - 1
    if not ours or users.max() == 0:
        return None
    base = measure.values(table.of(reference, theirs).astype(float))
    deltas = (measure.values(table.of(arm, ours).astype(float)) - base) / base.mean()  # [S, X]
    return _parts(deltas, users), len(ours)


def _parts(deltas: np.ndarray, users: np.ndarray) -> Spread:
    counts = np.bincount(users)
    n_seeds, n_users, n = len(deltas), len(counts), len(users)
    own = deltas.mean(0)
    means = np.bincount(users, own) / counts
    within = ((own - means[users]) ** 2).sum() / max(n - n_users, 1)
    between = (counts * (means - own.mean()) ** 2).sum() / (n_users - 1)
    typical = (n - (counts**2).sum() / n) / (n_users - 1)  # examples of a user
    luck = 0.0
    if n_seeds > 1:
        by_seed = deltas.mean(1)
        of_cells = np.stack([np.bincount(users, seed - seed.mean()) for seed in deltas])
        rest = (of_cells - of_cells.mean(0)) * n_users / n
        by_chance = (rest**2).sum() / ((n_seeds - 1) * (n_users - 1)) / n_users
        luck = max(float(by_seed.var(ddof=1)) - by_chance, 0.0)
    return Spread(
        users=float(np.sqrt(max((between - within) / typical, 0.0))),
        examples=float(np.sqrt(within)),
        seeds=float(np.sqrt(luck)),
    )
