"""What top-k lists are like, whoever the target is.

How much of the catalogue they show, how evenly, how well-known it is, how alike a list's items are.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:  # the UI loads this module, and SciPy takes half a second
    from scipy import sparse

PAD = -1
"""Where a list is shorter."""


@dataclass(frozen=True)
class Taken:
    """Who took what in training."""

    matrix: "sparse.csr_matrix"  # 0/1 [users, N]

    @classmethod
    def of(cls, events: pl.DataFrame, n_items: int) -> "Taken":
        """From EVENTS; each user counts once for an item."""
        from scipy import sparse

        pairs = events.filter(pl.col("split") == "train").unique(["user_id", "item_index"])
        users = pairs["user_id"].rank("dense").cast(pl.Int64).to_numpy() - 1
        shape = (pairs["user_id"].n_unique(), n_items)
        items = pairs["item_index"].to_numpy()
        return cls(sparse.csr_matrix((np.ones(len(users), np.float32), (users, items)), shape))

    @cached_property
    def share(self) -> np.ndarray:
        """Of the users, by item [N]; an item that nobody took counts as if one user had."""
        counts = np.asarray(self.matrix.sum(0)).ravel()
        return np.maximum(counts, 1) / max(self.matrix.shape[0], 1)

    def likeness(self, items: np.ndarray) -> np.ndarray:
        """Cosines of items [m] by the users who took both, [m, m]."""
        columns = self.matrix[:, items]
        together = np.asarray((columns.T @ columns).todense(), float)
        norms = np.sqrt(np.maximum(np.diag(together), 1))
        return together / norms[:, None] / norms


@dataclass(frozen=True)
class Lists:
    """Lists [L, k] of item indices, best first, with :data:`PAD` where one is shorter."""

    items: np.ndarray
    n_items: int  # in the catalogue
    taken: Taken

    @cached_property
    def exposures(self) -> np.ndarray:
        """How often each item is shown, [N]."""
        return np.bincount(self.items[self.items != PAD], minlength=self.n_items)


def rows_of(top: pl.DataFrame, index_of: pl.DataFrame, k: int) -> np.ndarray:
    """TOP_LISTS of one run as an array [L, k] of item indices.

    Args:
        top: ``example_id, position, item_id``.
        index_of: ``item_id, item_index`` of the corpus.
        k: places that count.
    """
    placed = top.filter(pl.col("position") <= k).join(index_of, on="item_id")
    rows = placed["example_id"].rank("dense").cast(pl.Int64).to_numpy() - 1
    lists = np.full((int(rows.max()) + 1 if len(rows) else 0, k), PAD)
    lists[rows, placed["position"].to_numpy() - 1] = placed["item_index"].to_numpy()
    return lists


def coverage(lists: Lists) -> float:
    """Share of the catalogue's items that any list shows."""
    return float((lists.exposures > 0).mean())


def gini(lists: Lists) -> float:
    """How unevenly items are shown: 0 all alike, near 1 a few alone."""
    counts = np.sort(lists.exposures)
    places = np.arange(1, len(counts) + 1)
    return float((2 * places - len(counts) - 1) @ counts / (len(counts) * max(counts.sum(), 1)))


def novelty(lists: Lists) -> float:
    """Mean of -log2 of the share of training users who took the item, in bits.

    Source: mean inverse user frequency (Castells, Vargas and Wang, 2011).
    """
    shown = lists.items[lists.items != PAD]
    return float(-np.log2(lists.taken.share[shown]).mean()) if shown.size else 0.0


def similarity(lists: Lists) -> float:
    """Mean over lists of the mean cosine of their pairs, by the training users who took both.

    Source: intra-list similarity (Ziegler et al., 2005), here without any content.
    """
    shown, places = np.unique(lists.items[lists.items != PAD], return_inverse=True)
    cosine = lists.taken.likeness(shown)
    at = np.full(lists.items.shape, PAD)
    at[lists.items != PAD] = places
    real = at != PAD
    pairs = cosine[at[:, :, None], at[:, None, :]] * (real[:, :, None] & real[:, None, :])
    sizes = real.sum(1)
    many = sizes > 1
    if not many.any():
        return 0.0
    total = pairs.sum((1, 2)) - np.einsum("lkk->l", pairs)
    return float((total[many] / (sizes * (sizes - 1))[many]).mean())
