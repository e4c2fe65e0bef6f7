"""From answers to places: the chosen ones first, the others as the base had them; and fusion."""

import numpy as np
import polars as pl

FUSION_CONSTANT = 60
"""Of reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009)."""
WEIGHTS = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
"""Of the new order against the base's, of which validation chooses one."""
NOTHING = 0
"""Pads picks: a number that no candidate has."""


def reordered(shown: np.ndarray, picks: np.ndarray) -> np.ndarray:
    """The place (from 0) that each candidate takes in the new order.

    Args:
        shown: the base's place of the candidate with each number, [X, K].
        picks: numbers from 1, best first, padded with :data:`NOTHING`, [X, P]; a row without any
            leaves the base's order.

    Returns:
        By the base's place, int [X, K].
    """
    n, k = shown.shape
    keys = np.tile(np.arange(k) + k, (n, 1))  # behind every pick
    rows, order = np.nonzero(picks != NOTHING)
    keys[rows, shown[rows, picks[rows, order] - 1]] = order
    return keys.argsort(1).argsort(1)


def padded(picks: pl.Series) -> np.ndarray:
    """Lists of numbers as rows of an int [X, P], padded with :data:`NOTHING`; null: all of it."""
    lists = [numbers or [] for numbers in picks.to_list()]
    rows = np.full((len(lists), max(map(len, lists), default=0)), NOTHING)
    for row, numbers in zip(rows, lists, strict=True):
        row[: len(numbers)] = numbers
    return rows


def by_scores(scores: np.ndarray) -> np.ndarray:
    """The same from a score for each candidate [X, K], by the base's place; ties stay in order."""
    return (-scores).argsort(1, kind="stable").argsort(1)


def fused(places: np.ndarray, weight: float) -> np.ndarray:
    """The new order and the base's in one, by weighted reciprocal ranks.

    Args:
        places: of :func:`reordered`.
        weight: of the new order, from 0 (the base's) to 1.
    """
    base = np.arange(places.shape[1])
    gain = weight / (FUSION_CONSTANT + 1 + places)
    return by_scores(gain + (1 - weight) / (FUSION_CONSTANT + 1 + base))


def ranks(places: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The rank from 1 of the candidate at each base place [X]."""
    return places[np.arange(len(places)), targets] + 1


def choose_weight(places: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
    """Of :data:`WEIGHTS` that with the best weighted MRR; of equals the one nearest the base."""
    if not len(places):
        return 0.0

    def mrr(weight: float) -> float:
        return float(np.average(1 / ranks(fused(places, weight), targets), weights=weights))

    return max(WEIGHTS, key=mrr)
