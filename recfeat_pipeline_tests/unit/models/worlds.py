"""Small inline worlds for the model tests."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.arms import load_arms
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.schemas import EVENTS, ITEMS

PARITY = np.eye(2, dtype=np.float32)[np.arange(20) % 2]
"""Content of twenty items: even, odd."""


def make_events(rows: list[tuple]) -> pl.DataFrame:
    """EVENTS from (user_id, item_index, rating, timestamp, split), already in order."""
    columns = ["user_id", "item_index", "rating", "timestamp", "split"]
    schema = {name: EVENTS[name] for name in columns}
    return (
        pl.DataFrame(rows, schema=schema, orient="row")
        .with_columns(pl.int_range(pl.len(), dtype=pl.Int32).over("user_id").alias("position"))
        .select(list(EVENTS))
    )


def make_items(n_items: int) -> pl.DataFrame:
    """ITEMS with ids 100, 101, …, all in the corpus."""
    index = np.arange(n_items)
    given = {
        "item_id": index + 100,
        "item_index": index,
        "in_corpus": np.ones(n_items, bool),
        "n_ratings": np.full(n_items, 10),
    }
    return pl.DataFrame(
        {name: given.get(name, pl.Series([None] * n_items, dtype=d)) for name, d in ITEMS.items()},
        schema=ITEMS,
    )


def checkerboard(n_users: int = 60, n_items: int = 20, seed: int = 0) -> pl.DataFrame:
    """Even users like even items, odd users odd ones: the next item's parity is obvious."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        split = ("train", "train", "train", "valid", "test")[user % 5]
        liked = rng.permutation(np.arange(user // 5 % 2, n_items, 2))[:8]
        rows += [(user, int(item), 4.0, 1000 + t, split) for t, item in enumerate(liked)]
    return make_events(rows)


def make_data(events: pl.DataFrame, n_items: int = 20, **more: Any) -> Data:
    """Data of events, with examples drawn from them."""
    given = {"examples": build_examples(events), "items": make_items(n_items), **more}
    return Data(events, **given)


def make_content(matrix: np.ndarray) -> Content:
    """Content of a matrix whose columns are called a, b, …"""
    return Content(matrix, tuple(f"llm:{chr(97 + i)}" for i in range(matrix.shape[1])), 1.0)


NO_CONTENT = make_content(PARITY[:, :0])
TEXTS = [f"{('even', 'odd')[item % 2]} number film {item}" for item in range(20)]


def text_content(texts: list[str] = TEXTS) -> Content:
    """Content as the source ``words`` gives it."""
    matrix = np.zeros((len(texts), 32), np.float32)
    for row, text in enumerate(texts):
        matrix[row, : len(text)] = [ord(letter) for letter in text]
    return Content(matrix, tuple(f"words:{place}" for place in range(32)), 1.0)


def content_for(arm: str, matrix: np.ndarray = PARITY) -> Content:
    """The matrix for an arm that has content, else none."""
    sources = load_arms()[arm].content.sources
    if "words" in sources:
        return text_content()
    return make_content(matrix if sources else matrix[:, :0])


def recipe_for(arm: str, out_dir: Path = Path("."), steps: int = 10, **more: Any) -> Recipe:
    """The recipe of an arm, seed 0 unless told."""
    return Recipe(load_arms()[arm].settings, steps=steps, out_dir=out_dir, **more)
