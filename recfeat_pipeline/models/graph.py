"""Who took what as a graph, and what passes along its edges.

LightGCN (He et al., 2020): a layer gives each node the sum of its neighbours' rows, an edge being
worth one over the root of both ends' degrees. No weight is learnt between layers.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from recfeat_pipeline.models.taken import Taken


class Graph(nn.Module):
    """Users × items with normalised edges; its buffers follow a model to a device.

    A product with it sums rows through ``embedding_bag``, which on a CPU takes a third of the time
    of torch's sparse product; its own gradient would take much longer.
    """

    degrees: Tensor  # float32 [N]: of the items

    def __init__(self, train: Taken):
        """``train`` is users × items of the training events."""
        super().__init__()
        back = train.transposed()
        self.n_users, self.n_items = len(train), train.n_columns
        of_users, of_items = train.lengths().clamp(min=1), back.lengths().clamp(min=1)
        for name, side, own, other in (
            ("users", train, of_users, of_items),
            ("items", back, of_items, of_users),
        ):
            rows = own.repeat_interleave(side.lengths())
            worth = (rows * other[side.columns]).float().rsqrt()
            self.register_buffer(f"{name}_offsets", side.offsets, persistent=False)
            self.register_buffer(f"{name}_columns", side.columns, persistent=False)
            self.register_buffer(f"{name}_worth", worth, persistent=False)
        self.register_buffer("degrees", of_items.float(), persistent=False)

    def to_users(self, items: Tensor) -> Tensor:
        """[U, W] of the items' rows [N, W]."""
        return _Product.apply(items, self._edges("users"), self._edges("items"))

    def to_items(self, users: Tensor) -> Tensor:
        """[N, W] of the users' rows [U, W]."""
        return _Product.apply(users, self._edges("items"), self._edges("users"))

    def layers(self, users: Tensor, items: Tensor, n_layers: int) -> list[tuple[Tensor, Tensor]]:
        """Rows of users [U, W] and items [N, W] after 0, 1, … layers: n_layers + 1 pairs."""
        found = [(users, items)]
        for _ in range(n_layers):
            users, items = found[-1]
            found.append((self.to_users(items), self.to_items(users)))
        return found

    def _edges(self, name: str) -> tuple[Tensor, Tensor, Tensor]:
        return tuple(getattr(self, f"{name}_{part}") for part in ("columns", "offsets", "worth"))


class _Product(torch.autograd.Function):
    """A sparse product; the gradient is that with the transposed matrix."""

    @staticmethod
    def forward(context: Any, rows: Tensor, edges: Any, transposed: Any) -> Tensor:
        context.transposed = transposed
        return _sums(rows, edges)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _sums(gradient.contiguous(), context.transposed), None, None


def _sums(rows: Tensor, edges: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    columns, offsets, worth = edges
    return functional.embedding_bag(columns, rows, offsets, mode="sum", per_sample_weights=worth)
