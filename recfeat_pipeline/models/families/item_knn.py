"""Item neighbours: shrunk cosine of the items' user sets, summed over the history."""

from dataclasses import dataclass

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.choose import choose
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.family import Family, setting
from recfeat_pipeline.models.item_models import ItemItem, cosine_neighbours, gram
from recfeat_pipeline.models.recipe import Recipe

NEIGHBOURS = (20, 50, 100, 200)


@dataclass(frozen=True)
class Settings:
    """Of the neighbourhood."""

    context: int | None = setting(
        None, "newest events of a history; unset: all", table="model", least=1
    )


def fit(data: Data, content: Content, recipe: Recipe) -> ItemItem:
    """Choose the number of neighbours on validation."""
    similarity, context = gram(data.train), recipe.settings.context
    return choose(
        data,
        NEIGHBOURS,
        lambda n: ItemItem(cosine_neighbours(similarity, n), context, {"neighbours": n}),
    )


family = Family(title="Item neighbours", fit=fit, settings=Settings)
