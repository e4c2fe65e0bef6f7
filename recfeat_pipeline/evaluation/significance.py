"""Contrasts of arms, with an uncertainty that a second experiment would agree with.

**The unit is the user.** A metric is a mean over examples; a user's examples stand and fall
together, and another draw of users would give another mean. Training is random too. Both are
crossed: every seed ranks every user. With y[s, u] the user's share of the difference under a seed,

    variance = V(seeds) + V(users) - V(rest)

where V(seeds) is that of the seed means, V(users) that of the user means and V(rest) that of the
interaction, which the first two both contain (Cameron, Gelbach and Miller, 2011). It never falls
below either alone.

Seeds are few and users many, so each part has its own Student's t: the squared half-width is that
of the users' part plus that of what the seeds add (Howe, 1974). One t with Satterthwaite's degrees
of freedom takes seeds that happen to agree for certainty, and rejects a true null too often where
the variance of training outweighs that of the users. This rejects it in a twentieth of
experiments from three seeds on, and the unit tests hold it to that; with two, in up to a
tenth. A correction for many tests asks at far smaller tails; there it takes five seeds (``python -m
bench.bench_claims`` simulates all of it). A p-value is twice the tail whose half-width is the
difference. Uneven, few and skewed users: ``recfeat_pipeline/evaluation/clusters.py``.

**Equivalence.** "A matches B" needs its own test: two one-sided tests against a margin, a stated
share of B's value. Failing to find a difference is not a match.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from recfeat_pipeline.evaluation.clusters import (
    least_p,
    skewed,
    skewness,
    small_sample,
    unskewed,
)
from recfeat_pipeline.evaluation.power import ALPHA, detectable_difference, least
from recfeat_pipeline.evaluation.student import t_quantile, t_tail, tail_beyond


def paired_t(deltas: Iterable[float]) -> tuple[float, float]:
    """Student's paired t and its two-sided p; (nan, nan) for fewer than two deltas.

    >>> t, p = paired_t([0.02, 0.01, 0.03, 0.02, 0.02])
    >>> round(t, 4), round(p, 4)
    (6.3246, 0.0032)
    """
    values = np.asarray(list(deltas), float)
    if len(values) < 2:
        return math.nan, math.nan
    error = values.std(ddof=1) / math.sqrt(len(values))
    t = _ratio(float(values.mean()), float(error))
    return t, 2 * t_tail(abs(t), len(values) - 1)


def compare(
    a: np.ndarray, b: np.ndarray, counts: np.ndarray, margin: float
) -> dict[str, float | int | None]:
    """One contrast, from its sums.

    Args:
        a: the arm's metric values summed per seed and user, [S, U]; every user has an example.
        b: the reference's, paired with ``a``.
        counts: examples per user, [U]; at least two users.
        margin: of equivalence, as a share of the reference's value.

    Returns:
        The columns of :data:`~recfeat_pipeline.schemas.CONTRASTS` that a pair, slice
        and metric have; those of the bootstrap and of Holm aside.
    """
    n_seeds, n_users = a.shape
    n_examples = round(counts.sum())  # weights of a sample are no whole numbers
    sums = a - b  # [S, U]
    by_seed = sums.sum(1) / n_examples
    delta = float(by_seed.mean())
    reference = float(b.sum() / n_seeds / n_examples)
    # A user's residual in the ratio of sums: what leaving them out would change, times U.
    inflation, df = small_sample(counts / n_examples)
    residuals = (sums - delta * counts) * (n_users / n_examples) * inflation  # [S, U]
    of_seeds, of_users = residuals.mean(1), residuals.mean(0)
    rest = residuals - of_seeds[:, None] - of_users + residuals.mean()
    v_users = float(of_users @ of_users) / (n_users - 1) / n_users
    v_seeds = of_seeds.var(ddof=1) / n_seeds if n_seeds > 1 else 0.0
    v_rest = (
        (rest**2).sum() / ((n_seeds - 1) * (n_users - 1)) / (n_seeds * n_users)
        if n_seeds > 1
        else 0.0
    )
    of_luck = max(v_seeds - v_rest, v_seeds - v_users, 0.0)  # what seeds add

    parts = ((v_users, df), (of_luck, n_seeds - 1))
    low, high, p_value = interval(delta, parts, least_p(sums.sum(0)), skewness(of_users))

    def p_beyond(distance: float) -> float:
        tail = tail_beyond(abs(distance), parts)
        return tail if distance >= 0 else 1 - tail

    t_seeds, p_seeds = paired_t(by_seed)
    bound = margin * reference
    return {
        "arm_value": reference + delta,
        "reference_value": reference,
        "delta": delta,
        "relative": _ratio(delta, reference),
        "ci_low": low,
        "ci_high": high,
        "p_value": p_value,
        "t_seeds": _known(t_seeds),
        "p_seeds": _known(p_seeds),
        "margin": bound,
        "p_equivalent": p_beyond(bound - abs(delta)),
        "sd_seeds": float(by_seed.std(ddof=1)) if n_seeds > 1 else None,
        "sd_users": math.sqrt(v_users * n_users),
        "detectable": detectable_difference(v_users, df, of_luck, n_seeds),
        "seeds_needed": _seeds_needed(delta, v_users - v_rest, v_seeds * n_seeds, df)
        if n_seeds > 1
        else None,
        "n_seeds": n_seeds,
        "n_users": n_users,
        "n_examples": n_examples,
    }


def interval(
    delta: float, parts: Sequence[tuple[float, float]], least: float, skew: float
) -> tuple[float, float, float]:
    """A 95 % interval around ``delta``: its ends, and the two-sided p of no difference.

    Args:
        delta: the difference.
        parts: variances, each with its degrees of freedom; a variance may be 0. The first is that
            of the users.
        least: the smallest p that the data allow (:func:`~.clusters.least_p`). Above .05 the
            interval reaches zero.
        skew: of the users' mean (:func:`~.clusters.skewness`).
    """
    half = math.sqrt(sum(v * t_quantile(0.025, df) ** 2 for v, df in parts if v > 0))
    low, high, p_value = delta - half, delta + half, 2 * tail_beyond(abs(delta), parts)
    error = math.sqrt(sum(v for v, _ in parts))
    skew *= (parts[0][0] / error**2) ** 1.5 if error else 0.0  # what seeds add is taken for even
    if skew:
        low = min(low, delta - error * unskewed(half / error, skew))
        high = max(high, delta - error * unskewed(-half / error, skew))
        p_value = max(p_value, 2 * tail_beyond(abs(skewed(delta / error, skew)) * error, parts))
    p_value = min(max(p_value, least), 1.0)
    if p_value > ALPHA:
        low, high = min(low, 0.0), max(high, 0.0)
    return low, high, p_value


def bootstrap(sums: np.ndarray, counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """95 % percentile intervals with users and seeds drawn anew, each with replacement.

    Few seeds drawn with replacement vary less than new ones would, by (S - 1) / S: their
    deviations are widened to make up for it.

    Args:
        sums: differences [metrics, slices, S, U].
        counts: examples [slices, U].
        weights: how often each user is drawn, [draws, U].

    Returns:
        Lower and upper ends, [metrics, slices, 2].
    """
    n_seeds = sums.shape[2]
    drawn = np.maximum(weights @ counts.T.astype(np.float32), 1)  # [draws, slices]
    means = sums.astype(np.float32) @ weights.T / drawn.T[:, None]  # [metrics, slices, S, draws]
    if n_seeds > 1:
        centre = means.mean(2, keepdims=True)
        means = centre + math.sqrt(n_seeds / (n_seeds - 1)) * (means - centre)
        chosen = np.random.default_rng(1).integers(0, n_seeds, (1, 1, n_seeds, len(weights)))
        means = np.take_along_axis(means, chosen, 2)
    return np.moveaxis(np.quantile(means.mean(2), [0.025, 0.975], axis=-1), 0, -1)


def _seeds_needed(delta: float, v_users: float, v_seed: float, df: float) -> int | None:
    """Seeds for a power of 80 % at 5 %, were delta and the spreads the true ones.

    None where the users alone hide it, or a million seeds would not do.
    """
    v_users = max(v_users, 0.0)
    return least(
        lambda n: detectable_difference(v_users, df, v_seed / n, n), abs(delta), up_to=2**20
    )


def _ratio(number: float, by: float) -> float:
    if by > 0:
        return number / by
    return math.copysign(math.inf, number) if number else 0.0


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
