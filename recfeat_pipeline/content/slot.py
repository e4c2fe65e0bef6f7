"""An arm's content slot, as its file declares it, and what it is filled with."""

from dataclasses import dataclass

import numpy as np

from recfeat_pipeline.errors import RecfeatError


class ContentUnavailable(RecfeatError):
    """The slot's content is missing or covers too few items: skip the arm and show the reason."""


@dataclass(frozen=True)
class Slot:
    """The table ``[content]`` of an arm. The default is the floor's: nothing."""

    sources: tuple[str, ...] = ()  # side by side
    prompt_version: str | None = None  # of "llm"; None: the promoted one; "+NAME": a probe of it
    control: str | None = None  # what is done to the content before a model sees it
    groups_left_out: tuple[str, ...] = ()  # taxonomy groups that the model does not see


@dataclass(frozen=True)
class Content:
    """Features of the corpus items."""

    matrix: np.ndarray  # float32 [N, D]; a row of zeros where an item has none
    names: tuple[str, ...]  # of the D columns, prefixed by their source
    coverage: float  # share of items that have any

    @property
    def width(self) -> int:
        """D; 0 for an arm without content."""
        return self.matrix.shape[1]
