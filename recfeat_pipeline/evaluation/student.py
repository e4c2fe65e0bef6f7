"""The tail of a difference whose variance has several parts, each with its own Student's t.

SciPy is imported where it is used: the UI and most commands load this module and ask it nothing.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

DEPTHS = np.geomspace(1e-6, 34.0, 2000)
"""Minus the logarithm of twice a tail: how far out it is."""


def t_tail(t: float, df: float) -> float:
    """P(T > t) for ``df`` degrees of freedom, which need not be whole."""
    from scipy.special import stdtr

    return float(stdtr(df, -t))


@lru_cache(4096)
def t_quantile(tail: float, df: float) -> float:
    """The t with P(T > t) = ``tail``."""
    from scipy.special import stdtrit

    return -float(stdtrit(df, tail))


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


@lru_cache(256)
def _quantiles(df: float) -> np.ndarray:
    """The quantiles at every tail 0.5 exp(-DEPTHS)."""
    from scipy.special import stdtrit

    return -stdtrit(df, 0.5 * np.exp(-DEPTHS))
