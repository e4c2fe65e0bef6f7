"""Users of unequal weight: how far their spread is known, and from how many differences.

A mean over examples weighs a user by their number. Where a few users have most of the examples,
the residuals are smaller than the errors (each user pulls the mean towards itself) and rest on
fewer users than there are. Both have a closed form for users of equal variance (Bell and McCaffrey,
2002; Imbens and Kolesár, 2016); where all weigh alike, it is the usual variance with n - 1 degrees
of freedom.

Where a few users gain much and most lose a little, a mean and its spread err together, and a
Student's t misses on one side. Hall's (1992) transformation takes the skewness out of the t. It is
itself badly known from few users, so an interval is as wide as the wider of the two, on either
side, and a p as great as the greater (``python -m bench claims`` shows what both miss).

Whatever the weights, a difference that is as likely to fall either way in each user is seen in m of
them with one sign once in 2 ** (m - 1) experiments: no test can be surer than that.
"""

import math

import numpy as np


def small_sample(weights: np.ndarray) -> tuple[np.ndarray, float]:
    """What a weighted mean's residuals are to be multiplied by, and the degrees of freedom.

    Args:
        weights: of the users [U], all positive and adding up to 1; at least two.

    >>> inflation, freedom = small_sample(np.full(4, 0.25))
    >>> np.round(inflation, 6).tolist(), round(freedom, 6)
    ([1.0, 1.0, 1.0, 1.0], 3.0)
    """
    n, total = len(weights), float(weights @ weights)
    kept = 1 - 2 * weights + total  # of an error's variance in its residual
    b = weights**2 / kept
    b0, b1, b2 = b.sum(), b @ weights, b @ weights**2
    every_pair = total**2 * b0**2 + 2 * b2 * b0 + 2 * b1**2 - 4 * total * b1 * b0
    own = b**2 @ (kept**2 - (total - 2 * weights) ** 2)
    return np.sqrt((n - 1) / n / kept), max(float(total**2 / (every_pair + own)), 1.0)


def least_p(differences: np.ndarray) -> float:
    """The smallest two-sided p that so few users with any difference allow, at most 1."""
    return min(2.0 ** (1 - np.count_nonzero(differences)), 1.0)


def skewness(residuals: np.ndarray) -> float:
    """Of a mean over users, from what each adds to it [U] less the mean; 0 for fewer than three.

    >>> round(skewness(np.array([2.0, -1.0, -1.0])), 3), skewness(np.array([1.0, -1.0, 0.0]))
    (1.0, 0.0)
    """
    n, spread = len(residuals), float(residuals @ residuals) / max(len(residuals) - 1, 1)
    if n < 3 or spread <= 0:
        return 0.0
    third = float((residuals**3).sum()) * n / (n - 1) / (n - 2)
    return third / spread**1.5 / math.sqrt(n)


def skewed(t: float, skew: float) -> float:
    """Hall's transformation of a t of a mean of that skewness: nearly free of it, and monotone."""
    return t + skew * t**2 / 3 + skew**2 * t**3 / 27 + skew / 6


def unskewed(value: float, skew: float) -> float:
    """The t that :func:`skewed` turns into ``value``.

    >>> round(unskewed(skewed(1.7, 0.4), 0.4), 9)
    1.7
    """
    x = skew * (value - skew / 6)
    root = math.expm1(math.log1p(x) / 3) if x > -1 else math.cbrt(1 + x) - 1
    return 3 / skew * root
