"""What an LLM does for a request, where the caller wants it: order candidates, read words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from recfeat_pipeline.ask.by_llm import question, taste_of
from recfeat_pipeline.ask.shelf import Shelf
from recfeat_pipeline.ask.taste import Taste
from recfeat_pipeline.reranking.orders import padded, reordered
from recfeat_pipeline.reranking.showing import Requests, Showing, show
from recfeat_pipeline.serving.live import Live

CANDIDATES, HISTORY = 30, 50  # as in a reranker's arm


@dataclass(frozen=True)
class LLM:
    """Who is asked, and with what."""

    model: str
    ranking: Live
    taste: Live

    def order(
        self,
        history: Sequence[int],
        candidates: np.ndarray,
        names: Sequence[str],
        item_ids: pl.Series,
    ) -> np.ndarray | None:
        """The candidates in the LLM's order, those that it does not name behind; None: no answer.

        Args:
            history: item indices, the newest last.
            candidates: item indices, the ranker's best first.
            names: of the items, by index.
            item_ids: the same.
        """
        newest = np.array(history[::-1][:HISTORY])
        requests = Requests([0], [newest], [np.full(len(newest), np.nan)], candidates[None])
        shown = show(requests, names, item_ids, Showing())
        answered = self.ranking.answer(shown.documents)
        if answered is None:
            return None
        picks = pl.Series([[int(number) for number in answered["ranking"]]])
        [places] = reordered(shown.places, padded(picks))
        return candidates[places.argsort()]

    def read(self, shelf: Shelf, turns: Sequence[str]) -> Taste | None:
        """What the words say; None: no answer."""
        answered = self.taste.answer(question(shelf, turns))
        return None if answered is None else taste_of(shelf, answered)
