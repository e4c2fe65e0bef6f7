"""EASE, and with content as further rows of the interaction matrix.

Collective EASE (Jeunen, Van Balen and Goethals, 2020): two items are alike when the same users took
them, or when the same features describe them.
"""

from dataclasses import dataclass

import torch

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.choose import choose
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.family import Family, setting
from recfeat_pipeline.models.item_models import ItemItem, ease, gram
from recfeat_pipeline.models.recipe import Recipe

RIDGE = (30.0, 100.0, 300.0, 1000.0, 3000.0)
CONTENT_WEIGHT = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Of a content row against a user's row: the share that content has of the Gram matrix's trace."""


@dataclass(frozen=True)
class Settings:
    """Of the history that is read."""

    context: int | None = setting(
        None, "newest events of a history; unset: all", table="model", least=1
    )


def fit(data: Data, content: Content, recipe: Recipe) -> ItemItem:
    """Choose the ridge on validation, and with content its weight at that ridge."""
    of_users, context = gram(data.train), recipe.settings.context
    plain = choose(
        data, RIDGE, lambda ridge: ItemItem(ease(of_users, ridge), context, {"ridge": ridge})
    )
    if not content.width:
        return plain
    ridge = plain.settings["ridge"]
    rows = torch.from_numpy(content.matrix)
    of_content = rows @ rows.T
    of_content *= of_users.trace() / of_content.trace()
    return choose(
        data,
        CONTENT_WEIGHT,
        lambda weight: ItemItem(
            ease(of_users + weight * of_content, ridge),
            context,
            {"ridge": ridge, "content_weight": weight},
        ),
    )


family = Family(title="EASE", fit=fit, settings=Settings, takes_content=True)
