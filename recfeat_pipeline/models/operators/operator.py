"""Operators as they are registered, and what each is asked for.

Notation: B users, L places of a history, M items, W the width, K interests.
"""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.registry import Registry, own_folder

if TYPE_CHECKING:
    from recfeat_pipeline.models.operators.settings import Settings

READS = ("ids", "numbers", "text")


@dataclass(frozen=True)
class Known:
    """What is known of N items beside their ids."""

    n_items: int
    numbers: Tensor | None = None  # [N, D]
    texts: Sequence[str] | None = None  # N


@dataclass(frozen=True)
class ContentOperator:
    """Rows [M, W] of M items.

    ``build`` gives a module that takes content rows [M, D] where the operator reads ``numbers``,
    else the items [M] themselves. What reads ``ids`` has no module: a tower has ids of its own.
    """

    title: str
    reads: str  # one of READS
    build: "Callable[[Known, Settings], nn.Module] | None" = None
    is_pretrained: bool = False  # its parameters are not drawn anew


@dataclass(frozen=True)
class BehaviourOperator:
    """States [B, L, W], or [B, L, K, W], of a history's rows [B, L, W], oldest first.

    ``build`` gives a module that takes those rows and ``held`` (bool [B, L]: there is an item). A
    state knows its own event and those before it; rows of what is not held are 0.
    """

    title: str
    build: "Callable[[Settings], nn.Module]"
    has_interests: bool = False  # K states a place


@dataclass(frozen=True)
class PredictorOperator:
    """Scores of states and rows; ``build`` gives a :class:`Predictor`."""

    title: str
    build: "Callable[[Settings], Predictor]"
    takes_interests: bool = False
    is_product: bool = False  # the score of one state is its product with the row


class Predictor(nn.Module):
    """How a state meets a row, in two halves: what each side can do alone is done once."""

    def of_states(self, states: Tensor) -> Tensor:
        """[…, A] of the states […, W], whatever they will meet."""
        return states

    def of_rows(self, rows: Tensor) -> Tensor:
        """[M, A] of the rows [M, W], whatever they will meet."""
        return rows

    def meet(self, states: Tensor, rows: Tensor) -> Tensor:
        """Scores […] of halves […, A] that broadcast against each other."""
        raise NotImplementedError

    def all(self, states: Tensor, rows: Tensor) -> Tensor:
        """Scores [P, M] of all pairs of halves [P, A] and [M, A]."""
        return self.meet(states[:, None], rows)


CONTENT = Registry(
    "content operator", "models/operators/content", "RECFEAT_ARMS", "operators/content"
)
BEHAVIOUR = Registry(
    "behaviour operator", "models/operators/behaviour", "RECFEAT_ARMS", "operators/behaviour"
)
PREDICTOR = Registry(
    "predictor operator", "models/operators/predictor", "RECFEAT_ARMS", "operators/predictor"
)
KINDS: dict[str, tuple[Registry, type]] = {
    "content": (CONTENT, ContentOperator),
    "behaviour": (BEHAVIOUR, BehaviourOperator),
    "predictor": (PREDICTOR, PredictorOperator),
}


def load_operator(kind: str, name: str) -> Any:
    """The operator of a name; ``kind`` is one of KINDS.

    Raises:
        RecfeatError: there is none, or its module holds none.
    """
    registry, wanted = KINDS[kind]
    names = registry.names(own_folder())
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise RecfeatError(f"No {registry.kind} {name!r}; {meant}there are {', '.join(names)}.")
    return registry.load(name, own_folder(), "operator", wanted)
