"""Histories as tensors: a batch of example numbers in, padded items and weights out."""

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from recfeat_pipeline.models.examples import CONTEXT


class Histories(nn.Module):
    """Every event and example, held on the model's device so that a step copies only numbers.

    A module without parameters: its buffers follow the model to a device.
    """

    items: Tensor  # int64 [R], by event row
    ratings: Tensor  # float32 [R]
    rating_sums: Tensor  # float64 [R + 1]: sum of the ratings before a row
    rows: Tensor  # int64 [X], by example: the target's event row
    lengths: Tensor  # int64 [X]
    targets: Tensor  # int64 [X]

    def __init__(self, events: pl.DataFrame, examples: pl.DataFrame, n_items: int):
        """``events`` and ``examples`` in their schemas; an example's rows point into events."""
        super().__init__()
        self.n_items = n_items
        ratings = events["rating"].to_numpy().astype(np.float64)
        # Implicit feedback, or ratings unknown in part: a weight must mean the same everywhere.
        self.is_implicit = bool(np.isnan(ratings).any()) or ratings.size == 0
        sums = np.concatenate([[0.0], np.cumsum(ratings)])
        for name, array in (
            ("items", events["item_index"].to_numpy().astype(np.int64)),
            ("ratings", ratings.astype(np.float32)),
            ("rating_sums", sums),
            ("rows", examples["event_row"].to_numpy()),
            ("lengths", examples["history_length"].to_numpy().astype(np.int64)),
            ("targets", examples["target_index"].to_numpy().astype(np.int64)),
        ):
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(array)), False)

    def forward(self, batch: Tensor, uniform: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Histories [B, 50] (``n_items`` pads), weights [B, 50] (0 pads) and targets [B].

        A weight is the rating less the mean of the user's ratings before the target: only the
        past. Weights are 1 when ``uniform`` or when ratings are unknown.
        """
        row, length = self.rows[batch, None], self.lengths[batch, None]  # [B, 1]
        back = torch.arange(1, CONTEXT + 1, device=row.device)  # [L], newest first
        held = back <= length  # [B, L]
        at = (row - back).clamp(min=0)
        history = torch.where(held, self.items[at], self.n_items)
        if uniform or self.is_implicit:
            weights = held.float()
        else:
            mean = (self.rating_sums[row] - self.rating_sums[row - length]) / length.clamp(min=1)
            weights = torch.where(held, self.ratings[at] - mean.float(), 0.0)
        return history, weights, self.targets[batch]
