"""Neighbour seeding: how many of an item's content neighbours are its co-watch neighbours.

A new item has no co-watchers yet; a recommender that seeds it with content neighbours bets that the
two agree. Items of the catalogue whose co-watchers are known tell how good a bet that is.
"""

import numpy as np
import polars as pl
import torch

from recfeat_pipeline.models.item_models import cosine_neighbours, gram
from recfeat_pipeline.models.taken import Taken
from recfeat_pipeline.schemas import NEIGHBOURS

MIN_COUNT = 50
"""Training events from which an item's co-watch neighbours are taken for known."""


def neighbour_overlap(
    events: pl.DataFrame, items: pl.DataFrame, matrix: np.ndarray, k: int = 20
) -> pl.DataFrame:
    """Per item, the share of its ``k`` content neighbours that are co-watch neighbours.

    Both are by cosine; candidates and items are those with at least 50 training events.

    Args:
        events: EVENTS; the training ones give the co-watch neighbours.
        items: ITEMS.
        matrix: content [N, D]; items without content are left out as items, not as candidates.
        k: neighbours.

    Returns:
        :data:`~recfeat_pipeline.schemas.NEIGHBOURS`.
    """
    train = Taken.of(events.filter(pl.col("split") == "train"), len(matrix))
    known = torch.nonzero(train.counts() >= MIN_COUNT).squeeze(1)
    together = gram(train)[known][:, known]
    true = _nearest(cosine_neighbours(together, len(known)), k)
    rows = torch.from_numpy(matrix)[known]
    unit = torch.nn.functional.normalize(rows, dim=1)
    near = _nearest((unit @ unit.T).fill_diagonal_(-2.0), k)
    has_content = rows.abs().sum(1) > 0
    ids = items.filter("in_corpus").sort("item_index")["item_id"].gather(known.numpy())
    return (
        pl.DataFrame(
            {
                "item_id": ids,
                "k": pl.Series([k] * len(ids), dtype=pl.Int32),
                "overlap": _shared(near, true).numpy(),
                "expected": np.full(len(ids), near.shape[1] / max(len(known) - 1, 1)),
            }
        )
        .filter(pl.Series(has_content.numpy()))
        .select(list(NEIGHBOURS))
    )


def _nearest(similarity: torch.Tensor, k: int) -> torch.Tensor:
    """Indices [M, k] of each row's most similar others."""
    return similarity.topk(min(k, max(len(similarity) - 1, 0)), dim=1).indices


def _shared(ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """Share of each row of ``ours`` that is in the same row of ``theirs``."""
    return (ours[:, :, None] == theirs[:, None, :]).any(2).double().mean(1)
