"""TIGER: the next item's semantic id, generated from the history's (Rajput et al., 2023).

Content becomes codes (``content/codes.py``), so that a new item can be generated as soon as it is
described. Without content codes are arbitrary numbers: the control that the paper has too. The
network and its beams are in ``models/generative.py``.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from torch import Tensor

from recfeat_pipeline.content.codes import Codes, arbitrary_codes, residual_codes
from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.family import Family, setting
from recfeat_pipeline.models.generative import UNSEEN, Generator
from recfeat_pipeline.models.histories import Histories
from recfeat_pipeline.models.module import Module, Stepping
from recfeat_pipeline.models.ranks import BlockScores, HeldOut
from recfeat_pipeline.models.recipe import BATCH_SIZE, Recipe
from recfeat_pipeline.models.scorer import Scorer
from recfeat_pipeline.models.trained import count_parameters, load_best, new_items

CHOOSING = 2_000
"""Validation examples that a look ranks: a beam costs more than a product of vectors."""


@dataclass(frozen=True)
class Settings(Stepping):
    """Of the codes, the network and the beams."""

    context: int = setting(20, "newest events of a history", table="model", least=1)
    levels: int = setting(3, "codes of an item", table="model", least=1)
    codes: int = setting(64, "values of a code", table="model", least=2, space=(64, 256))
    width: int = setting(64, "of a state; four heads share it", table="model", least=4)
    layers: int = setting(2, "of encoder and of decoder", table="model", least=1)
    beams: int = setting(50, "prefixes that go on at each code", table="model", least=1)
    dropout: float = setting(0.1, "of states", least=0, space=(0.1, 0.3))
    batch_size: int = setting(BATCH_SIZE, "examples of a step", least=1)
    learning_rate: float = setting(
        2e-3, "of Adam at first; a larger batch takes a larger one, by the square root", least=1e-9
    )
    adam_eps: float = setting(1e-8, "of Adam", least=0)


class GenerativeModule(Module):
    """A generator and the examples that it learns from."""

    tower: Generator
    learning: Settings
    described: bool = False  # codes come from content

    def loss(self, batch: Tensor) -> Tensor:
        """Cross-entropy of the target's codes, a scalar."""
        return self.tower.loss(*self.histories(batch))

    def ranks(self, examples: Tensor, held: HeldOut) -> np.ndarray:
        """Of :data:`CHOOSING` of the examples, always the same."""
        if len(examples) > CHOOSING:
            some = held.examples.sample(CHOOSING, seed=0).sort("example_id")
            held = HeldOut.of(held.events, some)
        return held.rank(GenerativeScorer(self, None, 0))[0]


class GenerativeScorer(Scorer):
    """A module's generator as it stands."""

    block = 64

    def __init__(self, module: GenerativeModule, log: pl.DataFrame | None, best_step: int):
        self.tower, self.histories, self.new = module.tower, module.histories, module.new
        self.beams, self.described = module.learning.beams, module.described
        self.log = self.log if log is None else log
        self.best_step, self.n_parameters = best_step, count_parameters(module.tower)

    def over(self, held: HeldOut) -> BlockScores:
        """Beams; what no beam reached is behind, and new items of arbitrary codes are last."""
        histories = self.histories.over(held.events, held.examples)
        device = self.tower.values.device

        def score(start: int, stop: int) -> Tensor:
            context, _ = histories(torch.arange(start, stop, device=device))
            found = self.tower.scores(context, self.beams)
            if self.new is not None and not self.described:
                found = found.masked_fill(self.new, -UNSEEN * (self.tower.n_places + 1))
            return found

        return score


def codes_of(content: Content, n_items: int, settings: Settings) -> Codes:
    """By content, or arbitrary ones where there is none."""
    if not content.width:
        size = max(settings.codes, int(np.ceil(n_items ** (1 / settings.levels))))
        return arbitrary_codes(n_items, settings.levels, size)
    return residual_codes(content.matrix, settings.levels, settings.codes)


def build(data: Data, content: Content, recipe: Recipe) -> GenerativeModule:
    """The generator with its initial parameters, and the data that it learns from."""
    settings: Settings = recipe.settings
    module = GenerativeModule(
        _generator(codes_of(content, data.n_items, settings), settings, recipe.seed),
        Histories(data.events, data.examples, data.n_items, "uniform", settings.context),
        settings,
        max(round(recipe.steps * BATCH_SIZE / settings.batch_size), 1),
        recipe.seed,
        new_items(data, settings),
    )
    module.described = content.width > 0
    return module


def _generator(codes: Codes, settings: Settings, seed: int = 0) -> Generator:
    return Generator(
        codes, settings.width, settings.layers, 4, settings.context, settings.dropout, seed
    )


def fit(data: Data, content: Content, recipe: Recipe) -> GenerativeScorer:
    """Train the generator."""
    from recfeat_pipeline.models.fit import fit as train  # Lightning takes seconds to import

    module = build(data, content, recipe)
    log, best_step = train(module, data, recipe)
    return GenerativeScorer(module, log, best_step)


def load(data: Data, content: Content, recipe: Recipe) -> GenerativeScorer:
    """The generator as :func:`fit` left it."""
    module = build(data, content, recipe)
    return GenerativeScorer(module, None, load_best(module, recipe.out_dir))


def size(data: Data, width: int, settings: Settings) -> int | None:
    """Trained numbers; None with content, for they follow from how its codes collide."""
    if width:
        return None
    none = Content(np.zeros((data.n_items, 0), np.float32), (), 0.0)
    return count_parameters(_generator(codes_of(none, data.n_items, settings), settings))


family = Family(
    title="TIGER: generated semantic ids",
    fit=fit,
    load=load,
    size=size,
    settings=Settings,
    trained=True,
    draws=True,
    takes_content=True,
)
