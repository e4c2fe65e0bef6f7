"""LightGCN, alone or with content beside its rows or aligned with them (RLMRec).

The ways are in ``models/light_gcn.py``, how they learn in ``models/graph_module.py``. A user is
known by what they took, so that somebody who came after the training is served too.
"""

from dataclasses import dataclass

import polars as pl
import torch

from recfeat_pipeline.content.slot import Content, Slot
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.family import Family
from recfeat_pipeline.models.graph import Graph
from recfeat_pipeline.models.graph_module import GraphModule
from recfeat_pipeline.models.light_gcn import GraphSettings, LightGcn
from recfeat_pipeline.models.reading import ReadingSettings, readings
from recfeat_pipeline.models.reading_scorer import (
    ReadingScorer,
    restore_with_reading,
    train_with_readings,
)
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.trained import content_tensor, count_parameters


@dataclass(frozen=True)
class Settings(GraphSettings, ReadingSettings):
    """Of the graph, and of the reading of a history once it is trained."""


def refusal(settings: Settings, slot: Slot) -> str | None:
    """Content of users is aligned with their rows; beside them it has no place."""
    if not slot.users or settings.fuse != "concat":
        return None
    return (
        "LightGCN aligns content of users, and has none beside a row: set [model] fuse = "
        '"contrast" or "reconstruct".'
    )


def build(data: Data, content: Content, recipe: Recipe) -> GraphModule:
    """The graph with its initial rows, and the events that it learns from."""
    matrix, known = content_tensor(content.matrix), None
    if content.users is not None:
        known = torch.from_numpy(content.users.of(_users(data)))
    tower = LightGcn(Graph(data.train), matrix, recipe.settings, recipe.seed, known)
    tower.decay = readings(recipe.settings)[0].decay  # until validation has chosen
    return GraphModule(tower, data, recipe, _pairs(data, content))


def _users(data: Data) -> pl.Series:
    """user_id of each of the graph's users."""
    return data.train_events["user_id"].gather(data.train.offsets.numpy())


def _pairs(data: Data, content: Content) -> torch.Tensor | None:
    """[P, 3] of training user, preferred and passed item; None: it learns from events alone."""
    if content.pairs is None:
        return None
    rows = _users(data).to_frame("user_id").with_row_index("user")
    found = content.pairs.join(rows, on="user_id", maintain_order="left")
    numbers = found.select("user", "preferred", "passed").cast(pl.Int64).to_numpy()
    return torch.from_numpy(numbers) if len(numbers) else None


def fit(data: Data, content: Content, recipe: Recipe) -> ReadingScorer:
    """Train the rows."""
    chosen = readings(recipe.settings)
    return train_with_readings(build(data, content, recipe), data, recipe, chosen)


def load(data: Data, content: Content, recipe: Recipe) -> ReadingScorer:
    """The rows as :func:`fit` left them."""
    return restore_with_reading(build(data, content, recipe), recipe.out_dir)


def size(data: Data, width: int, settings: Settings) -> int | None:
    """Trained numbers, a row per training user among them; None where those are not known."""
    if not len(data.train):
        return None
    content = torch.empty(data.n_items, width) if width else None
    return count_parameters(LightGcn(Graph(data.train), content, settings))


family = Family(
    title="LightGCN",
    fit=fit,
    load=load,
    size=size,
    settings=Settings,
    trained=True,
    draws=True,
    takes_content=True,
    user_content="learnt",
    refuses=refusal,
)
"""With ``fuse`` in an arm's [model]: ``concat``, ``contrast`` or ``reconstruct``."""
