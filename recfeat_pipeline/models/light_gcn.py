"""LightGCN's rows, and the three ways in which content stands beside what choices say.

``concat`` gives an item further columns, which are passed along the graph like the others: a row
twice as wide is served. ``contrast`` and ``reconstruct`` bring rows near to content while they are
learnt, and serve a row as wide as without it; content is read again for new items alone. Users'
rows are aligned in the same way with what is known of them, which serving does not read at all.

Notation: U training users, N items, D content columns, W the width, K layers.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from recfeat_pipeline.models.alignment import perceptron, ridge_map
from recfeat_pipeline.models.family import setting
from recfeat_pipeline.models.graph import Graph
from recfeat_pipeline.models.histories import Context
from recfeat_pipeline.models.initial import initialise
from recfeat_pipeline.models.module import Stepping
from recfeat_pipeline.models.tower import Tower

WAYS = ("concat", "contrast", "reconstruct")


@dataclass(frozen=True)
class GraphSettings(Stepping):
    """Of the graph and how it learns."""

    layers: int = setting(2, "steps along the graph", table="model", least=1, space=(2, 3))
    width: int = setting(64, "of a row; twice that with `concat`", table="model", least=2)
    fuse: str = setting("concat", "how content stands beside choices", table="model", choices=WAYS)
    negatives: int = setting(1, "items drawn against each training event", least=1)
    regularisation: float = setting(
        1e-4, "of the squares of the rows asked for", least=0, space=(1e-5, 1e-4, 1e-3)
    )
    align_weight: float = setting(0.1, "of alignment against BPR", least=0, space=(0.03, 0.1, 0.3))
    temperature: float = setting(0.2, "of alignment", least=1e-3)
    pairs_from: str = setting(
        "", "arm that reorders: what it puts first for a training user is preferred to the last"
    )
    pairs_weight: float = setting(
        0.1, "of those pairs against BPR", least=0, space=(0.03, 0.1, 0.3)
    )
    hidden_share: float = setting(
        0.1, "of items whose rows `reconstruct` hides at each step", least=0
    )
    batch_size: int = setting(4096, "training events of a step", least=1)
    learning_rate: float = setting(
        2e-2,
        "of Adam at first; a larger batch takes a larger one, by the square root",
        least=1e-9,
        space=(5e-3, 2e-2),
    )
    adam_eps: float = setting(1e-8, "of Adam", least=0)


class LightGcn(Tower):
    """Rows of users and items, and what a history of somebody new amounts to.

    Args:
        graph: of the training events.
        content: [N, D], or None.
        known: features of the training users [U, E], or None; only with an aligned way.
        settings: of the family.
        seed: fixes the initial parameters by name, so that what two arms share starts equal.
    """

    semantic: Tensor | None  # [N, D], aligned with; a score does not read it

    taste: Tensor | None  # [U, E], aligned with users' rows

    def __init__(
        self,
        graph: Graph,
        content: Tensor | None,
        settings: GraphSettings,
        seed: int = 0,
        known: Tensor | None = None,
    ):
        super().__init__()
        self.graph, self.n_items, self.n_layers = graph, graph.n_items, settings.layers
        fused = content is not None or known is not None
        self.fuse = settings.fuse if fused else None
        beside = self.fuse == "concat"
        width = settings.width
        self.item_table = nn.Embedding(graph.n_items, width)
        self.user_table = nn.Embedding(graph.n_users, 2 * width if beside else width)
        self.register_buffer("content", content if beside else None, persistent=False)
        self.register_buffer("semantic", None if beside else content, persistent=False)
        self.register_buffer("taste", known, persistent=False)
        if content is not None and beside:
            self.item_content = nn.Linear(content.shape[1], width, bias=False)
        elif content is not None and self.fuse == "contrast":
            self.between = perceptron(content.shape[1], width)
        elif content is not None:
            self.between = perceptron(width, content.shape[1])
        if known is not None:
            ends = (known.shape[1], width) if self.fuse == "contrast" else (width, known.shape[1])
            self.between_users = perceptron(*ends)
        initialise(self, seed, {"table": 0.1})

    def rows(
        self, hidden: Tensor | None = None, hidden_users: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Of training users [U, W] and items [N, W]; ``hidden`` ones show none at first."""
        layers = self._layers(hidden, hidden_users)
        users, items = (torch.stack(side).mean(0) for side in zip(*layers, strict=True))
        return users, items

    def user_vectors(self, context: Context) -> Tensor:
        """[B, W]: a node that the graph did not have, whose edges are the history; it has no id.

        It hears its items' rows after each layer but the last, as a training user does; newer
        events may be worth more.
        """
        items = torch.stack([side for _, side in self._layers()[:-1]]).sum(0)
        items = items / (self.graph.degrees.sqrt()[:, None] * (self.n_layers + 1))
        held = (context.history != self.n_items).float()
        age = torch.arange(held.shape[1], device=held.device)
        worth = held * self.decay**age
        padded = functional.pad(items, (0, 0, 0, 1))
        total = functional.embedding_bag(
            context.history, padded, mode="sum", per_sample_weights=worth
        )
        return total / worth.sum(1, keepdim=True).clamp(min=1e-6).sqrt()

    def item_vectors(self, items: Tensor | None = None, blank: Tensor | None = None) -> Tensor:
        """[M, W]; ``blank`` items have no more than their content says of them.

        Beside choices that is its columns; of an aligned row what the content of the others, with
        their rows, makes likely.
        """
        rows = self.rows()[1]
        if blank is not None:
            every = torch.zeros(self.n_items, dtype=torch.bool, device=rows.device)
            every[slice(None) if items is None else items] = blank
            rows = torch.where(every[:, None], self._said(rows, every), rows)
        return rows if items is None else rows[items]

    def _said(self, rows: Tensor, blank: Tensor) -> Tensor:
        """[N, W] that content alone says."""
        if self.content is not None:
            alone = self.item_content(self.content) / (self.n_layers + 1)
            return functional.pad(alone, (rows.shape[1] - alone.shape[1], 0))
        if self.semantic is not None and not blank.all():
            return ridge_map(self.semantic[~blank], rows[~blank], self.semantic)
        return torch.zeros_like(rows)

    def _layers(
        self, hidden: Tensor | None = None, hidden_users: Tensor | None = None
    ) -> list[tuple[Tensor, Tensor]]:
        items, users = self.item_table.weight, self.user_table.weight
        if hidden is not None:
            items = items.index_fill(0, hidden, 0.0)
        if hidden_users is not None:
            users = users.index_fill(0, hidden_users, 0.0)
        if self.content is not None:
            items = torch.cat([items, self.item_content(self.content)], 1)
        return self.graph.layers(users, items, self.n_layers)
