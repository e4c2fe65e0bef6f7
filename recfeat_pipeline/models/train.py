"""Train one arm with one seed, choose its checkpoint on validation, rank the test examples."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.models.baselines import rank_baseline
from recfeat_pipeline.models.content import Content
from recfeat_pipeline.models.fit import LOG_SCHEMA, fit
from recfeat_pipeline.models.histories import Histories
from recfeat_pipeline.models.module import Recipe, TwoTowerModule
from recfeat_pipeline.models.ranks import Seen, rank_examples
from recfeat_pipeline.models.tower import TwoTower, count_parameters
from recfeat_pipeline.schemas import RANKS

PASSES = 24
"""Over the training examples: what 160,000 steps of 512 are on ML-32M."""
MIN_STEPS, MAX_STEPS = 300, 160_000


@dataclass(frozen=True)
class TrainingResult:
    """What a run of one (arm, seed) leaves behind."""

    item_vectors: np.ndarray  # float32 [N, 128]; [N, 0] for a baseline
    ranks: pl.DataFrame  # RANKS: one row per test example
    log: pl.DataFrame  # LOG_SCHEMA: one row per evaluation; empty for a baseline
    n_parameters: int
    best_step: int  # the checkpoint that was ranked
    seconds: float  # of this call; a resumed run counts only its own part


def default_steps(n_train_examples: int, n_items: int) -> int:
    """The step budget of a catalogue: as many passes over its examples as the published study's.

    ``n_items`` does not enter yet: a pass already grows with the catalogue.
    """
    passes = PASSES * n_train_examples / Recipe.batch_size
    return int(min(max(passes, MIN_STEPS), MAX_STEPS))


def train_arm(
    arm: Arm,
    seed: int,
    events: pl.DataFrame,
    examples: pl.DataFrame,
    items: pl.DataFrame,
    content: Content,
    *,
    steps: int,
    out_dir: Path,
    progress: Callable[[int, int], None] | None = None,
    resume: bool = True,
) -> TrainingResult:
    """Train (or, for a baseline, compute) an arm and rank the test examples.

    Deterministic given (arm, seed) on one machine. Every arm of a seed sees the same minibatches
    and starts from the same values in the parameters it shares with the others. A run that was
    killed continues from its last evaluation, on the same path as if it had not been.

    Args:
        arm: what the model sees.
        seed: of the initial parameters and the order of the examples.
        events: EVENTS, the histories.
        examples: EXAMPLES of all splits.
        items: ITEMS; the corpus rows are the candidates.
        content: of this arm, from ``build_content``.
        steps: optimizer steps; see :func:`default_steps`.
        out_dir: local folder of the checkpoints of this (arm, seed), kept between calls.
        progress: called with (step, steps).
        resume: False starts over.

    Raises:
        RecfeatError: there are no training or no test examples.
    """
    start = time.perf_counter()
    corpus = items.filter("in_corpus").sort("item_index")
    for split in ("train", "test"):
        if examples.filter(pl.col("split") == split).is_empty():
            raise RecfeatError(
                f"The catalogue has no {split} examples (no user of that split has two or more "
                "corpus events): lower its corpus rules or bring more interactions."
            )
    test = examples.filter(pl.col("split") == "test")
    seen = Seen.of(events, test)
    item_vectors = np.zeros((corpus.height, 0), np.float32)
    log, best_step, n_parameters = pl.DataFrame(schema=LOG_SCHEMA), 0, 0
    if arm.is_trained:
        module = TwoTowerModule(
            TwoTower(
                corpus.height, torch.from_numpy(content.matrix) if content.width else None, seed
            ),
            Histories(events, examples, corpus.height),
            Recipe(steps, uniform_weights=arm.pooling == "uniform"),
        )
        log, best_step = fit(module, events, examples, seed, out_dir, progress, resume)
        n_parameters = count_parameters(module.tower)
        users, vectors = module.embed(
            torch.from_numpy(np.flatnonzero((examples["split"] == "test").to_numpy()))
        )
        ranks = rank_examples(users, vectors, test["target_index"].to_numpy(), seen)
        item_vectors = vectors.cpu().numpy()
    else:
        ranks = rank_baseline(arm.model, events, test, corpus.height, seen)
    return TrainingResult(
        item_vectors,
        _ranks_frame(test, corpus, *ranks),
        log,
        n_parameters,
        best_step,
        time.perf_counter() - start,
    )


def _ranks_frame(
    test: pl.DataFrame, corpus: pl.DataFrame, rank: np.ndarray, rank_with_seen: np.ndarray
) -> pl.DataFrame:
    return test.select(
        "example_id",
        "user_id",
        corpus["item_id"].gather(test["target_index"]).alias("target_item_id"),
        "history_length",
        pl.Series("rank", rank),
        pl.Series("rank_with_seen", rank_with_seen),
    ).select(list(RANKS))
