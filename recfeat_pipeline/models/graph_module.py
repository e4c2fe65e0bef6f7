"""How a graph model learns: each training event is preferred to items that its user has not taken.

BPR (Rendle et al., 2009), and beside it, where there is content to align with, RLMRec's losses (Ren
et al., 2024): ``contrast`` tells an item's text from others' by its row, ``reconstruct`` tells it
from the rows of items whose own row was hidden, so that only their neighbours speak for them. What
is known of users is aligned likewise. Pairs that somebody else put in order (LLMRec, Wei et al.,
2024) are learnt as events are, with a weight of their own.
"""

import polars as pl
import torch
from torch import Tensor, nn
from torch.nn import functional

from recfeat_pipeline.models.alignment import info_nce
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.histories import Histories
from recfeat_pipeline.models.light_gcn import GraphSettings, LightGcn
from recfeat_pipeline.models.module import Module
from recfeat_pipeline.models.recipe import BATCH_SIZE, Recipe
from recfeat_pipeline.models.trained import new_items

ALIGNED_AT_ONCE = 1024
"""Items of a step that are told apart: the cost grows with their square."""


class GraphModule(Module):
    """A graph, its E training events and the losses; a batch is a vector of event numbers."""

    tower: LightGcn
    learning: GraphSettings
    events: Tensor  # int64 [E]: user × N + item, sorted
    candidates: Tensor  # int64 [M]: items that exist while training
    told: Tensor | None  # int64: training users of whom something is known
    pairs: Tensor | None  # int64 [P, 3]: training user, preferred and passed item

    def __init__(self, tower: LightGcn, data: Data, recipe: Recipe, pairs: Tensor | None = None):
        """As many passes over the events as the recipe has over the training examples."""
        settings: GraphSettings = recipe.settings
        new = new_items(data, settings)
        users = torch.arange(len(data.train)).repeat_interleave(data.train.lengths())
        exists = torch.ones(data.n_items, dtype=torch.bool) if new is None else ~new
        kept = exists[data.train.columns]
        events = (users * data.n_items + data.train.columns)[kept].unique()
        passes = recipe.steps * BATCH_SIZE / max(data.examples.filter(split="train").height, 1)
        super().__init__(
            tower,
            Histories(data.events, data.examples, data.n_items, "uniform"),
            settings,
            max(round(passes * len(events) / settings.batch_size), 1),
            recipe.seed,
            new,
        )
        self.register_buffer("events", events, persistent=False)
        self.register_buffer("candidates", exists.nonzero()[:, 0], persistent=False)
        told = None if tower.taste is None else tower.taste.abs().sum(1).nonzero()[:, 0]
        self.register_buffer("told", told, persistent=False)
        self.register_buffer("pairs", pairs, persistent=False)

    def learnt(self, examples: pl.DataFrame) -> tuple[Tensor, Tensor | None]:
        """Every training event's number, int64 [E]."""
        return torch.arange(len(self.events)), None

    def loss(self, batch: Tensor) -> Tensor:
        """BPR, the squares of the rows that it asked for, and what brings rows near their text."""
        n_items, learning = self.tower.n_items, self.learning
        user, taken = self.events[batch] // n_items, self.events[batch] % n_items
        hidden, hidden_users = self._hidden(self.candidates), self._hidden(self.told)
        users, items = self.tower.rows(hidden, hidden_users)
        drawn = self._drawn(user)  # [B, K]
        margin = (users[user, None] * (items[taken, None] - items[drawn])).sum(2)
        counts = ~torch.isin(user[:, None] * n_items + drawn, self.events)
        loss = -(functional.logsigmoid(margin) * counts).sum() / counts.sum().clamp(min=1)
        first = (self.tower.user_table(user), self.tower.item_table(taken),
                 self.tower.item_table(drawn[:, 0]))  # fmt: skip
        squares = sum(rows.square().sum() for rows in first) / len(batch)
        loss = loss + learning.regularisation * squares
        if self.pairs is not None:
            loss = loss + learning.pairs_weight * self._preferred(users, items)
        if self.tower.semantic is not None:
            loss = loss + learning.align_weight * self._apart(items, taken, hidden)
        if self.tower.taste is not None:
            apart = self._users_apart(users, user, hidden_users)
            loss = loss + learning.align_weight * apart
        return loss

    def _preferred(self, users: Tensor, items: Tensor) -> Tensor:
        """BPR of the pairs; all of them, for there are far fewer than events."""
        user, preferred, passed = self.pairs.T  # type: ignore[union-attr]
        margin = (users[user] * (items[preferred] - items[passed])).sum(1)
        return -functional.logsigmoid(margin).mean()

    def _drawn(self, user: Tensor) -> Tensor:
        """Items [B, K], any that exist alike; those that the user took do not count."""
        at = torch.randint(
            len(self.candidates), (len(user), self.learning.negatives), device=self.device
        )
        return self.candidates[at]

    def _hidden(self, some: Tensor | None) -> Tensor | None:
        """Those of some items or users [M] whose own rows this step does not show."""
        if self.tower.fuse != "reconstruct" or some is None:
            return None
        share = torch.rand(len(some), device=self.device)
        return some[share < self.learning.hidden_share]

    def _apart(self, items: Tensor, taken: Tensor, hidden: Tensor | None) -> Tensor:
        """How badly rows tell the items' texts apart."""
        shown = (taken if hidden is None else hidden).unique()[:ALIGNED_AT_ONCE]
        said = self.tower.semantic[shown]  # type: ignore[index]
        return self._aligned(items[shown], said, self.tower.between, hidden is None)

    def _users_apart(self, users: Tensor, user: Tensor, hidden: Tensor | None) -> Tensor:
        """How badly rows tell apart what is known of the users."""
        assert self.told is not None
        if hidden is None:
            user = user.unique()
            hidden = user[torch.isin(user, self.told)]
        shown = hidden[torch.randperm(len(hidden), device=self.device)[:ALIGNED_AT_ONCE]]
        said = self.tower.taste[shown]  # type: ignore[index]
        return self._aligned(
            users[shown], said, self.tower.between_users, self.tower.fuse == "contrast"
        )

    def _aligned(self, rows: Tensor, said: Tensor, between: nn.Module, by_contrast: bool) -> Tensor:
        """The loss of rows [M, W] beside what is said of the same [M, D]."""
        if not len(rows):
            return rows.sum()
        if by_contrast:
            return info_nce(rows, between(said), self.learning.temperature)
        return info_nce(between(rows), said, self.learning.temperature)
