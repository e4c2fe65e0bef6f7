"""Choose one of a few fitted models on the validation examples."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from torch import Tensor

from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.ranks import rank_scores
from recfeat_pipeline.models.scorer import Scorer

Fitted = TypeVar("Fitted", bound=Scorer)


def choose(data: Data, values: Iterable[Any], make: Callable[[Any], Fitted]) -> Fitted:
    """The model whose value has the best MRR on validation; without examples, the first."""
    best: tuple[float, Fitted] | None = None
    for value in values:
        scorer = make(value)
        if not len(data.valid.targets):
            return scorer
        ranks, _ = data.valid.rank(scorer)
        mrr = float((1 / ranks).mean())
        if best is None or mrr > best[0]:
            best = mrr, scorer
    assert best is not None, "no value to choose from"
    return best[1]


def choose_weight(
    data: Data,
    weights: Sequence[float],
    scorer: Scorer,
    added: Scorer,
    scaled: Callable[[Tensor], Tensor] = lambda scores: scores,
) -> float:
    """How much ``added`` weighs beside ``scorer`` where validation is best: as :func:`choose` does.

    Each is asked once, whatever the number of weights.

    Args:
        data: its validation examples choose.
        weights: to choose from.
        scorer: and
        added: whose scores are summed.
        scaled: brings a block of scores [b, N] of either to a common scale.
    """
    held, block = data.valid, min(scorer.block, added.block)
    n = len(held.targets)
    if not n:
        return weights[0]
    first, second = scorer.over(held), added.over(held)
    reciprocal = np.empty((len(weights), n))
    for start in range(0, n, block):
        stop = min(start + block, n)
        # Copies: a scorer may overwrite what it gave when it is asked again.
        base = scaled(first(start, stop)).clone()
        beside = scaled(second(start, stop)).to(base.device).clone()
        targets, seen = held.targets[start:stop], held.seen.part(start, stop)
        for row, weight in zip(reciprocal, weights, strict=True):
            summed = base.add(beside, alpha=weight)
            ranks, _ = rank_scores(partial(_rows, summed), targets, seen, block)
            row[start:stop] = 1 / ranks
    return weights[int(reciprocal.mean(1).argmax())]


def _rows(scores: Tensor, start: int, stop: int) -> Tensor:
    return scores[start:stop]
