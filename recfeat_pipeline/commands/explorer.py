"""What ``recfeat explore`` serves: the store's items and the trained arms of a lake."""

from collections.abc import Callable, Container, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from recfeat_pipeline.ask.ranking import answer
from recfeat_pipeline.ask.reading import read_turns
from recfeat_pipeline.ask.shelf import Shelf
from recfeat_pipeline.ask.taste import QUESTION, Taste
from recfeat_pipeline.commands.ask import read_shelf
from recfeat_pipeline.content.controls import control_of
from recfeat_pipeline.defs.training.stored import StoredRun
from recfeat_pipeline.explore.explorer import Answers, Explorer, Field
from recfeat_pipeline.explore.library import read_library
from recfeat_pipeline.explore.nearest import Cells, pays
from recfeat_pipeline.explore.recommend import Recommender
from recfeat_pipeline.extraction.types import is_lexical
from recfeat_pipeline.lake import Lake, shard_of
from recfeat_pipeline.models.arms import Arm, load_arms
from recfeat_pipeline.store import open_store
from recfeat_pipeline.text.sources import attributions

if TYPE_CHECKING:  # importing it imports torch
    from recfeat_pipeline.models.scorer import Scorer, VectorScorer


def open_explorer(lake: Lake, sources: str | None) -> Explorer:
    """An explorer over a lake; the store is closed again, so that a run can write to it."""
    with open_store(lake) as store:
        library = read_library(store)
    with_vectors = _arms_with(lake, "item_vectors")
    arms = {arm.title: (arm, seed) for arm, seed in _in_order(lake, with_vectors)}
    promoted = str(lake.meta.get("promoted", ""))
    if is_lexical(library.models.get(promoted, "")):
        arms = {title.replace("LLM scores", "Lexical scores"): arm for title, arm in arms.items()}
    return Explorer(
        name=str(lake.meta.get("name", "catalogue")),
        library=library,
        promoted=promoted,
        document=lambda item_id: _document(lake, item_id),
        attributions=attributions(sources),
        vectors={
            title: _vectors(lake, arm, seed)
            for title, (arm, seed) in arms.items()
            if arm.id in with_vectors
        },
        recommenders={
            title: recommender_of(lake, arm, seed) for title, (arm, seed) in arms.items()
        },
        ask=answering(cache(lambda: read_shelf(lake, None)[1])),
    )


def answering(shelf: Callable[[], Shelf]) -> Callable[[Sequence[str]], Answers]:
    """Turns to what answers them, with words matched by name; the shelf is loaded when asked."""

    def ask(turns: Sequence[str]) -> Answers:
        taste = read_turns(shelf(), turns) if turns else Taste()
        if taste.says_nothing:
            return Answers([], QUESTION)
        return Answers(answer(shelf(), taste))

    return ask


def trained_arms(lake: Lake) -> list[tuple[Arm, int]]:
    """Arms that rank all items, each with its first seed.

    Those with vectors lead, for their models are kept and need not be fitted again; of them those
    with LLM scores, for that is what one came to look at.
    """
    return _in_order(lake, _arms_with(lake, "item_vectors"))


def _in_order(lake: Lake, with_vectors: Container[str]) -> list[tuple[Arm, int]]:
    ranked = _arms_with(lake, "ranks")
    arms = [arm for arm in load_arms().values() if arm.id in ranked]
    arms.sort(key=lambda arm: (arm.id not in with_vectors, not _is_of_scores(arm)))
    return [(arm, ranked[arm.id]) for arm in arms]


def arm_with_vectors(lake: Lake) -> str:
    """The arm that one means who names none: the first trained one, with LLM scores if any."""
    with_vectors = _arms_with(lake, "item_vectors")
    arms = [arm.id for arm, _ in _in_order(lake, with_vectors) if arm.id in with_vectors]
    return arms[0] if arms else "hybrid_llm"


def _is_of_scores(arm: Arm) -> bool:
    return arm.role == "content" and "llm" in arm.content.sources


def _arms_with(lake: Lake, table: str) -> dict[str, int]:
    """The first seed of each arm that has rows in a table."""
    found: dict[str, int] = {}
    for path in lake.table_paths(table):
        run = lake.keys_of(table, path)
        arm, seed = run["arm"], int(run["seed"])
        found[arm] = min(seed, found.get(arm, seed))
    return found


def _vectors(lake: Lake, arm: Arm, seed: int) -> Callable[[], np.ndarray]:
    @cache
    def load() -> np.ndarray:
        return StoredRun(lake, arm, seed).item_vectors()

    return load


def recommender_of(lake: Lake, arm: Arm, seed: int) -> Callable[[], Recommender]:
    """A trained arm, loaded when it is first asked; one that keeps no model is fitted again."""

    @cache
    def load() -> Recommender:
        from recfeat_pipeline.defs.training.inputs import load_inputs
        from recfeat_pipeline.defs.training.served import scorer_of
        from recfeat_pipeline.models.scorer import VectorScorer

        with open_store(lake) as store:
            inputs = load_inputs(lake, store, arm, seed)
        meaningless = control_of(arm.content.control).draws
        names = [name.partition(":")[2] or name for name in inputs.content.names]
        scorer = scorer_of(StoredRun(lake, arm, seed), inputs)
        names = [] if meaningless else names
        if isinstance(scorer, VectorScorer):
            return _ServedVectors(scorer, inputs.data.n_items, names)
        return _Served(scorer, inputs.data.n_items, names)

    return load


class _Served(Recommender):
    """A fitted model; ``names`` are of its content columns, if they say anything."""

    def __init__(self, scorer: "Scorer", n_items: int, names: Sequence[str]):
        self.scorer, self.n_items, self.names = scorer, n_items, names

    def scores(self, liked: Sequence[int]) -> np.ndarray:
        return self.scorer.scores(liked, self.n_items)

    def drivers(self, liked: Sequence[int], item: int, n: int) -> list[tuple[str, float]]:
        if not self.names:
            return []
        found = self.scorer.drivers(liked, item, n)
        return [(self.names[column], effect) for column, effect in found]


class _ServedVectors(_Served):
    """One whose scores are products of vectors; the items' are made once, not at each request."""

    scorer: "VectorScorer"

    def __init__(self, scorer: "VectorScorer", n_items: int, names: Sequence[str]):
        super().__init__(scorer, n_items, names)
        self.items = scorer.item_vectors()
        self.cells = Cells(self.items) if pays(n_items) else None

    def scores(self, liked: Sequence[int]) -> np.ndarray:
        return self.items @ self._user(liked)

    def best(
        self, liked: Sequence[int], k: int, allowed: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        if self.cells is None:
            return super().best(liked, k, allowed)
        return self.cells.best(self._user(liked), k, allowed)

    def _user(self, liked: Sequence[int]) -> np.ndarray:
        from recfeat_pipeline.models.ranks import HeldOut

        return self.scorer.user_vectors(HeldOut.liked(liked, self.n_items))[0].cpu().numpy()


def _document(lake: Lake, item_id: int | str) -> list[Field]:
    shard = shard_of([item_id], lake.n_shards)[0]
    own = lake.read("documents", shard=shard).filter(pl.col("item_id") == item_id)
    if own.is_empty():
        return []
    return [Field(part["label"], part["source"], part["text"]) for part in own["fields"][0]]
