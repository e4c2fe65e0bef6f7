"""What a model is fitted to: the events, examples and items of a catalogue, prepared once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:  # importing them imports torch, and the UI loads this module
    from recfeat_pipeline.models.ranks import HeldOut
    from recfeat_pipeline.models.taken import Taken


CHOOSING = 10_000
"""Validation examples that settings are chosen on, which saves most of the time."""


@dataclass(frozen=True)
class Data:
    """One catalogue, as a family sees it. N is the number of corpus items."""

    events: pl.DataFrame  # EVENTS; rows of the split "train" are learnt from
    examples: pl.DataFrame  # EXAMPLES of all splits
    items: pl.DataFrame  # ITEMS; the corpus rows are the candidates
    user_tags: Callable[[], pl.DataFrame | None] = lambda: None
    """``item_id, tag, n_applications``; None where users apply no tags. Read when it is asked."""
    has_positions: bool = False
    """Events without a time stand in the order that the catalogue gives, not in a drawn one."""
    new: np.ndarray | None = None  # bool [N]: items that do not exist yet (cold start)

    @cached_property
    def corpus(self) -> pl.DataFrame:
        """The N candidates in the order of item_index."""
        return self.items.filter("in_corpus").sort("item_index")

    @property
    def n_items(self) -> int:
        """N."""
        return self.corpus.height

    @cached_property
    def train_events(self) -> pl.DataFrame:
        """Events of the split ``train``."""
        return self.events.filter(pl.col("split") == "train")

    @cached_property
    def train(self) -> "Taken":
        """Users × items of the training events."""
        from recfeat_pipeline.models.taken import Taken

        return Taken.of(self.train_events, self.n_items)

    @cached_property
    def counts(self) -> np.ndarray:
        """Training events of each item, int64 [N]."""
        return np.bincount(self.train_events["item_index"].to_numpy(), minlength=self.n_items)

    @cached_property
    def valid(self) -> "HeldOut":
        """The validation examples that choose settings: all, or a drawn :data:`CHOOSING`."""
        return self.held_out("valid", CHOOSING)

    def held_out(self, split: str, at_most: int | None = None) -> "HeldOut":
        """The examples of a split, or that many of them, always the same."""
        from recfeat_pipeline.models.ranks import HeldOut

        rows = self.examples.filter(pl.col("split") == split)
        if at_most is not None and rows.height > at_most:
            rows = rows.sample(at_most, seed=0).sort("example_id")
        return HeldOut.of(self.events, rows)
