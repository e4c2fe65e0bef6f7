"""A trained model of sequences at work, with the reading of histories that validation chose."""

import json
from pathlib import Path

import polars as pl
from torch import Tensor

from recfeat_pipeline.models.choose import choose
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.fit import fit
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.reading import Reading
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.sequence_module import SequenceModule
from recfeat_pipeline.models.trained import TowerScorer, load_best

READING = "reading.json"


class SequenceScorer(TowerScorer):
    """A module's tower, told the newest events of a history as the reading says."""

    def __init__(
        self, module: SequenceModule, log: pl.DataFrame | None, best_step: int, reading: Reading
    ):
        super().__init__(module, log, best_step)
        self.sequences, self.reading = module.tower, reading
        self.settings = {"context": reading.context, "decay": reading.decay}

    def user_vectors(self, held: HeldOut) -> Tensor:
        """See :class:`~recfeat_pipeline.models.scorer.VectorScorer`."""
        self.histories.context = self.reading.context
        self.sequences.decay = self.reading.decay
        return super().user_vectors(held)


def train_sequences(
    module: SequenceModule, data: Data, recipe: Recipe, readings: tuple[Reading, ...]
) -> SequenceScorer:
    """Train the module, and choose on validation how histories are read."""
    log, best_step = fit(module, data, recipe)
    scorer = choose(data, readings, lambda reading: SequenceScorer(module, log, best_step, reading))
    (recipe.out_dir / READING).write_text(json.dumps(scorer.settings))
    return scorer


def restore_sequences(module: SequenceModule, out_dir: Path) -> SequenceScorer:
    """What :func:`train_sequences` left in a folder.

    Raises:
        RecfeatError: there is no checkpoint, or it was made from other items or features.
    """
    step = load_best(module, out_dir)
    reading = Reading(**json.loads((out_dir / READING).read_text()))
    return SequenceScorer(module, None, step, reading)
