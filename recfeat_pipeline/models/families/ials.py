"""Implicit alternating least squares (Hu, Koren and Volinsky, 2008), solved in padded batches.

The objective and its scaling are those of "Revisiting the performance of iALS" (Rendle et al.,
2022): observed pairs should score 1, all pairs weigh ``UNOBSERVED``, and a row's ridge grows with
how much there is to fit.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.choose import choose
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.family import Family, setting
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.scorer import Scores
from recfeat_pipeline.models.taken import Taken

RIDGE = (0.001, 0.003, 0.01, 0.03)
WIDTH = 64
SWEEPS = 12
UNOBSERVED = 0.1
BLOCK_PLACES = 1 << 17  # padded places solved at once, which bounds the memory


@dataclass(frozen=True)
class Settings:
    """Of the history that is read."""

    context: int | None = setting(
        None, "newest events of a history; unset: all", table="model", least=1
    )


def fit(data: Data, content: Content, recipe: Recipe) -> Scores:
    """Choose the ridge on validation."""
    return choose(
        data, RIDGE, lambda ridge: _fitted(data.train, ridge, recipe.seed, recipe.settings.context)
    )


def _fitted(train: Taken, ridge: float, seed: int, context: int | None) -> Scores:
    items = factorise(train, ridge, seed)

    def score(held: HeldOut, start: int, stop: int) -> Tensor:
        """A user is solved anew from each history."""
        taken = held.known.histories(start, stop, len(items), context)
        return fold_in(taken, items, ridge) @ items.T

    return Scores(score, {"ridge": ridge})


def factorise(train: Taken, ridge: float, seed: int = 0) -> Tensor:
    """Item factors [N, 64] of users × items."""
    generator = torch.Generator().manual_seed(seed)
    items = torch.randn(train.n_columns, WIDTH, generator=generator) * 0.1 / WIDTH**0.5
    by_item = train.transposed()
    for _ in range(SWEEPS):
        users = fold_in(train, items, ridge)
        items = fold_in(by_item, users, ridge)
    return items


def fold_in(taken: Taken, factors: Tensor, ridge: float) -> Tensor:
    """Factors [R, 64] of the rows, with those of the columns [M, 64] held fixed."""
    lengths = taken.lengths()
    order = lengths.argsort(descending=True)  # rows of like length share a batch: little padding
    base = UNOBSERVED * factors.T @ factors  # [64, 64]
    solved = torch.zeros(len(taken), WIDTH)
    padded = torch.cat([factors, torch.zeros(1, WIDTH)])
    columns = torch.cat([taken.columns, torch.tensor([len(factors)])])  # padding points at zeros
    start = 0
    while start < len(order):
        longest = max(int(lengths[order[start]]), 1)
        rows = order[start : start + max(BLOCK_PLACES // longest, 1)]
        place = torch.arange(longest)
        at = torch.where(place < lengths[rows, None], taken.offsets[rows, None] + place, -1)
        vectors = padded[columns[at]]  # [r, longest, 64]
        weight = ridge * (lengths[rows] + UNOBSERVED * len(factors))
        system = base + vectors.transpose(1, 2) @ vectors + torch.diag_embed(
            weight[:, None].expand(-1, WIDTH)
        )  # fmt: skip
        solved[rows] = torch.linalg.solve(system, vectors.sum(1))
        start += len(rows)
    return solved


family = Family(title="Implicit ALS", fit=fit, settings=Settings, draws=True)
