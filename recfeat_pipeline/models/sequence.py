"""Models of sequences: a state after each event of a history, an item as an id beside its content.

A score is the product of a state and an item's row, plus the item's own bias. The item's row is the
sum of its id's and a linear map of its content, in the history and among the candidates alike, so
that content speaks for an item whose id has learnt little (and alone for a new one). Where
something is known of users, a linear map of it is added to each state of theirs.

Notation: B users, L places of a history, N items, D content columns, W the width.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from recfeat_pipeline.models.family import setting
from recfeat_pipeline.models.histories import Context
from recfeat_pipeline.models.initial import initialise
from recfeat_pipeline.models.module import Learning
from recfeat_pipeline.models.tower import Tower


@dataclass(frozen=True)
class PlaceSettings(Learning):
    """Of what learns at every place of a history; found on MovieLens and Amazon Beauty."""

    window: int = setting(50, "events before a target in training", table="model", least=1)
    width: int = setting(64, "of an item's row", table="model", least=2, space=(64, 128))
    bias: bool = setting(True, "an item's score has a bias: its popularity", table="model")
    dropout: float = setting(0.3, "of rows and states", least=0, space=(0.1, 0.3, 0.5))
    weight_decay: float = setting(0.1, "of AdamW, on matrices", least=0, space=(0.0, 0.1, 0.3))
    learning_rate: float = setting(
        2e-3, "of AdamW at first, after a short warm-up", least=1e-9, space=(1e-3, 2e-3, 5e-3)
    )
    final_learning_rate: float = setting(1e-4, "reached by a cosine over all steps", least=0)
    adam_eps: float = setting(1e-8, "of AdamW", least=0)
    clip_norm: float = setting(5.0, "of the gradients", least=0)
    batch_size: int = setting(1024, "predicted events of a step, about", least=1)
    negatives: int = setting(
        1024,
        "items sampled per step, with logQ; 0, or a catalogue not four times as large: full "
        "softmax",
        least=0,
        space=(256, 1024),
    )
    loss: str = setting(
        "softmax",
        "over the catalogue, or a sample of it; or bpr, the target against each drawn item",
        choices=("softmax", "bpr"),
        space=("softmax", "bpr"),
    )
    mask_seen: bool = setting(
        True, "an item already in the history is no candidate in a full softmax"
    )

    def n_sampled(self, n_items: int) -> int:
        """See :class:`Learning`: a sample pays where it is a quarter of the catalogue or less."""
        return self.negatives if 4 * self.negatives < n_items else 0


@dataclass(frozen=True)
class SequenceSettings(PlaceSettings):
    """What the families of sequences share."""

    own_output: bool = setting(
        False, "candidates have ids of their own, apart from the history's", table="model"
    )
    unit: bool = setting(
        False, "states and rows have length 1, and `temperature` counts", table="model"
    )


class PlaceTower(Tower):
    """A tower with a state after each event of a history."""

    def states_of(self, history: Tensor, users: Tensor | None = None) -> Tensor:
        """[B, L, W] of histories [B, L] in their order; N where there is no item.

        ``users`` [B] are rows of what is known of users, where anything is.
        """
        raise NotImplementedError


class SequenceTower(PlaceTower):
    """The item side, and what an encoder must give.

    Args:
        n_items: N.
        content: [N, D], or None.
        settings: the family's.
        known: features of users [U, E], or None.
    """

    known: Tensor | None  # [U + 1, E]; of somebody unknown, the last, nothing

    def __init__(
        self,
        n_items: int,
        content: Tensor | None,
        settings: SequenceSettings,
        known: Tensor | None = None,
    ):
        super().__init__()
        self.n_items, self.settings, width = n_items, settings, settings.width
        self.id_table = nn.Embedding(n_items + 1, width, padding_idx=n_items)
        self.out_table = nn.Embedding(n_items, width) if settings.own_output else None
        self.bias = nn.Parameter(torch.zeros(n_items)) if settings.bias else None
        self.register_buffer("content", content, persistent=False)
        if content is not None:
            self.item_content = nn.Linear(content.shape[1], width, bias=False)
        if content is not None and settings.own_output:
            self.out_content = nn.Linear(content.shape[1], width, bias=False)
        self.register_buffer(
            "known", None if known is None else functional.pad(known, (0, 0, 0, 1)), False
        )
        if known is not None:
            self.user_content = nn.Linear(known.shape[1], width, bias=False)

    def states(self, rows: Tensor, held: Tensor) -> Tensor:
        """After each event: [B, L, W] of the rows [B, L, W], oldest first; ``held`` [B, L] is
        False where there is none. A state knows its own event and those before it.
        """  # noqa: D205
        raise NotImplementedError

    def newest_state(self, history: Tensor) -> Tensor:
        """The last of :meth:`states`, [B, W], of histories [B, L], newest first."""
        history = history.flip(1)
        return self.states(self._read(history), history != self.n_items)[:, -1]

    def states_of(self, history: Tensor, users: Tensor | None = None) -> Tensor:
        """[B, L, W] of histories [B, L] in their order; N where there is no item."""
        states = self.states(self._read(history), history != self.n_items)
        if users is not None:
            states = states + self._taste(users)[:, None]
        return self._scaled(states)

    def user_vectors(self, context: Context) -> Tensor:
        """[B, W + 1]: the state after the newest event, and a one for the bias."""
        state = self.newest_state(context.history)
        if context.users is not None:
            state = state + self._taste(context.users)
        state = self._scaled(state)
        return functional.pad(state, (0, 1), value=1.0)

    def item_vectors(self, items: Tensor | None = None, blank: Tensor | None = None) -> Tensor:
        """[M, W + 1]: the row, and the bias; ``blank`` items are their content alone."""
        at = slice(0, self.n_items) if items is None else items
        table = self.id_table if self.out_table is None else self.out_table
        rows = table.weight[at] if items is None else table(items)
        bias = rows.new_zeros(len(rows)) if self.bias is None else self.bias[at]
        if blank is not None:
            rows, bias = rows.masked_fill(blank[:, None], 0.0), bias.masked_fill(blank, 0.0)
        if self.content is not None:
            project = self.item_content if self.out_table is None else self.out_content
            rows = rows + project(self.content[at])
        if self.settings.unit:
            rows = functional.normalize(rows, dim=1)
        return torch.cat([rows, bias[:, None]], 1)

    def initialise(self, seed: int) -> None:
        """Xavier for linear maps, small normal numbers for tables; biases 0, norms 1."""
        initialise(self, seed, {"table": 0.02, "content": 0.05})
        with torch.no_grad():
            self.id_table.weight[self.n_items] = 0

    def _read(self, history: Tensor) -> Tensor:
        """Rows of a history's items, [B, L, W]; zero where there is none."""
        rows = self.id_table(history)
        if self.content is None:
            return rows
        # Each item is projected once, however often the batch holds it.
        items, at = history.unique(return_inverse=True)
        known = (items < self.n_items)[:, None]
        projected = self.item_content(self.content[items.clamp(max=self.n_items - 1)]) * known
        return rows + functional.embedding(at, projected)

    def _taste(self, users: Tensor) -> Tensor:
        """[B, W] of the users [B]."""
        assert self.known is not None
        told = functional.dropout(self.known[users], self.settings.dropout, self.training)
        return self.user_content(told)

    def _scaled(self, states: Tensor) -> Tensor:
        if not self.settings.unit:
            return states
        return functional.normalize(states, dim=-1) / self.settings.temperature
