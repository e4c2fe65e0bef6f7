"""Attention in the forms that models share: over what came before, and over all there is."""

import torch
from torch import Tensor, nn
from torch.nn import functional

OUT = -1e4
"""Logit of what is not looked at: its share is 0 in single precision, and alone it is no NaN."""


class AdditiveAttention(nn.Module):
    """Rows weighed by a small network's logits (Bahdanau et al., 2015; NAML, Wu et al., 2019).

    Args:
        width: W of the rows.
        queries: K, by how many each is weighed.
    """

    def __init__(self, width: int, queries: int = 1):
        super().__init__()
        self.inner, self.query = nn.Linear(width, width), nn.Linear(width, queries, bias=False)

    def logits(self, rows: Tensor) -> Tensor:
        """[…, L, K] of rows […, L, W]."""
        return self.query(torch.tanh(self.inner(rows)))

    def forward(self, rows: Tensor, held: Tensor) -> Tensor:
        """[B, W] of rows [B, L, W] where ``held`` [B, L], by the first query; else 0."""
        weights = self.logits(rows)[..., 0].masked_fill(~held, OUT).softmax(1) * held
        return (weights[:, None] @ rows)[:, 0]


def up_to_each(logits: Tensor, held: Tensor) -> Tensor:
    """Weights [B, K, L, L] of the places up to each place, from their logits [B, L, K].

    Where nothing up to a place is held the weights are those of places that hold nothing.
    """
    length = held.shape[1]
    before = torch.ones(length, length, dtype=torch.bool, device=held.device).tril()
    seen = before & held[:, None]  # [B, L, L]
    every = logits.transpose(1, 2)[:, :, None].expand(-1, -1, length, -1)  # [B, K, L, L]
    return every.masked_fill(~seen[:, None], OUT).softmax(-1)


class Block(nn.Module):
    """Attention and a pointwise feed-forward of the same width, each normalised and residual."""

    def __init__(self, width: int, heads: int, rate: float):
        super().__init__()
        self.heads, self.rate = heads, rate
        self.attention_norm, self.forward_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.inner, self.outer = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        """[B, L, W] of rows [B, L, W] that look where the mask [B, 1, L, L] is True."""
        parts = self.query_key_value(self.attention_norm(rows)).chunk(3, dim=-1)
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts
        )  # [B, H, L, W / H]
        read = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        rows = rows + self._drop(self.out(read.transpose(1, 2).flatten(2)))
        inner = self._drop(functional.gelu(self.inner(self.forward_norm(rows))))
        return rows + self._drop(self.outer(inner))

    def _drop(self, rows: Tensor) -> Tensor:
        return functional.dropout(rows, self.rate, self.training)


def causal_mask(held: Tensor) -> Tensor:
    """[B, 1, L, L]: each place looks at held ones up to itself; one that holds nothing at itself.

    A row without any place would be no number.
    """
    length = held.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=held.device).tril()
    alone = torch.eye(length, dtype=torch.bool, device=held.device)
    return ((causal & held[:, None]) | alone)[:, None]
