"""What a fitted model can do: score contexts against all items; some can do more."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor

from recfeat_pipeline.models.ranks import BLOCK, BlockScores, HeldOut, block_of, products
from recfeat_pipeline.schemas import TRAINING_LOG


class Scorer:
    """A fitted model. A family writes :meth:`over`; what it does not override it cannot do."""

    settings: Mapping[str, Any] = {}  # that were chosen on validation
    log: pl.DataFrame = pl.DataFrame(schema=TRAINING_LOG)  # a row per evaluation
    n_parameters: int = 0
    best_step: int = 0  # the checkpoint that scores
    block: int = BLOCK  # examples that are best scored at once

    def over(self, held: HeldOut) -> BlockScores:
        """Scores of the examples' contexts: ``(start, stop)`` to finite [stop - start, N].

        No more than ``block`` examples are asked for at once. A tensor may be overwritten by
        whoever is given it, and by the next one.
        """
        raise NotImplementedError

    def item_vectors(self) -> np.ndarray | None:
        """Float32 [N, W] such that items that are near serve the same users; None: no such."""
        return None

    def drivers(self, liked: Sequence[int], item: int, n: int) -> list[tuple[int, float]]:
        """The ``n`` content columns that move an item's score most, and how far; or none."""
        return []

    def scores(self, liked: Sequence[int], n_items: int) -> np.ndarray:
        """Float [N]: how much someone who liked these items, the newest last, would like each."""
        return self.over(HeldOut.liked(liked, n_items))(0, 1)[0].cpu().numpy()


class Scores(Scorer):
    """A scorer that is one function: ``(held, start, stop)`` to scores."""

    def __init__(
        self,
        score: Callable[[HeldOut, int, int], Tensor],
        settings: Mapping[str, Any] | None = None,
    ):
        self._score = score
        self.settings = settings or {}

    def over(self, held: HeldOut) -> BlockScores:
        """See :class:`Scorer`."""
        return lambda start, stop: self._score(held, start, stop)


class VectorScorer(Scorer):
    """A scorer whose score is the product of a user's and an item's vector."""

    n_items: int  # N
    device = torch.device("cpu")

    @property
    def block(self) -> int:  # type: ignore[override]
        """See :class:`Scorer`."""
        return block_of(self.device, self.n_items)

    def user_vectors(self, held: HeldOut) -> Tensor:
        """Float32 [X, W] of the examples' contexts."""
        raise NotImplementedError

    def item_table(self) -> Tensor:
        """Float32 [N, W]."""
        raise NotImplementedError

    def item_vectors(self) -> np.ndarray:
        """See :class:`Scorer`."""
        return self.item_table().cpu().numpy()

    def over(self, held: HeldOut) -> BlockScores:
        """See :class:`Scorer`."""
        return products(self.user_vectors(held), self.item_table())
