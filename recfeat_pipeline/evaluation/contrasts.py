"""The table of contrasts: every pair of arms, on every slice and metric, from stored ranks."""

from collections.abc import Collection, Sequence

import numpy as np
import polars as pl

from recfeat_pipeline.evaluation.metrics import headline
from recfeat_pipeline.evaluation.rank_table import Layout, RankTable
from recfeat_pipeline.evaluation.significance import bootstrap, compare
from recfeat_pipeline.holm import holm
from recfeat_pipeline.schemas import CONTRASTS

MARGIN = 0.02
"""Arms match when they differ by less than this share of the reference's value."""
DRAWS = 1000
"""Of the bootstrap; the same draws of users serve every contrast."""


def contrast_arms(
    ranks: pl.DataFrame,
    slices: pl.DataFrame,
    pairs: Sequence[tuple[str, str]],
    seedless: Collection[str] = (),
) -> pl.DataFrame:
    """Every pair of arms, on every slice and headline metric.

    Args:
        ranks: ``arm, seed, example_id, user_id, rank``; every (arm, seed) ranks the same examples.
        slices: ``example_id, slice``; one slice should be all examples.
        pairs: (arm, reference). Two arms are paired over the seeds that both have; a pair that
            shares none is left out.
        seedless: deterministic arms (counted baselines), compared with each seed of another. A
            trained arm's one seed is not: its randomness would pass for what the arm is worth.

    Returns:
        :data:`~recfeat_pipeline.schemas.CONTRASTS`, in the order of ``pairs``; a slice with one
        user has no row.

    Raises:
        RecfeatError: an arm and seed ranks other examples than the rest.
    """
    table = RankTable(ranks, seedless)
    layout = Layout(table.examples, slices)
    weights = _draw_users(layout.n_users, DRAWS)
    rows = []
    for arm, reference in pairs:
        if arm not in table.seeds or reference not in table.seeds:
            continue
        seeds, reference_seeds = table.paired_seeds(arm, reference)
        if not seeds:
            continue
        ours, theirs = (
            np.stack([layout.sums(measure.values(ranked)) for measure in headline()])
            for ranked in (table.of(arm, seeds), table.of(reference, reference_seeds))
        )  # [metrics, slices, seeds, users]
        bounds = bootstrap(ours - theirs, layout.counts, weights)  # [metrics, slices, 2]
        for m, measure in enumerate(headline()):
            for g, (name, counts) in enumerate(zip(layout.names, layout.counts, strict=True)):
                inside = counts > 0
                if inside.sum() < 2:  # one user has no spread to measure
                    continue
                row = compare(
                    ours[m, g][:, inside], theirs[m, g][:, inside], counts[inside], MARGIN
                )
                key = {"arm": arm, "reference": reference, "slice": name}
                key |= {"metric": measure.name, "k": measure.k}
                boot = {"boot_low": bounds[m, g, 0], "boot_high": bounds[m, g, 1]}
                rows.append(key | row | boot)
    frame = pl.DataFrame(rows, schema=CONTRASTS)
    adjusted = pl.col("p_value").map_batches(
        lambda p: pl.Series(holm(p.to_numpy())), return_dtype=pl.Float64
    )
    return frame.with_columns(p_adjusted=adjusted.over("slice", "metric", "k"))


def _draw_users(n_users: int, draws: int) -> np.ndarray:
    """How often each user is drawn, [draws, U]: the same draws for every contrast."""
    rng = np.random.default_rng(0)
    weights = np.empty((draws, n_users), np.float32)
    for draw in weights:
        draw[:] = np.bincount(rng.integers(0, n_users, n_users), minlength=n_users)
    return weights
