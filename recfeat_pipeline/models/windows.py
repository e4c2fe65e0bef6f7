"""Training histories as windows: every event after the first is predicted from those before it."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from torch import Tensor

from recfeat_pipeline.models.data import Data


@dataclass(frozen=True)
class Windows:
    """The training events of every user who has two or more.

    A pass over the users shows each of them once: up to L + 1 events in a row, from another place
    each time. Events without a time and a position have no order, so they are given another one
    each time too.
    """

    items: Tensor  # int64 [R], by user, oldest first
    users: pl.Series  # user_id [U]
    starts: Tensor  # int64 [U]
    lengths: Tensor  # int64 [U]
    untimed: Tensor  # int64 [U]: the first events of a user, whose order is not known
    n_items: int
    context: int  # L

    @classmethod
    def of(cls, data: Data, context: int) -> "Windows":
        """Those of the training events, at most ``context`` events before a target."""
        events = data.train_events
        users = events["user_id"]
        starts = np.flatnonzero((users != users.shift(1)).fill_null(True).to_numpy())
        lengths = np.diff([*starts, events.height])
        drawn = events["timestamp"].is_null() & (not data.has_positions)
        unknown = drawn.to_numpy().astype(np.int64)
        untimed = np.add.reduceat(unknown, starts)
        kept = lengths > 1
        items = torch.from_numpy(events["item_index"].to_numpy().astype(np.int64))

        def of_users(values: np.ndarray) -> Tensor:
            return torch.from_numpy(values[kept].astype(np.int64))

        return cls(
            items, users.gather(starts[kept]), of_users(starts), of_users(lengths),
            of_users(untimed), data.n_items, context,
        )  # fmt: skip

    def __len__(self) -> int:
        """U."""
        return len(self.starts)

    def places(self) -> Tensor:
        """How many events are predicted of each user, [U]."""
        return (self.lengths - 1).clamp(max=self.context)

    def draw(self, users: Tensor) -> tuple[Tensor, Tensor]:
        """Windows [B, L] of the users [B], oldest first, N before the first; and what came next.

        What came next is [B, L] too, N where nothing is predicted. Draws from torch's generator.
        """
        lengths, untimed = self.lengths[users], self.untimed[users]
        width = int(min(int(lengths.max()), self.context + 1))
        last = lengths.clamp(min=width) - width  # the latest place where a window may begin
        begin = (torch.rand(len(users)) * (last + 1)).long().clamp(max=last)
        begin = torch.where(lengths > width, begin, lengths - width)  # short ones end at the end
        places = begin[:, None] + torch.arange(width)  # [B, L + 1], negative before the first
        at = self.starts[users, None] + self._shuffled(places, lengths, untimed)
        items = torch.where(places >= 0, self.items[at.clamp(min=0)], self.n_items)
        return items[:, :-1], torch.where(places[:, :-1] >= 0, items[:, 1:], self.n_items)

    def _shuffled(self, places: Tensor, lengths: Tensor, untimed: Tensor) -> Tensor:
        """The places with the untimed ones of each user in another order."""
        if int(untimed.max()) < 2:
            return places.clamp(min=0)
        every = torch.arange(int(lengths.max()))[None]  # [1, longest]
        keys = torch.where(every < untimed[:, None], torch.rand(len(places), every.shape[1]), 1.0)
        order = keys.argsort(dim=1, stable=True)  # [B, longest]: timed ones stay where they are
        return order.gather(1, places.clamp(min=0))
