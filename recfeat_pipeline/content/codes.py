"""Semantic ids: an item as a few small numbers, the first ones shared by what is alike.

Residual k-means (as TIGER's residual quantisation, Rajput et al., 2023, with centres instead of an
autoencoder): a level divides items by their vectors, the next one by what the centres leave over.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.cluster.vq import kmeans2

SWEEPS = 20  # of k-means


@dataclass(frozen=True)
class Codes:
    """Of N items, L levels and one number more that tells items of the same levels apart."""

    values: np.ndarray  # int64 [N, L + 1]
    sizes: tuple[int, ...]  # how many values each place may have

    @property
    def levels(self) -> int:
        """L."""
        return self.values.shape[1] - 1

    def prefixes(self, length: int) -> np.ndarray:
        """int64 [N]: items with the same number share the first ``length`` codes."""
        return np.unique(self.values[:, :length], axis=0, return_inverse=True)[1].reshape(-1)

    def collisions(self) -> np.ndarray:
        """How many items share each code that more than one has, int [C], largest first."""
        counts = np.bincount(self.prefixes(self.levels))
        return np.sort(counts[counts > 1])[::-1]


def residual_codes(matrix: np.ndarray, levels: int, size: int, seed: int = 0) -> Codes:
    """Codes of items by their content [N, D], up to ``size`` values a level."""
    rng = np.random.default_rng(seed)
    left = (matrix - matrix.mean(0)).astype(np.float64)
    found = []
    for _ in range(levels):
        n_centres = min(size, len(np.unique(left, axis=0)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of centres that no item is nearest to
            centres, nearest = kmeans2(left, n_centres, iter=SWEEPS, minit="++", seed=rng)
        found.append(nearest.astype(np.int64))
        left = left - centres[nearest]
    return _told_apart(np.stack(found, axis=1), size)


def arbitrary_codes(n_items: int, levels: int, size: int) -> Codes:
    """Codes without a meaning: the digits of a shuffled number, the control of semantic ones."""
    number = np.random.default_rng(0).permutation(n_items)
    digits = [number // size**place % size for place in range(levels)]
    return _told_apart(np.stack(digits, axis=1), size)


def _told_apart(values: np.ndarray, size: int) -> Codes:
    """With a last place that counts the items of the same code."""
    frame = pl.DataFrame(values, schema=[str(level) for level in range(values.shape[1])])
    last = frame.select(pl.int_range(pl.len()).over(frame.columns)).to_series().to_numpy()
    whole = np.concatenate([values, last[:, None]], axis=1).astype(np.int64)
    return Codes(whole, (*[size] * values.shape[1], int(last.max(initial=0)) + 1))
