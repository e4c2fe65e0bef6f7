"""Markov: what followed the last items of the history, a few places on."""

from dataclasses import dataclass

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.choose import choose
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.family import Family, setting
from recfeat_pipeline.models.item_models import (
    MOST_ITEMS,
    ItemItem,
    choose_content_weight,
    choose_reading,
    transitions,
)
from recfeat_pipeline.models.reading import Reading, ReadingSettings
from recfeat_pipeline.models.recipe import Recipe

ORDERS = {1: 1.0, 3: 0.5, 5: 0.7, 10: 0.8}
"""Places on that count as following, and what each is worth against the one before."""


@dataclass(frozen=True)
class Settings(ReadingSettings):
    """Of the chain."""

    orders: int = setting(
        0,
        "places on that count as following; 0: chosen on validation",
        table="model",
        choices=(0, *ORDERS),
    )


def fit(data: Data, content: Content, recipe: Recipe) -> ItemItem:
    """Choose how far on an item follows, then the reading, then with content its weight."""
    settings: Settings = recipe.settings
    fitted = choose(
        data,
        (settings.orders,) if settings.orders else ORDERS,
        lambda orders: ItemItem(
            transitions(data.train_events, data.train, orders, ORDERS[orders]),
            Reading(10, 0.6),
            {"orders": orders},
        ),
    )
    return choose_content_weight(data, content, choose_reading(data, fitted, settings))


family = Family(
    title="What followed the last items",
    fit=fit,
    settings=Settings,
    takes_content=True,
    revision=2,
    most_items=MOST_ITEMS,
)
