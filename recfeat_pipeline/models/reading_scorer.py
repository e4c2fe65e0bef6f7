"""A trained model at work, with the reading of histories that validation chose."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
from torch import Tensor

from recfeat_pipeline.models.checkpoints import load_json, save_json
from recfeat_pipeline.models.choose import Fitted, choose
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.module import Module
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.reading import Reading
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.trained import TowerScorer, load_best

READING = "reading.json"


class ReadingScorer(TowerScorer):
    """A module's tower, told the newest events of a history as the reading says."""

    def __init__(self, module: Module, log: pl.DataFrame | None, best_step: int, reading: Reading):
        super().__init__(module, log, best_step)
        self.reading = reading
        self.settings = {"context": reading.context, "decay": reading.decay}

    def user_vectors(self, held: HeldOut) -> Tensor:
        """See :class:`~recfeat_pipeline.models.scorer.VectorScorer`."""
        self.histories.context = self.reading.context
        self.tower.decay = self.reading.decay
        return super().user_vectors(held)


def train_with_readings(
    module: Module,
    data: Data,
    recipe: Recipe,
    readings: tuple[Reading, ...],
    scorer: Callable[..., Fitted] = ReadingScorer,  # type: ignore[assignment]
) -> Fitted:
    """Train the module, and choose on validation how histories are read.

    ``scorer`` makes what scores of the module, the log, the best step and a reading.
    """
    from recfeat_pipeline.models.fit import fit  # Lightning takes seconds to import

    log, best_step = fit(module, data, recipe)
    chosen = choose(data, readings, lambda reading: scorer(module, log, best_step, reading))
    save_json(recipe.out_dir / READING, chosen.settings)
    return chosen


def restore_with_reading(
    module: Module,
    out_dir: Path,
    scorer: Callable[..., Fitted] = ReadingScorer,  # type: ignore[assignment]
) -> Fitted:
    """What :func:`train_with_readings` left in a folder.

    Raises:
        RecfeatError: there is no checkpoint, it is damaged, or it is of other items or features.
    """
    step = load_best(module, out_dir)
    reading = Reading(**load_json(out_dir / READING))
    return scorer(module, None, step, reading)
