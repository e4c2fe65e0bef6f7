"""Controls: what is done to content before a model sees it, so that one thing of it is left.

``random`` leaves the width, ``shuffled`` the width and the distribution; neither leaves a meaning,
and both are drawn anew for each seed. ``mapped_tags`` and ``pca`` bring curated tags to what the
scores have: the same concepts, the same width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from recfeat_pipeline.content.slot import ContentUnavailable

Names = tuple[str, ...]


@dataclass(frozen=True)
class Control:
    """What becomes of the column names, given the DIMENSIONS, and of the matrix of those columns.

    ``fill`` is given the matrix [N, D], the width that ``columns`` leaves and the seed.
    ``selects``: columns are left out, not replaced.
    """

    columns: Callable[[Names, pl.DataFrame], Names] = lambda names, dimensions: names
    fill: Callable[[np.ndarray, int, int], np.ndarray] = lambda matrix, width, seed: matrix
    selects: bool = False
    draws: bool = False  # another seed, another matrix; and no meaning is left


def _random(matrix: np.ndarray, width: int, seed: int) -> np.ndarray:
    """Gaussian noise of the same shape and root mean square: width without meaning."""
    scale = np.sqrt(np.mean(matrix**2))
    noise = np.random.default_rng(seed).standard_normal(matrix.shape, np.float32)
    return (scale * noise).astype(np.float32)


def _shuffled(matrix: np.ndarray, width: int, seed: int) -> np.ndarray:
    """Each item has the row of another."""
    return np.random.default_rng(seed).permutation(matrix)


def _mapped(names: Names, dimensions: pl.DataFrame) -> Names:
    """Curated tags that the taxonomy names."""
    mapped = {f"curated:{tag}" for tag in dimensions["genome_tags"].explode()}
    return tuple(name for name in names if name in mapped)


def _components(names: Names, dimensions: pl.DataFrame) -> Names:
    """As many as the taxonomy has dimensions."""
    if dimensions.is_empty():
        raise ContentUnavailable("It is as wide as the scores' taxonomy, and nothing was scored.")
    width = min(len(names), dimensions.height)
    return tuple(f"component {number}" for number in range(width))


def _principal(matrix: np.ndarray, width: int, seed: int) -> np.ndarray:
    """The first ``width`` principal components of the columns, largest first."""
    centred = matrix - matrix.mean(0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return np.ascontiguousarray(centred @ vectors[:, ::-1][:, :width], dtype=np.float32)


CONTROLS = {
    "random": Control(fill=_random, draws=True),
    "shuffled": Control(fill=_shuffled, draws=True),
    "mapped_tags": Control(columns=_mapped, selects=True),
    "pca": Control(columns=_components, fill=_principal),
}


USER_CONTROLS = ["random", "shuffled"]
"""Those that make sense of users: of ``shuffled`` each has another user's row."""


def control_of(name: str | None) -> Control:
    """The control of a name; None leaves everything as it is."""
    return Control() if name is None else CONTROLS[name]


def kept(names: Sequence[str], of: Sequence[str]) -> list[bool]:
    """Which of the columns ``of`` are among ``names``."""
    wanted = set(names)
    return [name in wanted for name in of]
