"""Train one arm with one seed, choose its checkpoint on validation, rank the test examples."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import torch

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.models.baselines import fit_baseline
from recfeat_pipeline.models.content import Content
from recfeat_pipeline.models.fit import Hardware, fit, rows_of
from recfeat_pipeline.models.histories import Histories
from recfeat_pipeline.models.metadata import build_metadata
from recfeat_pipeline.models.module import Recipe, TwoTowerModule
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.sasrec import SasRec
from recfeat_pipeline.models.tower import TwoTower, count_parameters
from recfeat_pipeline.schemas import RANKS, TRAINING_LOG

PASSES = 24
"""Over the training examples: what 160,000 steps of 512 are on ML-32M."""
MIN_STEPS, MAX_STEPS = 300, 160_000


@dataclass(frozen=True)
class TrainingResult:
    """What a run of one (arm, seed) leaves behind."""

    item_vectors: np.ndarray  # float32 [N, 128]; [N, 0] for a baseline
    ranks: pl.DataFrame  # RANKS: one row per test example
    log: pl.DataFrame  # TRAINING_LOG: one row per evaluation; empty for a baseline
    n_parameters: int
    best_step: int  # the checkpoint that was ranked
    seconds: float  # of this call; a resumed run counts only its own part
    settings: dict[str, float] = field(default_factory=dict)  # that a baseline chose on validation


def default_steps(n_train_examples: int) -> int:
    """The step budget of a catalogue: as many passes over its examples as the published study's."""
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
    user_tags: pl.DataFrame | None = None,
    report_split: str = "test",
    hardware: Hardware | None = None,
) -> TrainingResult:
    """Train (or, for a baseline, compute) an arm and rank the test examples.

    Deterministic given (arm, seed) on one machine. Every arm of a seed sees the same minibatches
    (but one that changes the batch or leaves rare targets out) and starts from the same values in
    the parameters it shares with the others. A run that was killed continues from its last
    evaluation, on the same path as if it had not been.

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
        user_tags: of the rich arms, see ``build_metadata``; None leaves their tag slot out.
        report_split: the examples that are ranked; ``"valid"`` reproduces the published two-way
            split, which reports on the users that chose the checkpoint.
        hardware: by default one device, the best there is.

    Raises:
        RecfeatError: there are no examples to train on or to rank.
    """
    start = time.perf_counter()
    corpus = items.filter("in_corpus").sort("item_index")
    for split in ("train", report_split):
        if examples.filter(pl.col("split") == split).is_empty():
            raise RecfeatError(
                f"The catalogue has no {split} examples (no user of that split has two or more "
                "corpus events): lower its corpus rules or bring more interactions."
            )
    valid, test = (
        HeldOut.of(events, examples.filter(pl.col("split") == split))
        for split in ("valid", report_split)
    )
    if not arm.is_trained:
        scorer, settings = fit_baseline(arm, seed, events, valid, content.matrix)
        ranks = test.rank(lambda start, stop: scorer(test, start, stop))
        return TrainingResult(
            np.zeros((corpus.height, 0), np.float32),
            _ranks_frame(test.examples, corpus, *ranks),
            pl.DataFrame(schema=TRAINING_LOG),
            n_parameters=0,
            best_step=0,
            seconds=time.perf_counter() - start,
            settings=settings,
        )
    module = build_module(arm, seed, events, examples, items, content, steps, user_tags)
    log, best_step = fit(module, events, examples, out_dir, progress, resume, hardware)
    users, vectors = module.embed(rows_of(examples, report_split))
    return TrainingResult(
        vectors.cpu().numpy(),
        _ranks_frame(test.examples, corpus, *test.rank_vectors(users, vectors)),
        log,
        n_parameters=count_parameters(module.tower),
        best_step=best_step,
        seconds=time.perf_counter() - start,
    )


def build_module(
    arm: Arm,
    seed: int,
    events: pl.DataFrame,
    examples: pl.DataFrame,
    items: pl.DataFrame,
    content: Content,
    steps: int,
    user_tags: pl.DataFrame | None = None,
    new: np.ndarray | None = None,
) -> TwoTowerModule:
    """An arm's model at its first step; see :func:`train_arm` for the arguments.

    ``new`` (bool [N]) marks items that are not to exist while training (cold start), beside those
    that are too rare for the arm.
    """
    n_items = len(content.matrix)
    train_events = events.filter(pl.col("split") == "train")
    counts = np.bincount(train_events["item_index"].to_numpy(), minlength=n_items)
    if arm.rare_as_new:
        rare = counts < arm.rare_as_new * counts.mean()
        new = rare if new is None else rare | new
    return TwoTowerModule(
        build_tower(arm, seed, items, content, user_tags),
        Histories(events, examples, n_items, arm.weights),
        Recipe.of(arm, steps, seed),
        torch.from_numpy(counts),
        None if new is None else torch.from_numpy(new),
    )


def build_tower(
    arm: Arm,
    seed: int,
    items: pl.DataFrame,
    content: Content,
    user_tags: pl.DataFrame | None = None,
) -> TwoTower | SasRec:
    """The arm's towers with their initial parameters."""
    if arm.model == "sasrec":
        return SasRec(len(content.matrix), seed)
    return TwoTower(
        len(content.matrix),
        torch.from_numpy(content.matrix) if content.width else None,
        seed,
        four_pools=arm.four_pools,
        recency=arm.recency,
        metadata=build_metadata(items, user_tags) if arm.metadata else None,
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
