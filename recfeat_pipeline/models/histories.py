"""Histories as tensors: a batch of example numbers in, padded items and weights out."""

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from recfeat_pipeline.models.examples import CONTEXT, target_times
from recfeat_pipeline.models.tower import TIME_BINS, Context


class Histories(nn.Module):
    """Every event and example, held on the model's device so that a step copies only numbers.

    A module without parameters: its buffers follow the model to a device.

    ``weights`` says what a history's items weigh: ``debiased``, the rating less the mean of the
    user's ratings before the target; ``debiased_future``, less the mean of all the user's ratings
    (as published: it knows the future); ``uniform``, 1. Where any rating is unknown every weight
    is 1, for a weight must mean the same in training and in test.
    """

    items: Tensor  # int64 [R], by event row
    ratings: Tensor  # float32 [R]
    rating_sums: Tensor  # float64 [R + 1]: sum of the ratings before a row
    rows: Tensor  # int64 [X], by example: the target's event row
    lengths: Tensor  # int64 [X]
    targets: Tensor  # int64 [X]
    times: Tensor  # int64 [X]: bin of the target's time

    def __init__(
        self,
        events: pl.DataFrame,
        examples: pl.DataFrame,
        n_items: int,
        weights: str = "debiased",
    ):
        """``events`` and ``examples`` in their schemas; an example's rows point into events."""
        super().__init__()
        self.n_items = n_items
        ratings = events["rating"]
        self.is_uniform = weights == "uniform" or ratings.null_count() > 0
        if weights == "debiased_future":
            ratings -= events.select(pl.col("rating").mean().over("user_id")).to_series()
        self.knows_future = weights == "debiased_future"
        values = ratings.fill_null(0).to_numpy().astype(np.float64)
        for name, array in (
            ("items", events["item_index"].to_numpy().astype(np.int64)),
            ("ratings", values.astype(np.float32)),
            ("rating_sums", np.concatenate([[0.0], np.cumsum(values)])),
            ("rows", examples["event_row"].to_numpy()),
            ("lengths", examples["history_length"].to_numpy().astype(np.int64)),
            ("targets", examples["target_index"].to_numpy().astype(np.int64)),
            ("times", _time_bins(events, examples)),
        ):
            self.register_buffer(name, torch.tensor(array), False)

    def forward(self, batch: Tensor) -> tuple[Context, Tensor]:
        """What is known before each example of the batch [B], and its targets [B]."""
        row, length = self.rows[batch, None], self.lengths[batch, None]  # [B, 1]
        back = torch.arange(1, CONTEXT + 1, device=row.device)  # [L], newest first
        held = back <= length  # [B, L]
        at = (row - back).clamp(min=0)
        history = torch.where(held, self.items[at], self.n_items)
        if self.is_uniform:
            weights = held.float()
        elif self.knows_future:
            weights = torch.where(held, self.ratings[at], 0.0)
        else:
            mean = (self.rating_sums[row] - self.rating_sums[row - length]) / length.clamp(min=1)
            weights = torch.where(held, self.ratings[at] - mean.float(), 0.0)
        return Context(history, weights, self.times[batch]), self.targets[batch]


def _time_bins(events: pl.DataFrame, examples: pl.DataFrame) -> np.ndarray:
    """Equal bins between the first and the last training time; later times are in the last."""
    times = target_times(events, examples)
    known = events.filter(pl.col("split") == "train")["timestamp"]
    first, last = known.min(), known.max()
    if first is None or last is None:
        return np.full(examples.height, TIME_BINS)
    width = max(last - first, 1) / TIME_BINS  # type: ignore[operator]
    bins = ((times - first) / width).floor().clip(0, TIME_BINS - 1)
    return bins.fill_null(TIME_BINS).to_numpy().astype(np.int64)
