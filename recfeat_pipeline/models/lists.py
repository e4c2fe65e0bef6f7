"""The lists that a model would show: the best unseen items for a sample of the test examples.

Ranks say where one item stands; what a list is like as a whole (coverage, novelty) needs the list.
"""

import numpy as np
import polars as pl
import torch

from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.scorer import Scorer
from recfeat_pipeline.schemas import TOP_LISTS

SAMPLE = 1000
"""Examples of which lists are kept."""
LENGTH = 50


def sample_examples(examples: pl.DataFrame, items: pl.DataFrame, n: int = SAMPLE) -> pl.DataFrame:
    """About ``n`` examples, spread evenly over the target's popularity and the history's length.

    The same for every arm and seed. Every so many-th example is taken, in the order of tier,
    length and id: a systematic sample, stratified by what it is ordered by.
    """
    tiers = items.filter("in_corpus").sort("item_index")["tier"]
    ordered = examples.with_columns(tier=tiers.gather(examples["target_index"])).sort(
        "tier", "history_length", "example_id"
    )
    rows = np.unique(np.linspace(0, examples.height - 1, min(n, examples.height)).astype(int))
    return ordered[rows].drop("tier").sort("example_id")


def best_unseen(scorer: Scorer, held: HeldOut, length: int) -> np.ndarray:
    """Item indices of each example's best, int64 [X, length]; -1 where there are no more."""
    score = scorer.over(held)
    nothing = np.full(len(held.targets), -1)  # a target is no exception: it was not seen
    found = [np.empty((0, length), np.int64)]
    for start in range(0, len(held.targets), scorer.block):
        stop = min(start + scorer.block, len(held.targets))
        scores = score(start, stop)
        rows, items = (part.to(scores.device) for part in held.seen.block(start, stop, nothing))
        scores[rows, items] = -torch.inf
        best = scores.topk(length, dim=1)
        places = torch.where(best.values.isinf(), -1, best.indices)
        found.append(places.cpu().numpy())
    return np.concatenate(found)


def top_lists(scorer: Scorer, data: Data, split: str) -> pl.DataFrame:
    """The best items of each sampled example, what its user has seen left out.

    Returns:
        :data:`~recfeat_pipeline.schemas.TOP_LISTS`.
    """
    chosen = sample_examples(data.examples.filter(pl.col("split") == split), data.items)
    length = min(LENGTH, data.n_items)
    shown = best_unseen(scorer, HeldOut.of(data.events, chosen), length)
    frame = pl.DataFrame(
        {
            "example_id": np.repeat(chosen["example_id"].to_numpy(), length),
            "position": np.tile(np.arange(1, length + 1), len(shown)),
            "item_index": shown.ravel(),
        }
    ).filter(pl.col("item_index") >= 0)
    ids = data.corpus["item_id"].gather(frame["item_index"])
    return frame.with_columns(pl.col("position").cast(pl.Int32), ids.alias("item_id")).select(
        list(TOP_LISTS)
    )
