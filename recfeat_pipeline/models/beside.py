"""A trained model and a counted one, summed: the strongest thing that a small team would ship.

Both score all items; a row of scores is centred and divided by its spread, and validation chooses
how much the counted one weighs. Content goes into both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, make_dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.choose import choose_weight
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.family import Family, load_family, setting
from recfeat_pipeline.models.item_models import MOST_ITEMS
from recfeat_pipeline.models.ranks import BlockScores, HeldOut
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.scorer import Scorer

WEIGHTS = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Of the counted model's scores against the trained one's."""
COUNTED = ("ease", "item_knn", "markov")


class Sum(Scorer):
    """The trained scorer, and ``weight`` times the counted one."""

    def __init__(self, trained: Scorer, counted: Scorer, weight: float, n_items: int):
        self.trained, self.counted, self.weight = trained, counted, weight
        self.n_items = n_items
        self.log, self.best_step = trained.log, trained.best_step
        self.n_parameters = trained.n_parameters
        self.block = min(trained.block, counted.block)
        of_counted = {f"counted_{key}": value for key, value in counted.settings.items()}
        self.settings = {**trained.settings, **of_counted, "counted_weight": weight}

    def over(self, held: HeldOut) -> BlockScores:
        """See :class:`Scorer`."""
        trained, counted = self.trained.over(held), self.counted.over(held)

        def score(start: int, stop: int) -> Tensor:
            total = standard(trained(start, stop))
            return total.add_(standard(counted(start, stop)).to(total.device), alpha=self.weight)

        return score

    def item_vectors(self) -> np.ndarray | None:
        """Those of the trained model."""
        return self.trained.item_vectors()

    def drivers(self, liked: Sequence[int], item: int, n: int) -> list[tuple[int, float]]:
        """Those of the trained model, as far as they move the sum; the counted one names none."""
        found = self.trained.drivers(liked, item, n)
        if not found:
            return []
        spread = float(self.trained.scores(liked, self.n_items).std(ddof=1))
        return [(column, effect / spread) for column, effect in found]


def standard(scores: Tensor) -> Tensor:
    """Rows [B, N] of mean 0 and spread 1."""
    centred = scores - scores.mean(1, keepdim=True)
    return centred.div_(centred.std(1, keepdim=True).clamp(min=1e-9))


@dataclass(frozen=True)
class Beside:
    """The family of a trained family's models beside counted ones."""

    trained: Family

    def fit(self, data: Data, content: Content, recipe: Recipe) -> Scorer:
        """Train the one, count the other, weigh them on validation."""
        return self._summed(self.trained.fit(data, content, recipe), data, content, recipe)

    def load(self, data: Data, content: Content, recipe: Recipe) -> Scorer:
        """The trained one as :meth:`fit` left it; the other is counted again."""
        assert self.trained.load is not None
        return self._summed(self.trained.load(data, content, recipe), data, content, recipe)

    def _summed(self, trained: Scorer, data: Data, content: Content, recipe: Recipe) -> Scorer:
        family = load_family(recipe.settings.counted)
        settings = replace(family.settings(), context=recipe.settings.context)
        counted = family.fit(data, content, replace(recipe, settings=settings))
        weight = choose_weight(data, WEIGHTS, trained, counted, standard)
        return Sum(trained, counted, weight, data.n_items)


def beside(trained: Family, counted: str) -> Family:
    """A family whose models are the trained family's, each beside a counted one.

    Args:
        trained: its settings are the new family's too.
        counted: the family of the other by default, one of :data:`COUNTED`.
    """
    which: Any = setting(
        counted, "family of the counted model", table="model", choices=COUNTED, space=COUNTED
    )
    made = Beside(trained)
    return replace(
        trained,
        title=f"{trained.title}, beside a counted model",
        fit=made.fit,
        load=made.load,
        most_items=MOST_ITEMS,
        settings=make_dataclass(
            "Settings", [("counted", str, which)], bases=(trained.settings,), frozen=True
        ),
    )
