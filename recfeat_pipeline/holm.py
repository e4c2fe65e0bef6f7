"""Holm's correction for many tests, each of a weight of its own."""

import numpy as np


def holm(p_values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Holm's step-down adjustment: the chance of any false claim in the family stays below p.

    Args:
        p_values: of the family.
        weights: what share of the chance each test may take; unset: all the same. Whatever is
            claimed leaves its share to the rest (Holm, 1979).

    >>> holm(np.array([0.03, 0.01, 0.02])).round(3).tolist()
    [0.04, 0.03, 0.04]
    >>> holm(np.array([0.02, 0.9]), np.array([0.5, 0.5])).tolist()
    [0.04, 0.9]
    """
    weights = np.ones(len(p_values)) if weights is None else weights
    order = np.argsort(p_values / weights, kind="stable")
    left = np.cumsum(weights[order][::-1])[::-1]
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.maximum.accumulate(p_values[order] * left / weights[order])
    return np.minimum(adjusted, 1.0)
