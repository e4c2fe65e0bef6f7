"""Student's t without SciPy: tail probability and quantile, to about twelve digits."""

import math
from functools import cache

import numpy as np

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


def degrees_of_freedom(quantile: float, tail: float) -> float:
    """The degrees of freedom, from 1 to a million, with P(T > ``quantile``) = ``tail``."""
    low, high = 0.0, math.log(1e6)
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if t_tail(quantile, math.exp(middle)) > tail else (low, middle)
    return math.exp(high)
