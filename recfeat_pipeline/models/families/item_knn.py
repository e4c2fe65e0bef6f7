"""Item neighbours: shrunk cosine of the items' user sets, summed over the history as it is read."""

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.choose import choose
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.family import Family
from recfeat_pipeline.models.item_models import (
    MOST_ITEMS,
    ItemItem,
    choose_content_weight,
    choose_reading,
    cosine_neighbours,
    gram,
)
from recfeat_pipeline.models.reading import Reading, ReadingSettings
from recfeat_pipeline.models.recipe import Recipe

NEIGHBOURS = (20, 50, 100, 200, 1000)


def fit(data: Data, content: Content, recipe: Recipe) -> ItemItem:
    """Choose the number of neighbours, then the reading, then with content its weight."""
    similarity = gram(data.train)
    fitted = choose(
        data,
        NEIGHBOURS,
        lambda n: ItemItem(cosine_neighbours(similarity, n), Reading(), {"neighbours": n}),
    )
    return choose_content_weight(data, content, choose_reading(data, fitted, recipe.settings))


family = Family(
    title="Item neighbours",
    fit=fit,
    settings=ReadingSettings,
    takes_content=True,
    revision=2,
    most_items=MOST_ITEMS,
)
