"""Three operators as one tower, and how it scores.

Notation: B users, L places of a history, N items, K interests, W the width, A that of a predictor's
half.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from recfeat_pipeline.models.histories import Context
from recfeat_pipeline.models.initial import initialise
from recfeat_pipeline.models.operators.operator import Known, load_operator
from recfeat_pipeline.models.operators.settings import Settings
from recfeat_pipeline.models.sequence import PlaceTower

ITEMS_AT_ONCE = 1024
"""Items that are read at once when nothing is learnt: words of all would be gigabytes."""


class OperatorTower(PlaceTower):
    """An item is its id's row and what content says of it, in histories and among candidates.

    Vectors of users and items are the predictor's halves, and a last column for the items' bias.

    Args:
        known: what is known of the N items.
        settings: which operators.
        seed: fixes the initial parameters by name, so that what two arms share starts equal.
    """

    def __init__(self, known: Known, settings: Settings, seed: int = 0):
        super().__init__()
        self.n_items, self.settings = known.n_items, settings
        content = load_operator("content", settings.content)
        behaviour = load_operator("behaviour", settings.behaviour)
        predictor = load_operator("predictor", settings.predictor)
        reads_numbers = content.reads == "numbers" and known.numbers is not None
        self.register_buffer("content", known.numbers if reads_numbers else None, persistent=False)
        self.said: nn.Module | None = None
        if reads_numbers or content.reads == "text":
            self.said = content.build(known, settings)
        self.ids: nn.Embedding | None = None
        if settings.own_id or self.said is None:
            self.ids = nn.Embedding(known.n_items, settings.width)
        self.bias = nn.Parameter(torch.zeros(known.n_items)) if settings.bias else None
        self.behaviour, self.predictor = behaviour.build(settings), predictor.build(settings)
        kept = "said." if content.is_pretrained else None
        initialise(self, seed, {"table": 0.1, "ids": 0.02, "said.weight": 0.05}, kept)

    def rows(self, items: Tensor, blank: Tensor | None = None) -> Tensor:
        """[M, W] of the items [M]; of ``blank`` ones what their content says."""
        total = torch.zeros(len(items), self.settings.width, device=items.device)
        if self.ids is not None:
            rows = self.ids(items)
            total = total + (rows if blank is None else rows.masked_fill(blank[:, None], 0.0))
        if self.said is not None:
            total = total + self.said(items if self.content is None else self.content[items])
        return total

    def item_vectors(self, items: Tensor | None = None, blank: Tensor | None = None) -> Tensor:
        """[M, A + 1]: the predictor's half of each row, and the bias; see :class:`Tower`."""
        if items is None:
            items = torch.arange(self.n_items, device=next(self.parameters()).device)
        at_once = max(len(items), 1) if self.training else ITEMS_AT_ONCE
        places = torch.arange(len(items), device=items.device).split(at_once)
        rows = torch.cat(
            [self.rows(items[at], None if blank is None else blank[at]) for at in places]
        )
        bias = rows.new_zeros(len(rows)) if self.bias is None else self.bias[items]
        if blank is not None:
            bias = bias.masked_fill(blank, 0.0)
        return torch.cat([self.predictor.of_rows(rows), bias[:, None]], 1)

    def states_of(self, history: Tensor, users: Tensor | None = None) -> Tensor:
        """[B, L, A], or [B, L, K, A], of histories [B, L], oldest first; N where there is none."""
        held = history != self.n_items
        items, at = history.clamp(max=self.n_items - 1).unique(return_inverse=True)
        rows = functional.embedding(at, self.rows(items)) * held[..., None]
        rows = functional.dropout(rows, self.settings.dropout, self.training)
        return self.predictor.of_states(self.behaviour(rows, held))

    def user_vectors(self, context: Context) -> Tensor:
        """[B, A + 1], or [B, K, A + 1]: the half of the state after the newest event, and a one."""
        newest = self.states_of(context.history.flip(1))[:, -1]
        return functional.pad(newest, (0, 1), value=1.0)

    def all_pairs(self, users: Tensor, items: Tensor) -> Tensor:
        """See :class:`Tower`."""
        return self.predictor.all(users[..., :-1], items[:, :-1]) + items[:, -1]

    def paired(self, users: Tensor, items: Tensor) -> Tensor:
        """See :class:`Tower`."""
        return self.predictor.meet(users[..., :-1], items[:, :-1]) + items[:, -1]
