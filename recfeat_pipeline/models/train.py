"""Fit one arm with one seed, and rank the test examples."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.lists import top_lists
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.schemas import RANKS


@dataclass(frozen=True)
class TrainingResult:
    """What a run of one (arm, seed) leaves behind."""

    item_vectors: np.ndarray | None  # float32 [N, W]; None where the family has none
    ranks: pl.DataFrame  # RANKS: one row per test example
    top_lists: pl.DataFrame  # TOP_LISTS, of a sample of them
    log: pl.DataFrame  # TRAINING_LOG: one row per evaluation; empty where nothing is trained
    n_parameters: int
    best_step: int  # the checkpoint that was ranked
    seconds: float  # of this call; a resumed run counts only its own part
    settings: dict[str, Any] = field(default_factory=dict)  # that were chosen on validation


def train_arm(
    arm: Arm, data: Data, content: Content, recipe: Recipe, report_split: str = "test"
) -> TrainingResult:
    """Fit an arm and rank the test examples.

    Deterministic given (arm, seed) on one machine. Every arm of a family and seed sees the same
    minibatches (but one that changes the batch or leaves rare targets out) and starts from the same
    values in the parameters it shares with the others. A run that was killed continues from its
    last evaluation, on the same path as if it had not been.

    Args:
        arm: names the family.
        data: the catalogue.
        content: of the arm's slot.
        recipe: the arm's settings, the seed, the steps.
        report_split: the examples that are ranked; ``"valid"`` reproduces the published two-way
            split, which reports on the users that chose the checkpoint.

    Raises:
        RecfeatError: there are no examples to train on or to rank.
    """
    start = time.perf_counter()
    for split in ("train", report_split):
        if data.examples.filter(pl.col("split") == split).is_empty():
            raise RecfeatError(
                f"The catalogue has no {split} examples (no user of that split has two or more "
                "corpus events): lower its corpus rules or bring more interactions."
            )
    test = data.held_out(report_split)
    scorer = arm.family.fit(data, content, recipe)
    rank, rank_with_seen = test.rank(scorer)
    ranks = test.examples.select(
        "example_id",
        "user_id",
        data.corpus["item_id"].gather(test.examples["target_index"]).alias("target_item_id"),
        "history_length",
        pl.Series("rank", rank),
        pl.Series("rank_with_seen", rank_with_seen),
    )
    return TrainingResult(
        scorer.item_vectors(),
        ranks.select(list(RANKS)),
        top_lists(scorer, data, report_split),
        scorer.log,
        n_parameters=scorer.n_parameters,
        best_step=scorer.best_step,
        seconds=time.perf_counter() - start,
        settings=dict(scorer.settings),
    )
