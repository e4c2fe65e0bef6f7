"""Who took what: a sparse matrix of 0 and 1 by rows (compressed sparse rows)."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from torch import Tensor


@dataclass(frozen=True)
class Taken:
    """Row r holds ``columns[offsets[r]:offsets[r + 1]]``, the last one up to the end."""

    offsets: Tensor  # int64 [R]
    columns: Tensor  # int64
    n_columns: int

    @classmethod
    def of(cls, events: pl.DataFrame, n_items: int) -> "Taken":
        """Users × items, from EVENTS (a user's rows are contiguous)."""
        new = events.select(pl.col("user_id") != pl.col("user_id").shift(1)).to_series()
        starts = np.flatnonzero(new.fill_null(True).to_numpy())
        items = events["item_index"].to_numpy().astype(np.int64)
        return cls(torch.from_numpy(starts), torch.from_numpy(items), n_items)

    def __len__(self) -> int:
        return len(self.offsets)

    def lengths(self) -> Tensor:
        """Entries per row, int64 [rows]."""
        return torch.cat([self.offsets, torch.tensor([len(self.columns)])]).diff()

    def counts(self) -> Tensor:
        """Entries per column, float32 [columns]."""
        return torch.bincount(self.columns, minlength=self.n_columns).float()

    def transposed(self) -> "Taken":
        """Columns as rows."""
        rows = torch.repeat_interleave(torch.arange(len(self)), self.lengths())
        order = self.columns.argsort(stable=True)
        per_column = torch.bincount(self.columns, minlength=self.n_columns)
        return Taken(per_column.cumsum(0) - per_column, rows[order], len(self))

    def dense(self, start: int, stop: int) -> Tensor:
        """Rows [start, stop) as a float32 matrix."""
        lengths = self.lengths()[start:stop]
        rows = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
        first = int(self.offsets[start])
        block = torch.zeros(len(lengths), self.n_columns)
        block[rows, self.columns[first : first + len(rows)]] = 1.0
        return block
