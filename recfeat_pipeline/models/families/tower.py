"""A two-tower that somebody would ship: a history pooled, and softmax at each of its places.

Against the published one: no unit norm and a popularity bias, dropout and weight decay, every place
of every history learnt from, items already taken left out of the loss, and a history that is as
short as validation likes it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.family import Family, setting
from recfeat_pipeline.models.reading import ReadingSettings, readings
from recfeat_pipeline.models.reading_scorer import (
    ReadingScorer,
    restore_with_reading,
    train_with_readings,
)
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.sequence import SequenceSettings, SequenceTower
from recfeat_pipeline.models.sequence_module import SequenceModule
from recfeat_pipeline.models.trained import content_tensor, count_parameters, users_tensor


@dataclass(frozen=True)
class Settings(SequenceSettings, ReadingSettings):
    """Of the pooling; the reading is how a history is read once it is trained."""

    window: int = setting(
        50, "events before a target in training", table="model", least=1, space=(10, 50)
    )
    fade: float = setting(
        1.0,
        "worth of an event against the next newer one in training",
        table="model",
        least=0,
        space=(1.0, 0.8),
    )
    hidden: int = setting(
        0, "width of a layer over the pooled history; 0: none", table="model", least=0
    )
    width: int = setting(128, "of an item's row", table="model", least=2, space=(64, 128))
    dropout: float = setting(0.1, "of states", least=0, space=(0.0, 0.1, 0.3, 0.5))
    learning_rate: float = setting(
        6e-3, "of AdamW at first, after a short warm-up", least=1e-9, space=(2e-3, 6e-3, 1.5e-2)
    )


class PooledTower(SequenceTower):
    """States are weighted sums of rows over the root of the weights' squares: about of one size."""

    settings: Settings

    def __init__(
        self,
        n_items: int,
        content: Tensor | None,
        settings: Settings,
        seed: int = 0,
        known: Tensor | None = None,
    ):
        super().__init__(n_items, content, settings, known)
        self.decay = readings(settings)[0].decay  # until validation has chosen
        self.inner = self.outer = None
        if settings.hidden:
            self.inner = nn.Linear(settings.width, settings.hidden)
            self.outer = nn.Linear(settings.hidden, settings.width)
        self.initialise(seed)

    def states(self, rows: Tensor, held: Tensor) -> Tensor:
        """See :class:`SequenceTower`."""
        places = torch.arange(rows.shape[1], device=rows.device)
        age = places[:, None] - places  # [L, L]
        near = (age >= 0) & (age < self.settings.window)
        weights = (self.settings.fade ** age.clamp(min=0).float()) * near * held[:, None]
        return self._head(_pooled(weights, rows))

    def newest_state(self, history: Tensor) -> Tensor:
        """See :class:`SequenceTower`; the history is read whole, fading by ``self.decay``.

        The rows of a history are summed as they are looked up: beside each other, those of long
        histories would be gigabytes.
        """
        held = history != self.n_items  # [B, L]
        longest = max(int(held.sum(1).max()), 1)
        history, held = history[:, :longest], held[:, :longest]
        weights = (self.decay ** torch.arange(longest, device=history.device)) * held
        table = self.id_table.weight
        if self.content is not None:
            table = table + functional.pad(self.item_content(self.content), (0, 0, 0, 1))
        return self._head(
            functional.embedding_bag(
                history, table, per_sample_weights=weights / _size(weights), mode="sum"
            )
        )

    def _head(self, pooled: Tensor) -> Tensor:
        rate = self.settings.dropout
        state = functional.dropout(pooled, rate, self.training)
        if self.inner is None or self.outer is None:
            return state
        inner = functional.dropout(functional.relu(self.inner(state)), rate, self.training)
        return state + self.outer(inner)


def _pooled(weights: Tensor, rows: Tensor) -> Tensor:
    """[B, Q, W] of weights [B, Q, L] and rows [B, L, W]."""
    return (weights / _size(weights)) @ rows


def _size(weights: Tensor) -> Tensor:
    """The root of the sum of squares of weights [..., L], as [..., 1]."""
    return weights.square().sum(-1, keepdim=True).clamp(min=1e-6).sqrt()


def build(data: Data, content: Content, recipe: Recipe) -> SequenceModule:
    """The tower with its initial parameters, and the data that it learns from."""
    matrix = content_tensor(content.matrix)
    known = users_tensor(content)
    tower = PooledTower(data.n_items, matrix, recipe.settings, recipe.seed, known)
    return SequenceModule(tower, data, recipe, content.users)


def fit(data: Data, content: Content, recipe: Recipe) -> ReadingScorer:
    """Train the tower."""
    return train_with_readings(
        build(data, content, recipe), data, recipe, readings(recipe.settings)
    )


def load(data: Data, content: Content, recipe: Recipe) -> ReadingScorer:
    """The tower as :func:`fit` left it."""
    return restore_with_reading(build(data, content, recipe), recipe.out_dir)


family = Family(
    title="Two-tower, tuned",
    fit=fit,
    load=load,
    size=lambda data, width, settings: count_parameters(
        PooledTower(data.n_items, torch.empty(0, width) if width else None, settings)
    ),
    settings=Settings,
    trained=True,
    draws=True,
    takes_content=True,
    user_content="asked",
)
