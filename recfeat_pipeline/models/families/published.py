"""The published study's two towers and recipe, bit for bit: the reference that others stand beside.

The towers are in ``models/tower.py``, how they learn in ``models/module.py``.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.examples import CONTEXT
from recfeat_pipeline.models.family import Family, setting
from recfeat_pipeline.models.metadata import build_metadata
from recfeat_pipeline.models.module import Learning, TowerModule
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.scorer import Scorer
from recfeat_pipeline.models.tower import TwoTower
from recfeat_pipeline.models.trained import (
    build_module,
    content_tensor,
    count_parameters,
    restore,
    train,
)


@dataclass(frozen=True)
class Settings(Learning):
    """The defaults are the published study's, without its rich channels."""

    context: int = setting(
        CONTEXT, "newest events of a history", table="model", least=1, space=(5, 10, 20, 50)
    )
    weights: str = setting(
        "debiased",
        "of a history's items: rating less the user's mean so far, or its whole mean, or 1",
        table="model",
        choices=("debiased", "debiased_future", "uniform"),
    )
    four_pools: bool = setting(
        False, "all, liked, disliked and weighted histories, each a channel", table="model"
    )
    metadata: bool = setting(False, "genres, user tags, year and time as channels", table="model")
    history_dropout: float = setting(
        0.0,
        "share of a history's older items left out at each step",
        least=0,
        space=(0.0, 0.2, 0.4),
    )
    temperature: float = setting(0.1, "of the softmax", least=1e-3, space=(0.05, 0.1, 0.2))
    learning_rate: float = setting(
        1e-3,
        "of Adam at first; a larger batch takes a larger one, by the square root",
        least=0,
        space=(1e-3, 3e-3),
    )
    recency: bool = setting(False, "the last item as a channel of its own", table="model")


def build(data: Data, content: Content, recipe: Recipe) -> TowerModule:
    """The towers with their initial parameters, and the data that they learn from."""
    settings: Settings = recipe.settings
    tower = TwoTower(
        data.n_items,
        content_tensor(content.matrix),
        recipe.seed,
        four_pools=settings.four_pools,
        recency=settings.recency,
        metadata=build_metadata(data.items, data.user_tags()) if settings.metadata else None,
    )
    return build_module(tower, data, recipe, settings.weights, settings.context)


def fit(data: Data, content: Content, recipe: Recipe) -> Scorer:
    """Train the towers."""
    return train(build(data, content, recipe), data, recipe)


def load(data: Data, content: Content, recipe: Recipe) -> Scorer:
    """The towers as :func:`fit` left them."""
    return restore(build(data, content, recipe), recipe.out_dir)


def size(data: Data, width: int, settings: Settings) -> int:
    """Trained numbers of the towers."""
    tower = TwoTower(
        data.n_items,
        torch.empty(0, width) if width else None,
        four_pools=settings.four_pools,
        recency=settings.recency,
        metadata=build_metadata(data.items, data.user_tags()) if settings.metadata else None,
    )
    return count_parameters(tower)


def sees(data: Data, settings: Settings) -> Iterable[np.ndarray]:
    """What the rich arms know of the items."""
    if not settings.metadata:
        return ()
    metadata = build_metadata(data.items, data.user_tags())
    return metadata.genres, metadata.tags, metadata.years


family = Family(
    title="Two towers, as published",
    fit=fit,
    load=load,
    size=size,
    sees=sees,
    settings=Settings,
    trained=True,
    draws=True,
    takes_content=True,
)
