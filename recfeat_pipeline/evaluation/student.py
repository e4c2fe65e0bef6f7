"""Student's t without SciPy: tail probability and quantile, to about twelve digits."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

DEPTHS = np.geomspace(1e-6, 34.0, 2000)
"""Minus the logarithm of twice a tail: how far out it is."""
NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)


def t_tail(t: float, df: float) -> float:
    """P(T > t) for ``df`` degrees of freedom, which need not be whole.

    With t = sqrt(df) tan(a) the density becomes cos(a)^(df - 1), smooth on a finite interval.
    """
    if math.isnan(t):
        return math.nan
    if t < 0:
        return 1.0 - t_tail(-t, df)
    angle = math.atan2(t, math.sqrt(df))
    # Beyond 40 standard deviations of the angle nothing is left to add up.
    end = min(math.pi / 2, angle + 40 / math.sqrt(df))
    half = (end - angle) / 2
    area = half * float(WEIGHTS @ np.cos(angle + half * (1 + NODES)) ** (df - 1))
    norm = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - math.log(math.pi) / 2
    return min(area * math.exp(norm), 0.5)  # rounding must not make twice of it more than 1


@cache
def t_quantile(tail: float, df: float) -> float:
    """The t with P(T > t) = ``tail`` (below one half), by bisection."""
    low, high = 0.0, 1.0
    while t_tail(high, df) > tail:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if t_tail(middle, df) > tail else (low, middle)
    return (low + high) / 2


def tail_beyond(distance: float, parts: Sequence[tuple[float, float]]) -> float:
    """The tail at which a combined half-width is ``distance`` (one half at 0), to four digits.

    The half-width at a tail has the square sum of t(tail, df)² variance over ``parts``, pairs of
    (variance, df); see :func:`t_quantile`. Below 1e-15 tails are not told apart.
    """
    if distance <= 0:
        return 0.5
    squared = sum((v * _quantiles(df) ** 2 for v, df in parts if v > 0), np.zeros(len(DEPTHS)))
    if not squared.any():  # nothing varies
        return 0.0
    depth = np.interp(math.log(distance), np.log(squared) / 2, np.log(DEPTHS))
    return 0.5 * math.exp(-math.exp(depth))


@cache
def _quantiles(df: float) -> np.ndarray:
    """The quantiles at every tail 0.5 exp(-DEPTHS)."""
    values = np.geomspace(1e-8, 1e15, 2000)
    depths = -np.log([max(2 * t_tail(t, df), 1e-300) for t in values])
    rising = np.concatenate([[True], np.diff(np.maximum.accumulate(depths)) > 0])
    known = np.log(np.maximum(depths[rising], 1e-300))
    return np.exp(np.interp(np.log(DEPTHS), known, np.log(values[rising])))
