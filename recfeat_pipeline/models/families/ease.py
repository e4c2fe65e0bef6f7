"""EASE, and with content as further rows of the interaction matrix.

Collective EASE (Jeunen, Van Balen and Goethals, 2020): two items are alike when the same users took
them, or when the same features describe them.
"""

import torch

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.choose import choose
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.family import Family
from recfeat_pipeline.models.item_models import (
    CONTENT_WEIGHT,
    MOST_ITEMS,
    ItemItem,
    choose_reading,
    ease,
    ease_with_content,
    gram,
)
from recfeat_pipeline.models.reading import Reading, ReadingSettings
from recfeat_pipeline.models.recipe import Recipe

RIDGE = (30.0, 100.0, 300.0, 1000.0, 3000.0)


def fit(data: Data, content: Content, recipe: Recipe) -> ItemItem:
    """Choose the ridge, then the reading, then with content its weight in the Gram matrix."""
    of_users = gram(data.train)
    fitted = choose(
        data, RIDGE, lambda ridge: ItemItem(ease(of_users, ridge), Reading(), {"ridge": ridge})
    )
    fitted = choose_reading(data, fitted, recipe.settings)
    if not content.width:
        return fitted
    ridge, rows = fitted.settings["ridge"], torch.from_numpy(content.matrix)
    rows = rows * (of_users.trace() / rows.square().sum()).sqrt()  # as loud as the users are
    weighed = ease_with_content(of_users, ridge, rows)
    return choose(
        data,
        CONTENT_WEIGHT,
        lambda weight: ItemItem(
            weighed(weight), fitted.reading, {"ridge": ridge, "content_weight": weight}
        ),
    )


family = Family(
    title="EASE",
    fit=fit,
    settings=ReadingSettings,
    takes_content=True,
    revision=2,
    most_items=MOST_ITEMS,
)
