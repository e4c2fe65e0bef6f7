"""Neighbour seeding: how many of an item's content neighbours are its neighbours by shared users.

A new item shares no users yet; a recommender that seeds it with content neighbours bets that the
two agree. Items of the catalogue whose users are known tell how good a bet that is.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse
import torch

from recfeat_pipeline.models.item_models import SHRINK
from recfeat_pipeline.models.taken import Taken
from recfeat_pipeline.schemas import NEIGHBOURS

BLOCK = 1024  # items whose similarities are held at once: never items × items
MIN_COUNT = 50
"""Training events from which an item's neighbours by shared users are taken for known."""


@dataclass(frozen=True)
class CoWatched:
    """The items whose users are known (M of N), and each one's nearest by shared users."""

    known: torch.Tensor  # int64 [M]: item indices, those with at least MIN_COUNT training events
    ids: pl.Series  # [M]: their item ids
    nearest: torch.Tensor  # int64 [M, k]: by cosine, as rows of ``known``

    @classmethod
    def of(cls, events: pl.DataFrame, items: pl.DataFrame, k: int = 20) -> "CoWatched":
        """From the training events of EVENTS, and ITEMS; the same for every content."""
        ids = items.filter("in_corpus").sort("item_index")["item_id"]
        train = Taken.of(events.filter(pl.col("split") == "train"), len(ids))
        known = torch.nonzero(train.counts() >= MIN_COUNT).squeeze(1)
        nearest = _nearest(_cosines(train, known), len(known), k)
        return cls(known, ids.gather(known.numpy()), nearest)

    def overlap(self, matrix: np.ndarray) -> pl.DataFrame:
        """Per item, the share of its k content neighbours, by cosine, that share users with it.

        Args:
            matrix: content [N, D]; items without content are left out as items, not as candidates.

        Returns:
            :data:`~recfeat_pipeline.schemas.NEIGHBOURS`.
        """
        rows = torch.from_numpy(matrix)[self.known]
        unit = torch.nn.functional.normalize(rows, dim=1)
        k, n = self.nearest.shape[1], len(self.known)
        near = _nearest(lambda start, stop: unit[start:stop] @ unit.T, n, k)
        return (
            pl.DataFrame(
                {
                    "item_id": self.ids,
                    "k": pl.Series([k] * n, dtype=pl.Int32),
                    "overlap": _shared(near, self.nearest).numpy(),
                    "expected": np.full(n, k / max(n - 1, 1)),
                }
            )
            .filter(pl.Series((rows.abs().sum(1) > 0).numpy()))
            .select(list(NEIGHBOURS))
        )


def _cosines(train: Taken, known: torch.Tensor) -> Callable[[int, int], torch.Tensor]:
    """Rows [start, stop) of the shrunk cosines [M, M] of the known items' user sets."""
    shape = len(train), train.n_columns
    ends = np.append(train.offsets.numpy(), len(train.columns))
    ones = np.ones(len(train.columns), np.float32)
    taken = scipy.sparse.csr_array((ones, train.columns.numpy(), ends), shape=shape)
    taken.sum_duplicates()
    taken.data[:] = 1.0
    users = taken[:, known.numpy()].tocsc()
    counts = torch.from_numpy(np.asarray(users.sum(0), np.float32).ravel())

    def rows(start: int, stop: int) -> torch.Tensor:
        together = torch.from_numpy((users[:, start:stop].T @ users).toarray())
        return together / (torch.outer(counts[start:stop], counts).sqrt() + SHRINK)

    return rows


def _nearest(similar: Callable[[int, int], torch.Tensor], n: int, k: int) -> torch.Tensor:
    """Indices [n, k] of each row's most similar others; rows are asked for in blocks."""
    found = [torch.zeros(0, min(k, max(n - 1, 0)), dtype=torch.int64)]
    for start in range(0, n, BLOCK):
        block = similar(start, min(start + BLOCK, n)).clone()
        own = torch.arange(len(block))
        block[own, start + own] = -2.0
        found.append(block.topk(found[0].shape[1], dim=1).indices)
    return torch.cat(found)


def _shared(ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """Share of each row of ``ours`` that is in the same row of ``theirs``."""
    return (ours[:, :, None] == theirs[:, None, :]).any(2).double().mean(1)
