"""Markov: how often the item followed the last one of the history."""

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.family import Family
from recfeat_pipeline.models.item_models import transitions
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.scorer import Scores


def fit(data: Data, content: Content, recipe: Recipe) -> Scores:
    """Count who followed whom."""
    weights = transitions(data.train_events, data.train)
    return Scores(lambda held, start, stop: weights[held.known.last_items(start, stop)])


family = Family(title="What followed the last item", fit=fit)
