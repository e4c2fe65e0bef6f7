"""Scores of a tower whose predictor is no product: users and items are still read once.

An evaluation computes the halves of all users and of all items, and then the pairs from them; the
items of a pair are not read again for each user.
"""

import numpy as np
import polars as pl
import torch
from torch import Tensor

from recfeat_pipeline.models.module import Module
from recfeat_pipeline.models.ranks import BlockScores, HeldOut
from recfeat_pipeline.models.reading import Reading
from recfeat_pipeline.models.reading_scorer import ReadingScorer
from recfeat_pipeline.models.scorer import Scorer

PAIRS = 2**18
"""Scored at once: a hidden layer of 64 numbers is then 64 MB."""


class PairScorer(Scorer):
    """A module's tower, told the newest events of a history as the reading says."""

    def __init__(self, module: Module, log: pl.DataFrame | None, best_step: int, reading: Reading):
        self.halves = ReadingScorer(module, log, best_step, reading)
        self.tower, self.settings, self.log = module.tower, self.halves.settings, self.halves.log
        self.best_step, self.n_parameters = best_step, self.halves.n_parameters
        self.block = max(PAIRS // module.tower.n_items, 1)

    @torch.no_grad()
    def over(self, held: HeldOut) -> BlockScores:
        """See :class:`Scorer`."""
        users, items = self.halves.user_vectors(held), self.halves.item_table()

        @torch.no_grad()
        def score(start: int, stop: int) -> Tensor:
            return self.tower.all_pairs(users[start:stop], items)

        return score

    def item_vectors(self) -> np.ndarray:
        """The halves that the predictor has of items."""
        return self.halves.item_vectors()
