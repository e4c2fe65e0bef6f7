"""What the page works on: the library, and where documents, vectors and trained arms come from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from recfeat_pipeline.explore.library import Library
from recfeat_pipeline.explore.recommend import Recommender


class Field(NamedTuple):
    """A labelled part of an item's document, and the source it came from."""

    label: str
    source: str
    text: str


class Answers(NamedTuple):
    """What words are answered with: rows with their scores and reasons, or a question back."""

    items: Sequence[tuple[int, float, Sequence[str]]]
    question: str | None = None


@dataclass(frozen=True)
class Explorer:
    """Everything the page needs. What takes time to load is loaded when it is first asked for.

    Attributes:
        name: of the catalogue.
        library: items and scores.
        promoted: the prompt version shown first.
        document: an item id's fields; none where it has no text.
        attributions: by source, what it wants shown beside its text.
        vectors: by arm title, the arm's item vectors by item_index.
        recommenders: by arm title, the trained arm.
        ask: turns in words to the items that answer them.
    """

    name: str
    library: Library
    promoted: str
    document: Callable[[int | str], list[Field]]
    attributions: Mapping[str, str]
    vectors: Mapping[str, Callable[[], np.ndarray]]
    recommenders: Mapping[str, Callable[[], Recommender]]
    ask: Callable[[Sequence[str]], Answers]

    @property
    def versions(self) -> list[str]:
        """Prompt versions, the promoted one first."""
        return sorted(self.library.scores, key=lambda version: (version != self.promoted, version))
