"""A base's best candidates for requests, and what their users took before."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import torch

from recfeat_pipeline.models.lists import best_unseen
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.scorer import Scorer

NEW = 10
"""Training events below which an item is new, as in ``metrics.slices``."""


@dataclass(frozen=True)
class Candidates:
    """X requests with K candidates each, and where their targets are."""

    held: HeldOut
    lists: np.ndarray  # int64 [X, K], the best first; -1 where a catalogue is seen through
    places: np.ndarray  # int64 [X]: of the target in its list, from 0; -1 where it is not there
    ranks: np.ndarray  # int32 [X]: of the target; in its list its place, so ties are in order

    @classmethod
    def of(cls, scorer: Scorer, held: HeldOut, k: int, n_items: int) -> "Candidates":
        """The base's, of any requests."""
        lists = best_unseen(scorer, held, min(k, n_items))
        found = lists == held.targets[:, None]
        places = np.where(found.any(1), found.argmax(1), -1)
        ranks, _ = held.rank(scorer)
        return cls(held, lists, places, np.where(places >= 0, places + 1, ranks).astype(np.int32))

    @classmethod
    def of_lists(cls, held: HeldOut, lists: np.ndarray) -> "Candidates":
        """Of requests whose targets mean nothing."""
        none = np.full(len(lists), -1)
        return cls(held, lists, none, none)

    def take(self, rows: np.ndarray) -> "Candidates":
        """Some of the requests."""
        held = HeldOut.of(self.held.events, self.held.examples[rows])
        return Candidates(held, self.lists[rows], self.places[rows], self.ranks[rows])

    def histories(self, newest: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The newest items of each request's user, newest first, and their ratings (NaN: none)."""
        items, ratings = [], []
        taken = self.held.events["item_index"].to_numpy()
        rated = self.held.events["rating"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for row, length in self.held.examples.select("event_row", "history_length").iter_rows():
            own = slice(row - min(length, newest), row)
            items.append(taken[own][::-1].astype(np.int64))
            ratings.append(rated[own][::-1])
        return items, ratings

    def scored_by(self, scorer: Scorer) -> np.ndarray:
        """What another model makes of the candidates, float [X, K]."""
        score, n = scorer.over(self.held), len(self.lists)
        parts = [np.empty((0, self.lists.shape[1]), np.float32)]
        for start in range(0, n, scorer.block):
            stop = min(start + scorer.block, n)
            lists = torch.from_numpy(self.lists[start:stop])
            parts.append(score(start, stop).cpu().gather(1, lists).numpy())
        return np.concatenate(parts)

    def new(self, counts: np.ndarray) -> np.ndarray:
        """Candidates with hardly any training events (counts by item), int [X]."""
        return ((counts[self.lists] < NEW) & (self.lists >= 0)).sum(1)

    def share(self, of_items: np.ndarray) -> np.ndarray:
        """Share of the candidates for which something holds (bool [N]), float [X]."""
        return np.asarray(of_items[self.lists].mean(1))


def likeness(lists: np.ndarray, histories: list[np.ndarray], matrix: np.ndarray) -> np.ndarray:
    """Cosine of each candidate's content to the mean of the history's, float [X, K].

    Args:
        lists: candidates [X, K].
        histories: the items that count, of each request.
        matrix: content [N, D].
    """
    centred = matrix - matrix.mean(0)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    none = np.zeros(matrix.shape[1], matrix.dtype)
    taste = np.stack([unit[items].mean(0) if len(items) else none for items in histories])
    return np.einsum("xd,xkd->xk", taste, unit[lists])
