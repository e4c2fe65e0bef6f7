"""New items: what can be said of an item that nobody, or hardly anybody, has taken yet.

A share of the items loses its training interactions: half of them all of them (``n_train`` 0, the
new items), the others all but 1, 3, 10, 30 or 100, which gives a warm-up curve from a single model.
The model is trained without the rest, a new item's id channel is blank, and the targets are the
test users' real choices among those items.
"""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import torch

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.examples import build_examples, target_times
from recfeat_pipeline.models.ranks import HeldOut, Seen, rank_scores
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.schemas import COLD_RANKS

SHARE = 0.2
"""Of the corpus items; half of them become new."""
WARM_UP = (1, 3, 10, 30, 100)
"""Training interactions left to the other half, in equal parts."""


@dataclass(frozen=True)
class ColdWorld:
    """The catalogue as if some items were new."""

    n_train: np.ndarray  # int32 [N]: interactions left in training; -1 for an ordinary item
    data: Data  # without the events that are held back
    targets: HeldOut  # choices of held-back items; all that was seen is masked, held back or not

    @property
    def new(self) -> np.ndarray:
        """Items without any training interaction, bool [N]."""
        return self.n_train == 0


def build_cold_world(
    data: Data, seed: int = 0, share: float = SHARE, report_split: str = "test"
) -> ColdWorld:
    """Hold items back; which ones depends on the seed alone, so that arms are paired.

    Args:
        data: the catalogue.
        seed: of the choice of items, of their remaining interactions and of the examples.
        share: of the corpus items to hold back.
        report_split: the events that are targets; ``"valid"`` in the published two-way split.

    Raises:
        RecfeatError: no user chose a held-back item there.
    """
    rng = np.random.default_rng(seed)
    events, n_items = data.events, data.n_items
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
    others = others.with_columns(timestamp=target_times(world, others))
    masked = Seen.of(events, cold)
    cold = cold.with_columns(event_row=places["kept_before"], history_length=places["history"])
    examples = pl.concat([others, cold], how="vertical_relaxed")
    cold = examples.tail(cold.height)
    return ColdWorld(
        n_train,
        replace(data, events=world, examples=examples, new=n_train == 0),
        HeldOut.of(world, cold, masked),
    )


def rank_cold(arm: Arm, world: ColdWorld, content: Content, recipe: Recipe) -> pl.DataFrame:
    """Fit the arm in the cold world and rank its targets.

    Returns:
        :data:`~recfeat_pipeline.schemas.COLD_RANKS`.
    """
    scorer, targets = arm.family.fit(world.data, content, recipe), world.targets
    not_new, score = torch.from_numpy(~world.new), scorer.over(targets)

    def score_new(start: int, stop: int) -> torch.Tensor:
        """Ordinary items are behind every new one: the rank is that among new items."""
        scores = score(start, stop)
        return scores.masked_fill_(not_new.to(scores.device), -torch.inf)

    rank, _ = rank_scores(score, targets.targets, targets.seen, scorer.block)
    rank_new, _ = rank_scores(score_new, targets.targets, targets.seen, scorer.block)
    chosen = targets.examples["target_index"]
    return (
        targets.examples.select(
            "example_id",
            "user_id",
            world.data.corpus["item_id"].gather(chosen).alias("target_item_id"),
            pl.Series("n_train", world.n_train)[chosen],
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
