"""Item-item matrices [N, N], float32: how much having item i (row) speaks for item j (column)."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.choose import choose, choose_weight
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.reading import Reading, ReadingSettings, readings
from recfeat_pipeline.models.scorer import Scores
from recfeat_pipeline.models.taken import Taken

BLOCK = 4096  # users at once
MOST_ITEMS = 20_000
"""Of a dense matrix of items × items: 1.6 GB, and twice or thrice that while it is solved."""
SHRINK = 10.0  # co-occurrences below this are not yet trusted
UNTRUSTED = 10.0  # events after an item below which its followers are not yet trusted
CONTENT_NEIGHBOURS = 50
CONTENT_WEIGHT = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


class ItemItem(Scores):
    """Sum of the rows of an item-item matrix over the history, as it is read."""

    def __init__(self, weights: Tensor, reading: Reading, settings: Mapping[str, Any]):
        # A solver leaves its columns in a row; sums of rows of that take ten times as long.
        self.weights, self.reading = weights.contiguous(), reading
        super().__init__(self._sum, {**settings, **asdict(reading)})

    def _sum(self, held: HeldOut, start: int, stop: int) -> Tensor:
        taken = held.known.histories(start, stop, len(self.weights), self.reading.context)
        return torch.nn.functional.embedding_bag(
            taken.columns,
            self.weights,
            taken.offsets,
            mode="sum",
            per_sample_weights=self.reading.weights(taken),
        )


def choose_reading(data: Data, fitted: ItemItem, settings: ReadingSettings) -> ItemItem:
    """The fitted model with the reading that is best on validation."""
    kept = {k: v for k, v in fitted.settings.items() if k not in ("context", "decay")}
    return choose(data, readings(settings), lambda each: ItemItem(fitted.weights, each, kept))


def choose_content_weight(data: Data, content: Content, fitted: ItemItem) -> ItemItem:
    """The fitted model beside likeness of content, which weighs what is best on validation.

    An item hears the :data:`CONTENT_NEIGHBOURS` items whose features are nearest by cosine; at
    weight 1 their sum is as large as that of the fitted matrix.
    """
    if not content.width:
        return fitted
    rows = torch.from_numpy(content.matrix)
    alike = torch.nn.functional.normalize(rows - rows.mean(0), dim=1)
    alike = nearest((alike @ alike.T).clamp_(min=0), CONTENT_NEIGHBOURS)
    alike *= fitted.weights.sum() / alike.sum().clamp(min=1e-9)
    kept = {k: v for k, v in fitted.settings.items() if k not in ("context", "decay")}
    beside = ItemItem(alike, fitted.reading, {})
    weight = choose_weight(data, CONTENT_WEIGHT, fitted, beside)
    return ItemItem(
        fitted.weights + weight * alike, fitted.reading, {**kept, "content_weight": weight}
    )


def gram(train: Taken) -> Tensor:
    """XᵀX [N, N]: how many users took both items; on the diagonal, either."""
    total = torch.zeros(train.n_columns, train.n_columns)
    for start in range(0, len(train), BLOCK):
        block = train.dense(start, start + BLOCK)
        total.addmm_(block.T, block)
    return total


def ease(similarity: Tensor, ridge: float) -> Tensor:
    """EASE: the item-item weights [N, N] of least squared error; no item speaks for itself.

    Closed form (Steck, 2019): with P the inverse of the ridged Gram matrix, B = I - P / diag(P).
    """
    return _without_self(_inverse(similarity, ridge))


def ease_with_content(similarity: Tensor, ridge: float, rows: Tensor) -> Callable[[float], Tensor]:
    """EASE with content as further rows of the interaction matrix, for any weight of them.

    Args:
        similarity: as :func:`ease` takes it.
        ridge: likewise.
        rows: content [N, D].

    Returns:
        By weight, ``ease(similarity + weight * rows @ rows.T, ridge)``. Of few columns it is made
        from the inverse without them (Woodbury's identity): 4 N² D operations instead of N³.
    """
    n_items, width = rows.shape
    if 2 * width > n_items:
        return lambda weight: ease(similarity + weight * rows @ rows.T, ridge)
    inverse = _inverse(similarity, ridge)
    toward = inverse @ rows
    within, identity = (rows.T @ toward).double(), torch.eye(width, dtype=torch.float64)

    def weighed(weight: float) -> Tensor:
        solved = torch.linalg.solve(within + identity / weight, toward.T.double()).float()
        return _without_self(torch.addmm(inverse, toward, solved, alpha=-1))

    return weighed


def _inverse(similarity: Tensor, ridge: float) -> Tensor:
    ridged = similarity + ridge * torch.eye(len(similarity))
    return torch.cholesky_inverse(torch.linalg.cholesky(ridged))


def _without_self(inverse: Tensor) -> Tensor:
    return (inverse / -inverse.diagonal()).fill_diagonal_(0.0)


def cosine_neighbours(similarity: Tensor, neighbours: int) -> Tensor:
    """Shrunk cosine of the items' user sets, [N, N]; the nearest ``neighbours`` are kept."""
    counts = similarity.diagonal()
    cosine = similarity / (torch.outer(counts, counts).sqrt() + SHRINK)
    return nearest(cosine, neighbours)


def nearest(similarity: Tensor, neighbours: int) -> Tensor:
    """The similarity [N, N] of each item (column) to its nearest others, and 0 elsewhere."""
    others = similarity.clone().fill_diagonal_(0.0)
    kept = others.topk(min(neighbours, len(others)), dim=0)
    return torch.zeros_like(others).scatter_(0, kept.indices, kept.values)


def transitions(events: pl.DataFrame, train: Taken, orders: int = 1, decay: float = 1.0) -> Tensor:
    """How often item j followed item i within a user's training events, as a share of i's.

    Followers up to ``orders`` places on count, each place ``decay`` times the one before. A row is
    divided by its sum and :data:`UNTRUSTED` more, so that what was seen twice says little;
    popularity breaks ties. Where the training order is unknown it is the pinned pseudo-random one,
    and "followed" means no more than "was taken by the same user".
    """
    n_items = train.n_columns
    counts = torch.zeros(n_items * n_items)
    for place in range(orders):
        before = pl.col("item_index").shift(place + 1).over("user_id").alias("before")
        pairs = events.select(before, "item_index").drop_nulls()
        at = pairs["before"].to_numpy().astype(np.int64) * n_items + pairs["item_index"].to_numpy()
        counts.index_add_(0, torch.from_numpy(at), torch.full((len(at),), decay**place))
    counts = counts.view(n_items, n_items)
    popularity = train.counts()
    tie_breaker = 1e-3 * popularity / (1 + popularity.sum())
    return (counts + tie_breaker) / (counts.sum(1, keepdim=True) + UNTRUSTED)
