"""Users of unequal weight: how far their spread is known, and from how many differences.

A mean over examples weighs a user by their number. Where a few users have most of the examples,
the residuals are smaller than the errors (each user pulls the mean towards itself) and rest on
fewer users than there are. Both have a closed form for users of equal variance (Bell and McCaffrey,
2002; Imbens and Kolesár, 2016); where all weigh alike, it is the usual variance with n - 1 degrees
of freedom.

Whatever the weights, a difference that is as likely to fall either way in each user is seen in m of
them with one sign once in 2 ** (m - 1) experiments: no test can be surer than that.
"""

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
