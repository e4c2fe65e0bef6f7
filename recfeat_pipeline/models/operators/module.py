"""How three operators learn: together, at every place of every training history."""

import numpy as np
from torch import Tensor

from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.operators.operator import load_operator
from recfeat_pipeline.models.operators.scorer import PairScorer
from recfeat_pipeline.models.operators.settings import Settings
from recfeat_pipeline.models.operators.tower import OperatorTower
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.reading import Reading
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.sequence_module import SequenceModule

CHOOSING = 2_000
"""Validation examples that a look ranks where pairs cost more than a product of vectors."""


def is_product(settings: Settings) -> bool:
    """Whether the score is the product of one vector of a user and one of an item."""
    several = load_operator("behaviour", settings.behaviour).has_interests
    return load_operator("predictor", settings.predictor).is_product and not several


class OperatorModule(SequenceModule):
    """A tower of operators, its windows and the loss."""

    learning: Settings

    def __init__(self, tower: OperatorTower, data: Data, recipe: Recipe):
        super().__init__(tower, data, recipe)
        self.is_product = is_product(recipe.settings)
        if not self.is_product and not self.n_sampled:  # a layer for each place and item
            self.n_sampled = min(self.learning.negatives or tower.n_items, tower.n_items)

    def ranks(self, examples: Tensor, held: HeldOut) -> np.ndarray:
        """See :class:`Module`; of :data:`CHOOSING` of the examples, always the same, by pairs."""
        if self.is_product:
            return super().ranks(examples, held)
        if len(examples) > CHOOSING:
            some = held.examples.sample(CHOOSING, seed=0).sort("example_id")
            held = HeldOut.of(held.events, some)
        return held.rank(PairScorer(self, None, 0, Reading(self.learning.window, 1.0)))[0]
