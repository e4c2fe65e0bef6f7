"""How a model of sequences learns: at every place of every training history, softmax over items."""

import math

import polars as pl
import torch
from torch import Tensor
from torch.nn import functional

from recfeat_pipeline.content.slot import UserContent
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.histories import Histories
from recfeat_pipeline.models.module import TowerModule
from recfeat_pipeline.models.recipe import BATCH_SIZE, Recipe
from recfeat_pipeline.models.sequence import PlaceSettings, PlaceTower
from recfeat_pipeline.models.trained import new_items
from recfeat_pipeline.models.windows import Windows

WARM_UP = 100
"""Steps, or a tenth of all, until the learning rate is the first one."""
OUT = -1e4
"""Logit of what is no candidate: its share is 0 in single precision."""


class SequenceModule(TowerModule):
    """A sequence tower, its windows and the loss; a batch is a vector of users' numbers."""

    tower: PlaceTower
    learning: PlaceSettings

    of_windows: Tensor | None  # int64 [U]: rows of users' content

    def __init__(
        self, tower: PlaceTower, data: Data, recipe: Recipe, known: UserContent | None = None
    ):
        """As many passes over the users as the recipe has over the training examples.

        ``known`` is what the tower knows of users.
        """
        settings: PlaceSettings = recipe.settings
        windows = Windows.of(data, settings.window)
        n_examples = max(data.examples.filter(split="train").height, 1)
        per_user = float(windows.places().float().mean()) if len(windows) else 1.0
        batch = max(round(settings.batch_size / per_user), 1)
        steps_of_pass = max(len(windows) // batch, 1)
        super().__init__(
            tower,
            Histories(data.events, data.examples, data.n_items, "uniform", settings.window, known),
            settings,
            max(round(recipe.steps * BATCH_SIZE / n_examples * steps_of_pass), 1),
            recipe.seed,
            torch.from_numpy(data.counts),
            new_items(data, settings),
        )
        self.windows, self.batch = windows, batch
        numbers = None if known is None else torch.from_numpy(known.numbers(windows.users))
        self.register_buffer("of_windows", numbers, persistent=False)

    def learnt(self, examples: pl.DataFrame) -> tuple[Tensor, Tensor | None]:
        """Users' numbers and lengths, int64 [U]: those of a step are about as long."""
        return torch.arange(len(self.windows)), self.windows.places()

    def loss(self, batch: Tensor) -> Tensor:
        """Cross-entropy of what came next at every place, a scalar."""
        history, target = (each.to(self.device) for each in self.windows.draw(batch.cpu()))
        at = target != self.windows.n_items
        if self.new is not None:
            at &= ~functional.pad(self.new, (0, 1))[target]
        users = None if self.of_windows is None else self.of_windows[batch]
        states = self.tower.states_of(self._thinned_windows(history), users)[at]  # [P, W]
        states = functional.pad(states, (0, 1), value=1.0)
        target = target[at]
        if (loss := self._drawn_loss(states, target)) is None:
            vectors = self.tower.item_vectors(blank=self._blank())
            logits = self.tower.all_pairs(states, vectors)  # [P, N]
            if self.learning.popularity_alpha:
                logits = logits + self.learning.popularity_alpha * self.log_counts
            if self.new is not None:
                logits = logits.masked_fill(self.new, -torch.inf)
            if self.learning.mask_seen:
                self._mask_seen(logits, history, target, at)
            return functional.cross_entropy(logits, target)
        return loss

    @torch.no_grad()
    def _mask_seen(self, logits: Tensor, history: Tensor, target: Tensor, at: Tensor) -> None:
        """Put the window's items so far out of the running, in the logits [P, N] as they stand.

        Their share of the softmax is 0, and so is their gradient: nothing need be kept of it.
        """
        users, places = at.nonzero(as_tuple=True)
        before = torch.arange(history.shape[1], device=self.device) <= places[:, None]
        seen = history[users]  # [P, L]
        # The target may have been taken before; it stays a candidate.
        left = before & (seen != self.tower.n_items) & (seen != target[:, None])
        rows, columns = left.nonzero(as_tuple=True)
        logits[rows, seen[rows, columns]] = OUT

    def _thinned_windows(self, history: Tensor) -> Tensor:
        """The windows without a random part of their items."""
        if not self.learning.history_dropout:
            return history
        dropped = torch.rand(history.shape, device=self.device) < self.learning.history_dropout
        return history.masked_fill(dropped, self.tower.n_items)

    def configure_optimizers(self):
        """AdamW, a short warm-up, a cosine to the final learning rate."""
        learning, steps = self.learning, self.steps
        parts = [
            {"params": [p for p in self.tower.parameters() if (p.dim() > 1) is decays],
             "weight_decay": learning.weight_decay if decays else 0.0}
            for decays in (True, False)
        ]  # fmt: skip
        optimizer = torch.optim.AdamW(
            parts, learning.learning_rate, eps=learning.adam_eps, fused=True
        )
        floor = min(learning.final_learning_rate / learning.learning_rate, 1.0)
        warm = min(WARM_UP, steps / 10)

        def factor(step: int) -> float:
            cosine = (1 + math.cos(math.pi * min(step / steps, 1))) / 2
            return min((step + 1) / (warm + 1), 1) * (floor + (1 - floor) * cosine)

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
