"""SASRec, small: self-attention over the history in its order (Kang and McAuley, 2018).

It speaks to the training module as the two towers do: histories to unit user vectors, items to unit
item vectors, one shared item table. Each rollback example is one prediction, as for the other arms,
so the last block asks for the newest place only.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.examples import CONTEXT
from recfeat_pipeline.models.family import Family, setting
from recfeat_pipeline.models.histories import Context
from recfeat_pipeline.models.module import Learning, TowerModule
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.scorer import Scorer
from recfeat_pipeline.models.tower import Tower
from recfeat_pipeline.models.trained import build_module, count_parameters, restore, train

WIDTH = 64
N_HEADS = 2
DROPOUT = 0.2


@dataclass(frozen=True)
class Settings(Learning):
    """It learns as the published towers do."""

    context: int = setting(CONTEXT, "newest events of a history", table="model", least=1)


def build(data: Data, content: Content, recipe: Recipe) -> TowerModule:
    """The network with its initial parameters, and the data that it learns from."""
    context = recipe.settings.context
    network = SasRec(data.n_items, recipe.seed, context)
    return build_module(network, data, recipe, "uniform", context)


def fit(data: Data, content: Content, recipe: Recipe) -> Scorer:
    """Train the network."""
    return train(build(data, content, recipe), data, recipe)


def load(data: Data, content: Content, recipe: Recipe) -> Scorer:
    """The network as :func:`fit` left it."""
    return restore(build(data, content, recipe), recipe.out_dir)


class SasRec(Tower):
    """Two blocks of self-attention over N items' ids, L places deep."""

    content = None

    def __init__(self, n_items: int, seed: int = 0, context: int = CONTEXT):
        super().__init__()
        self.n_items = n_items
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.id_table = nn.Embedding(n_items + 1, WIDTH, padding_idx=n_items)
            self.position_table = nn.Embedding(context, WIDTH)  # 0 is the newest item
            self.blocks = nn.ModuleList([_Block(), _Block()])
        self.norm = nn.LayerNorm(WIDTH)

    def item_vectors(self, items: Tensor | None = None, blank: Tensor | None = None) -> Tensor:
        """Unit vectors [M, 64] of the given items, or of all N; ``blank`` ones are all alike."""
        rows = self.id_table.weight[slice(0, self.n_items) if items is None else items]
        if blank is not None:
            rows = rows.masked_fill(blank[:, None], 1.0)
        return functional.normalize(rows, dim=1)

    def user_vectors(self, context: Context) -> Tensor:
        """Unit vectors [B, 64]."""
        history = context.history  # [B, L], newest first
        held = history != self.n_items
        rows = self.id_table(history) + self.position_table.weight  # [B, L, 64]
        rows = functional.dropout(rows, DROPOUT, self.training)
        for block in self.blocks[:-1]:
            rows = block(rows, rows, held)
        newest = self.blocks[-1](rows[:, :1], rows, held)[:, 0]  # [B, 64]
        return functional.normalize(self.norm(newest), dim=1)


class _Block(nn.Module):
    """Attention and a pointwise feed-forward of the same width, each normalised and residual."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_norm, self.forward_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.query, self.out = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.key_value = nn.Linear(WIDTH, 2 * WIDTH)
        self.inner, self.outer = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, asking: Tensor, rows: Tensor, held: Tensor) -> Tensor:
        """[B, Q, 64] of the places that ask, over the [B, L, 64] that are ``held`` [B, L].

        Later places may look at earlier ones and back: all of them precede the target.
        """
        query = _heads(self.query(self.attention_norm(asking)))
        key, value = map(_heads, self.key_value(self.attention_norm(rows)).chunk(2, dim=-1))
        read = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=held[:, None, None, :]
        )  # [B, H, Q, 64 / H]
        asking = asking + self._drop(self.out(read.transpose(1, 2).flatten(2)))
        inner = functional.relu(self.inner(self.forward_norm(asking)))
        return asking + self._drop(self.outer(self._drop(inner)))

    def _drop(self, rows: Tensor) -> Tensor:
        return functional.dropout(rows, DROPOUT, self.training)


def _heads(rows: Tensor) -> Tensor:
    return rows.unflatten(-1, (N_HEADS, -1)).transpose(1, 2)  # [B, H, ., 64 / H]


family = Family(
    title="Self-attention over the history",
    fit=fit,
    load=load,
    size=lambda data, width, settings: count_parameters(
        SasRec(data.n_items, context=settings.context)
    ),
    settings=Settings,
    trained=True,
    draws=True,
)
