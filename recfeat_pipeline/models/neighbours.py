"""Neighbour seeding: how many of an item's content neighbours are its co-watch neighbours.

A new item has no co-watchers yet; a recommender that seeds it with content neighbours bets that the
two agree. Items of the catalogue whose co-watchers are known tell how good a bet that is.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
import torch

from recfeat_pipeline.models.item_models import cosine_neighbours, gram
from recfeat_pipeline.models.taken import Taken
from recfeat_pipeline.schemas import NEIGHBOURS

MIN_COUNT = 50
"""Training events from which an item's co-watch neighbours are taken for known."""


@dataclass(frozen=True)
class CoWatched:
    """The items whose co-watchers are known (M of N), and each one's nearest by co-watching."""

    known: torch.Tensor  # int64 [M]: item indices, those with at least MIN_COUNT training events
    ids: pl.Series  # [M]: their item ids
    nearest: torch.Tensor  # int64 [M, k]: by cosine, as rows of ``known``

    @classmethod
    def of(cls, events: pl.DataFrame, items: pl.DataFrame, k: int = 20) -> "CoWatched":
        """From the training events of EVENTS, and ITEMS; the same for every content."""
        ids = items.filter("in_corpus").sort("item_index")["item_id"]
        train = Taken.of(events.filter(pl.col("split") == "train"), len(ids))
        known = torch.nonzero(train.counts() >= MIN_COUNT).squeeze(1)
        together = gram(train)[known][:, known]
        nearest = _nearest(cosine_neighbours(together, len(known)), k)
        return cls(known, ids.gather(known.numpy()), nearest)

    def overlap(self, matrix: np.ndarray) -> pl.DataFrame:
        """Per item, the share of its k content neighbours, by cosine, that are co-watch neighbours.

        Args:
            matrix: content [N, D]; items without content are left out as items, not as candidates.

        Returns:
            :data:`~recfeat_pipeline.schemas.NEIGHBOURS`.
        """
        rows = torch.from_numpy(matrix)[self.known]
        unit = torch.nn.functional.normalize(rows, dim=1)
        k, n = self.nearest.shape[1], len(self.known)
        near = _nearest((unit @ unit.T).fill_diagonal_(-2.0), k)
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


def _nearest(similarity: torch.Tensor, k: int) -> torch.Tensor:
    """Indices [M, k] of each row's most similar others."""
    return similarity.topk(min(k, max(len(similarity) - 1, 0)), dim=1).indices


def _shared(ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """Share of each row of ``ours`` that is in the same row of ``theirs``."""
    return (ours[:, :, None] == theirs[:, None, :]).any(2).double().mean(1)
