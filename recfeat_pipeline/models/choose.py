"""Choose one of a few fitted models on the validation examples."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from recfeat_pipeline.models.data import Data
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
