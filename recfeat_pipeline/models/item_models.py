"""Item-item matrices [N, N], float32: how much having item i (row) speaks for item j (column)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor

from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.scorer import Scores
from recfeat_pipeline.models.taken import Taken

BLOCK = 4096  # users at once
SHRINK = 10.0  # co-occurrences below this are not yet trusted


class ItemItem(Scores):
    """Sum of the rows of an item-item matrix over the history, or over its newest events."""

    def __init__(self, weights: Tensor, context: int | None, settings: Mapping[str, Any]):
        self.weights, self.context = weights, context
        super().__init__(self._sum, settings)

    def _sum(self, held: HeldOut, start: int, stop: int) -> Tensor:
        taken = held.known.histories(start, stop, len(self.weights), self.context)
        return torch.nn.functional.embedding_bag(
            taken.columns, self.weights, taken.offsets, mode="sum"
        )


def gram(train: Taken) -> Tensor:
    """XᵀX: how many users took both items; on the diagonal, either."""
    total = torch.zeros(train.n_columns, train.n_columns)
    for start in range(0, len(train), BLOCK):
        block = train.dense(start, start + BLOCK)
        total.addmm_(block.T, block)
    return total


def ease(similarity: Tensor, ridge: float) -> Tensor:
    """EASE: the item-item weights, with no item speaking for itself, of least squared error.

    Closed form (Steck, 2019): with P the inverse of the ridged Gram matrix, B = I - P / diag(P).
    """
    ridged = similarity + ridge * torch.eye(len(similarity))
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(ridged))
    weights = inverse / -inverse.diagonal()
    return weights.fill_diagonal_(0.0)


def cosine_neighbours(similarity: Tensor, neighbours: int) -> Tensor:
    """Shrunk cosine of the items' user sets; each item hears its nearest ``neighbours`` only."""
    counts = similarity.diagonal()
    cosine = similarity / (torch.outer(counts, counts).sqrt() + SHRINK)
    cosine = cosine.clone().fill_diagonal_(0.0)
    kept = cosine.topk(min(neighbours, len(cosine)), dim=0)  # per candidate (column)
    return torch.zeros_like(cosine).scatter_(0, kept.indices, kept.values)


def transitions(train_events: pl.DataFrame, train: Taken) -> Tensor:
    """How often item j followed item i within a user's training events; popularity breaks ties.

    ``train`` holds who took what in ``train_events``. Where the training order is unknown it is the
    pinned pseudo-random one, and "followed" means no more than "was taken by the same user".
    """
    n_items = train.n_columns
    previous = pl.col("item_index").shift(1).over("user_id")
    pairs = train_events.select(previous.alias("previous"), "item_index").drop_nulls()
    counts = torch.from_numpy(
        np.bincount(
            pairs["previous"].to_numpy().astype(np.int64) * n_items
            + pairs["item_index"].to_numpy(),
            minlength=n_items**2,
        ).reshape(n_items, n_items)
    ).float()
    popularity = train.counts()
    return counts + popularity / (1 + popularity.sum())
