"""An arm's content slot, as its file declares it, and what it is filled with."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from recfeat_pipeline.errors import RecfeatError


class ContentUnavailable(RecfeatError):
    """The slot's content is missing or covers too few items: skip the arm and show the reason."""


@dataclass(frozen=True)
class Slot:
    """The table ``[content]`` of an arm. The default is the floor's: nothing."""

    sources: tuple[str, ...] = ()  # side by side; SOURCE, or SOURCE:NAME of a prompt version
    prompt_version: str | None = None  # of "llm"; None: the promoted one; "+NAME": a probe of it
    control: str | None = None  # what is done to the content before a model sees it
    groups_left_out: tuple[str, ...] = ()  # taxonomy groups that the model does not see
    users: tuple[str, ...] = ()  # sources of the user's side, side by side
    user_control: str | None = None  # what is done to the user's side


@dataclass(frozen=True)
class UserContent:
    """Features of U users; a model knows nothing of anybody else."""

    ids: pl.Series  # user_id, each once
    matrix: np.ndarray  # float32 [U, D]
    coverage: float  # share of those who are asked about

    def numbers(self, users: pl.Series) -> np.ndarray:
        """Rows of the users, int64 [B]; U for somebody who is not there."""
        asked = users.cast(self.ids.dtype, strict=False).to_frame("user_id")
        known = self.ids.to_frame("user_id").with_row_index("row")
        found = asked.join(known, on="user_id", how="left", maintain_order="left")["row"]
        return found.fill_null(len(self.ids)).to_numpy().astype(np.int64)

    def of(self, users: pl.Series) -> np.ndarray:
        """Features [B, D] of the users; zeros for somebody who is not there."""
        padded = np.pad(self.matrix, ((0, 1), (0, 0)))
        return padded[self.numbers(users)]


@dataclass(frozen=True)
class Content:
    """Features of the corpus items, and of users and their choices where the arm has such."""

    matrix: np.ndarray  # float32 [N, D]; a row of zeros where an item has none
    names: tuple[str, ...]  # of the D columns, prefixed by their source
    coverage: float  # share of items that have any
    users: UserContent | None = None
    pairs: pl.DataFrame | None = None  # user_id, preferred and passed (item_index)

    @property
    def width(self) -> int:
        """D; 0 for an arm without content."""
        return self.matrix.shape[1]
