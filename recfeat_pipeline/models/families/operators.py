"""Any content operator × any behaviour × any predictor, trained together or content first.

The operators are in ``models/operators/``. ``decoupled``: the content operator learns first,
without ids, under the plainest of the others (the mean of a history, a product); its rows are then
content like any other, which the second model maps, and no document is read any more.
"""

from dataclasses import replace
from shutil import rmtree

import numpy as np
import torch

from recfeat_pipeline.content.letters import is_text, texts_of
from recfeat_pipeline.content.slot import Content, Slot
from recfeat_pipeline.content.source import load_source
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models import checkpoints
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.family import Family
from recfeat_pipeline.models.operators.module import OperatorModule, is_product
from recfeat_pipeline.models.operators.operator import Known, load_operator
from recfeat_pipeline.models.operators.scorer import PairScorer
from recfeat_pipeline.models.operators.settings import Settings
from recfeat_pipeline.models.operators.tower import OperatorTower
from recfeat_pipeline.models.reading import windows_of
from recfeat_pipeline.models.reading_scorer import (
    ReadingScorer,
    restore_with_reading,
    train_with_readings,
)
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.scorer import Scorer
from recfeat_pipeline.models.trained import content_tensor, count_parameters

ROWS = "rows.pt"
"""What a content operator that learnt first gave, beside the checkpoints."""


def refusal(settings: Settings, slot: Slot) -> str | None:
    """Why three operators and a slot do not go together, as a sentence; None: they do."""
    try:
        content = load_operator("content", settings.content)
        behaviour = load_operator("behaviour", settings.behaviour)
        predictor = load_operator("predictor", settings.predictor)
    except RecfeatError as error:
        return f"[model]: {error}"
    has_text = any(load_source(name).is_text for name in slot.sources)
    held = "text" if has_text else "numbers" if slot.sources else "ids"
    if content.reads != held:
        wanted = {"ids": "no [content]", "text": 'sources = ["words"]', "numbers": "other sources"}
        return (
            f"[model] content = {settings.content!r} reads {content.reads}: give the arm "
            f"{wanted[content.reads]}, or another operator."
        )
    if behaviour.has_interests and not predictor.takes_interests:
        return (
            f"[model] behaviour = {settings.behaviour!r} gives several states, and predictor = "
            f"{settings.predictor!r} takes one: use dot, or another behaviour."
        )
    if settings.decoupled and content.reads == "ids":
        return "[train] decoupled: an id has no content that could learn first; leave it out."
    if content.is_pretrained and not settings.language_model:
        return (
            f"[model] content = {settings.content!r} needs language_model: the folder of a model, "
            "or its name at Hugging Face."
        )
    if settings.width % settings.heads:
        return f"[model] heads = {settings.heads} do not divide width = {settings.width}."
    return None


def build(data: Data, content: Content, recipe: Recipe) -> OperatorModule:
    """The tower with its initial parameters, and the data that it learns from."""
    known = Known(data.n_items, content_tensor(content.matrix))
    if is_text(content.names):
        known = Known(data.n_items, texts=texts_of(content.matrix))
    return OperatorModule(OperatorTower(known, recipe.settings, recipe.seed), data, recipe)


def fit(data: Data, content: Content, recipe: Recipe) -> Scorer:
    """Train the operators."""
    content, recipe = _after_content(data, content, recipe)
    module = build(data, content, recipe)
    return train_with_readings(
        module, data, recipe, windows_of(recipe.settings), _scorer(recipe.settings)
    )


def load(data: Data, content: Content, recipe: Recipe) -> Scorer:
    """The operators as :func:`fit` left them."""
    content, recipe = _after_content(data, content, recipe)
    module = build(data, content, recipe)
    return restore_with_reading(module, recipe.out_dir, _scorer(recipe.settings))


def size(data: Data, width: int, settings: Settings) -> int | None:
    """Trained numbers; None where they follow from the words of the documents."""
    if load_operator("content", settings.content).reads == "text":
        return None
    numbers = torch.empty(data.n_items, width) if width else None
    return count_parameters(OperatorTower(Known(data.n_items, numbers), settings))


def _scorer(settings: Settings) -> type:
    return ReadingScorer if is_product(settings) else PairScorer


def _after_content(data: Data, content: Content, recipe: Recipe) -> tuple[Content, Recipe]:
    """Content and recipe of the second model of a decoupled training; of others as they are.

    The rows of the first are kept beside the checkpoints, so that it is trained once.
    """
    settings: Settings = recipe.settings
    if not settings.decoupled:
        return content, recipe
    path = recipe.out_dir / ROWS
    if not (recipe.resume and path.exists()) or checkpoints.is_damaged(path):
        plain = replace(settings, decoupled=False, own_id=False, behaviour="mean", predictor="dot")
        apart = recipe.out_dir / "content"
        first = replace(recipe, settings=plain, out_dir=apart, look=None, progress=None)
        rows = fit(data, content, first).item_vectors()
        assert rows is not None
        checkpoints.save(path, {"rows": torch.from_numpy(rows[:, :-1].copy())})
        rmtree(apart, ignore_errors=True)
    matrix = checkpoints.load(path)["rows"].numpy()
    matrix = matrix / max(float(np.linalg.norm(matrix, axis=1).mean()), 1e-9)
    names = tuple(f"row:{column}" for column in range(matrix.shape[1]))
    second = replace(settings, decoupled=False, content="pooled")
    return Content(matrix, names, content.coverage), replace(recipe, settings=second)


family = Family(
    title="Content × behaviour × predictor",
    fit=fit,
    load=load,
    size=size,
    settings=Settings,
    trained=True,
    draws=True,
    takes_content=True,
    takes_text=True,
    refuses=refusal,
)
