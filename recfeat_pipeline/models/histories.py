"""Histories as tensors: a batch of example numbers in, padded items and weights out."""

import copy
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from recfeat_pipeline.content.slot import UserContent
from recfeat_pipeline.models.examples import CONTEXT, target_times

TIME_BINS = 1500


class Context(NamedTuple):
    """What is known of B users when they are to be recommended something."""

    history: Tensor  # int64 [B, L], newest first; N where there is no item
    weights: Tensor  # float32 [B, L]: debiased ratings or ones; 0 where there is no item
    times: Tensor  # int64 [B]: bin of the request's time, TIME_BINS when unknown
    users: Tensor | None = None  # int64 [B]: rows of users' content; None: there is none


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
    users: Tensor  # int64 [X]: rows of users' content, where there is such

    def __init__(
        self,
        events: pl.DataFrame,
        examples: pl.DataFrame,
        n_items: int,
        weights: str = "debiased",
        context: int = CONTEXT,
        known: UserContent | None = None,
    ):
        """``events`` and ``examples`` in their schemas; an example's rows point into events.

        ``context`` is L: the newest events of a history that are given. ``known`` is of users.
        """
        super().__init__()
        self.known = known
        self.events, self.n_items = events, n_items
        self.weighing, self.context = weights, context
        self.bins = _time_range(events)
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
        ):
            self.register_buffer(name, torch.tensor(array), False)
        self._point_at(events, examples)

    def over(self, events: pl.DataFrame, examples: pl.DataFrame) -> "Histories":
        """The same of other examples, on the same device; times fall into the same bins."""
        if events is self.events:
            other = copy.copy(self)
            other._buffers = dict(self._buffers)
        else:
            other = Histories(
                events, examples, self.n_items, self.weighing, self.context, self.known
            )
            other.bins = self.bins
        other._point_at(events, examples)
        return other.to(self.items.device)

    def _point_at(self, events: pl.DataFrame, examples: pl.DataFrame) -> None:
        for name, array in (
            ("rows", examples["event_row"].to_numpy()),
            ("lengths", examples["history_length"].to_numpy().astype(np.int64)),
            ("targets", examples["target_index"].to_numpy().astype(np.int64)),
            ("times", _binned(target_times(events, examples), self.bins)),
        ):
            self.register_buffer(name, torch.tensor(array), False)
        if self.known is not None:
            numbers = self.known.numbers(examples["user_id"])
            self.register_buffer("users", torch.from_numpy(numbers), False)

    def forward(self, batch: Tensor) -> tuple[Context, Tensor]:
        """What is known before each example of the batch [B], and its targets [B]."""
        row, length = self.rows[batch, None], self.lengths[batch, None]  # [B, 1]
        back = torch.arange(1, self.context + 1, device=row.device)  # [L], newest first
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
        users = None if self.known is None else self.users[batch]
        return Context(history, weights, self.times[batch], users), self.targets[batch]


def _time_range(events: pl.DataFrame) -> tuple[int, int] | None:
    """The first and the last training time; None where no time is known."""
    known = events.filter(pl.col("split") == "train")["timestamp"]
    first, last = known.min(), known.max()
    return None if first is None or last is None else (first, last)  # type: ignore[return-value]


def _binned(times: pl.Series, bins: tuple[int, int] | None) -> np.ndarray:
    """Equal bins between the first and the last training time; later times are in the last."""
    if bins is None:
        return np.full(len(times), TIME_BINS)
    first, last = bins
    width = max(last - first, 1) / TIME_BINS
    binned = ((times - first) / width).floor().clip(0, TIME_BINS - 1)
    return binned.fill_null(TIME_BINS).to_numpy().astype(np.int64)


def rows_of(examples: pl.DataFrame, split: str) -> Tensor:
    """Numbers (rows) of a split's examples, int64 [X]."""
    return torch.from_numpy(np.flatnonzero((examples["split"] == split).to_numpy()))
