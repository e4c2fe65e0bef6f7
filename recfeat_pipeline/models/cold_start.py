"""New items: what can be said of an item that nobody, or hardly anybody, has taken yet.

A share of the items loses its training interactions: half of them all of them (``n_train`` 0, the
new items), the others all but 1, 3, 10, 30 or 100, which gives a warm-up curve from a single model.
The model is trained without the rest, a new item's id channel is blank, and the targets are the
test users' real choices among those items.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.models.baselines import fit_baseline
from recfeat_pipeline.models.content import Content
from recfeat_pipeline.models.examples import build_examples, target_times
from recfeat_pipeline.models.fit import fit
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.train import build_module
from recfeat_pipeline.schemas import COLD_RANKS

SHARE = 0.2
"""Of the corpus items; half of them become new."""
WARM_UP = (1, 3, 10, 30, 100)
"""Training interactions left to the other half, in equal parts."""


@dataclass(frozen=True)
class ColdWorld:
    """The catalogue as if some items were new. Events and examples refer to the same items."""

    n_train: np.ndarray  # int32 [N]: interactions left in training; -1 for an ordinary item
    events: pl.DataFrame  # EVENTS without those that are held back
    examples: pl.DataFrame  # EXAMPLES of train and valid, the cold ones as "test"; ``timestamp``
    targets: HeldOut  # the cold examples over all events, so that all that was seen is masked

    @property
    def new(self) -> np.ndarray:
        """Items without any training interaction, bool [N]."""
        return self.n_train == 0


def build_cold_world(
    events: pl.DataFrame,
    items: pl.DataFrame,
    seed: int = 0,
    share: float = SHARE,
    report_split: str = "test",
) -> ColdWorld:
    """Hold items back; which ones depends on the seed alone, so that arms are paired.

    Args:
        events: EVENTS.
        items: ITEMS.
        seed: of the choice of items, of their remaining interactions and of the examples.
        share: of the corpus items to hold back.
        report_split: the events that are targets; ``"valid"`` in the published two-way split.

    Raises:
        RecfeatError: no user chose a held-back item there.
    """
    rng = np.random.default_rng(seed)
    n_items = items.filter("in_corpus").height
    n_train = np.full(n_items, -1, np.int32)
    in_training = events.filter(pl.col("split") == "train")["item_index"].to_numpy()
    n_events = np.bincount(in_training, minlength=n_items)
    held = rng.permutation(n_items)[: round(share * n_items)]
    new, warming = np.array_split(held, 2)
    n_train[new] = 0
    for count, part in zip(WARM_UP, np.array_split(warming, len(WARM_UP)), strict=True):
        n_train[part] = np.where(n_events[part] >= count, count, -1)  # no more than it has
    numbered = events.with_columns(
        left=pl.Series(n_train)[events["item_index"]],
        draw=pl.Series(rng.random(events.height)),
    )
    in_train = pl.col("split") == "train"
    drawn = pl.col("draw").rank("ordinal").over("item_index", in_train)
    numbered = numbered.with_columns(
        kept=(pl.col("left") < 0) | (in_train & (drawn <= pl.col("left")))
    )
    before = pl.col("kept").cum_sum() - pl.col("kept")
    numbered = numbered.with_columns(
        kept_before=before.cast(pl.Int64), history=before.over("user_id").cast(pl.Int32)
    )
    world = numbered.filter("kept").with_columns(position=pl.col("history"))
    world = world.select(events.columns)
    targets = _cold_targets(events, n_train, report_split)
    cold = build_examples(events.with_columns(split=targets), seed)
    cold = cold.with_columns(timestamp=target_times(events, cold))
    places = numbered.select("kept_before", "history")[cold["event_row"]]
    cold = cold.filter(places["history"] > 0)
    places = places.filter(pl.col("history") > 0)
    if cold.is_empty():
        raise RecfeatError(
            f"No {report_split} user chose one of the {len(held)} held-back items after another "
            f"item (seed {seed}): the catalogue is too small for the cold-start experiment. Run "
            "without --cold-start."
        )
    others = build_examples(world, seed).filter(pl.col("split") != "test")
    examples = pl.concat(
        [
            others.with_columns(timestamp=target_times(world, others)),
            cold.with_columns(event_row=places["kept_before"], history_length=places["history"]),
        ],
        how="vertical_relaxed",
    )
    return ColdWorld(n_train, world, examples, HeldOut.of(events, cold))


def rank_cold(
    arm: Arm,
    seed: int,
    world: ColdWorld,
    items: pl.DataFrame,
    content: Content,
    *,
    steps: int,
    out_dir: Path,
    progress: Callable[[int, int], None] | None = None,
    resume: bool = True,
    user_tags: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Train the arm in the cold world and rank its targets.

    Arguments as of ``train_arm``; a baseline is fitted to the cold world's events.

    Returns:
        :data:`~recfeat_pipeline.schemas.COLD_RANKS`.
    """
    if arm.is_trained:
        module = build_module(
            arm, seed, world.events, world.examples, items, content, steps, user_tags, world.new
        )
        fit(module, world.events, world.examples, out_dir, progress, resume)
        rows = np.flatnonzero((world.examples["split"] == "test").to_numpy())
        users, vectors = module.embed(torch.from_numpy(rows))

        def score(start: int, stop: int) -> torch.Tensor:
            return users[start:stop] @ vectors.T
    else:
        valid = world.examples.filter(pl.col("split") == "valid")
        scorer, _ = fit_baseline(
            arm, seed, world.events, HeldOut.of(world.events, valid), content.matrix
        )

        def score(start: int, stop: int) -> torch.Tensor:
            return scorer(world.targets, start, stop)

    not_new = torch.from_numpy(~world.new)
    rank, _ = world.targets.rank(score)
    # Ordinary items at minus infinity are behind every new one: the rank is that among new items.
    rank_new, _ = world.targets.rank(
        lambda start, stop: score(start, stop).masked_fill(not_new, -torch.inf)
    )
    corpus = items.filter("in_corpus").sort("item_index")
    targets = world.targets.examples["target_index"]
    return (
        world.targets.examples.select(
            "example_id",
            "user_id",
            corpus["item_id"].gather(targets).alias("target_item_id"),
            pl.Series("n_train", world.n_train)[targets],
            pl.Series("rank", rank),
            pl.Series("rank_new", rank_new),
        )
        .with_columns(rank_new=pl.when(pl.col("n_train") == 0).then("rank_new"))
        .select(list(COLD_RANKS))
    )


def _cold_targets(events: pl.DataFrame, n_train: np.ndarray, report_split: str) -> pl.Series:
    """``test`` for the reported events of held-back items; no split for the others."""
    held_back = pl.Series(n_train >= 0)[events["item_index"]]
    is_target = held_back & (events["split"] == report_split)
    return events.select(pl.when(is_target).then(pl.lit("test"))).to_series()
