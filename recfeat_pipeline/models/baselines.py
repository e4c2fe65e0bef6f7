"""Models that are counted or solved, not trained: the same examples, the same rank table.

A baseline is a function from the training events to a scorer; a scorer gives the scores [b, N] of
a block of examples. What has a setting chooses it on the validation examples, among a few values.
They see the whole history before a target, as is usual for them; the towers see its last 50 events.
"""

from collections.abc import Callable, Iterable

import numpy as np
import polars as pl
import torch
from torch import Tensor

from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.models.examples import target_times
from recfeat_pipeline.models.ials import factorise, fold_in
from recfeat_pipeline.models.item_models import cosine_neighbours, ease, gram, transitions
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.taken import Taken

WINDOW_DAYS = 30
NEIGHBOURS = (20, 50, 100, 200)
EASE_RIDGE = (30.0, 100.0, 300.0, 1000.0, 3000.0)
CONTENT_WEIGHT = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Of a content row against a user's row: the share that content has of the Gram matrix's trace."""
IALS_RIDGE = (0.001, 0.003, 0.01, 0.03)

Scorer = Callable[[HeldOut, int, int], Tensor]


def fit_baseline(
    arm: Arm, seed: int, events: pl.DataFrame, valid: HeldOut, content: np.ndarray
) -> tuple[Scorer, dict[str, float]]:
    """Fit the arm's baseline on the training events.

    Args:
        arm: names the model; ``ease`` takes content as further rows.
        seed: of ``ials``, the only one that draws.
        events: EVENTS; rows of the split ``train`` are learnt from.
        valid: chooses the settings; without examples the first of each is taken.
        content: [N, D]; gives N, and D where the arm has content.

    Returns:
        (scorer, settings chosen on validation).
    """
    train = Taken.of(events.filter(pl.col("split") == "train"), len(content))
    if arm.model == "popularity":
        return _popularity(train), {}
    if arm.model == "recent_popularity":
        return _recent_popularity(train, events), {}
    if arm.model == "markov":
        return _last_item(transitions(events, train)), {}
    if arm.model == "item_knn":
        similarity = gram(train)
        scorer, neighbours = _choose(
            valid, NEIGHBOURS, lambda n: _item_item(cosine_neighbours(similarity, n))
        )
        return scorer, {"neighbours": neighbours}
    if arm.model == "ease":
        return _ease(train, valid, content)
    scorer, ridge = _choose(valid, IALS_RIDGE, lambda ridge: _ials(train, ridge, seed))
    return scorer, {"ridge": ridge}


def _choose(
    valid: HeldOut, values: Iterable[float], make: Callable[..., Scorer]
) -> tuple[Scorer, float]:
    """The scorer whose setting has the best MRR on validation, and the setting."""
    best: tuple[float, float, Scorer] | None = None
    for value in values:
        scorer = make(value)
        if not len(valid.targets):
            return scorer, value
        ranks, _ = valid.rank(lambda start, stop, s=scorer: s(valid, start, stop))  # type: ignore[misc]
        mrr = float((1 / ranks).mean())
        if best is None or mrr > best[0]:
            best = mrr, value, scorer
    assert best is not None
    return best[2], best[1]


def _ease(train: Taken, valid: HeldOut, content: np.ndarray) -> tuple[Scorer, dict[str, float]]:
    """EASE, and with content the ridge of EASE kept while the content's weight is chosen.

    Content columns enter as further rows of the interaction matrix (collective EASE; Jeunen, Van
    Balen and Goethals, 2020): two items are alike when the same users took them, or when the same
    features describe them.
    """
    of_users = gram(train)
    scorer, ridge = _choose(valid, EASE_RIDGE, lambda ridge: _item_item(ease(of_users, ridge)))
    if not content.shape[1]:
        return scorer, {"ridge": ridge}
    rows = torch.from_numpy(content)
    of_content = rows @ rows.T
    of_content *= of_users.trace() / of_content.trace()
    scorer, weight = _choose(
        valid,
        CONTENT_WEIGHT,
        lambda weight: _item_item(ease(of_users + weight * of_content, ridge)),
    )
    return scorer, {"ridge": ridge, "content_weight": weight}


# -- scorers --------------------------------------------------------------------------------------


def _popularity(train: Taken) -> Scorer:
    """Training events of the item."""
    counts = train.counts()
    return lambda held, start, stop: counts.repeat(stop - start, 1)


def _recent_popularity(train: Taken, events: pl.DataFrame) -> Scorer:
    """Events of the item in the 30-day window before the target's own; popularity breaks ties.

    Windows are fixed, so a target is scored only by events of earlier windows. Every event but the
    test ones counts. Without timestamps this is popularity.
    """
    counts = train.counts()
    window = pl.col("timestamp") // (WINDOW_DAYS * 86_400)
    known = events.filter(pl.col("split") != "test").drop_nulls("timestamp")
    by_window = known.group_by(window.alias("window"), "item_index").len().sort("window")
    windows = by_window["window"].unique().sort()
    table = torch.zeros(len(windows) + 1, len(counts))  # the last row: nothing was recent
    table[
        windows.search_sorted(by_window["window"]).to_numpy().astype(np.int64),
        by_window["item_index"].to_numpy().astype(np.int64),
    ] = torch.from_numpy(by_window["len"].to_numpy().astype(np.float32))
    table += counts / (1 + counts.sum())
    row_of = {int(value): row for row, value in enumerate(windows)}

    def score(held: HeldOut, start: int, stop: int) -> Tensor:
        times = target_times(events, held.examples[start:stop])
        before = times // (WINDOW_DAYS * 86_400) - 1
        rows = before.replace_strict(row_of, default=len(windows), return_dtype=pl.Int64)
        return table[torch.from_numpy(rows.fill_null(len(windows)).to_numpy().copy())]

    return score


def _item_item(weights: Tensor) -> Scorer:
    """Sum of the rows of an item-item matrix [N, N] over the history."""

    def score(held: HeldOut, start: int, stop: int) -> Tensor:
        taken = held.seen.histories(start, stop, len(weights))
        return torch.nn.functional.embedding_bag(taken.columns, weights, taken.offsets, mode="sum")

    return score


def _last_item(weights: Tensor) -> Scorer:
    """The row of the last item."""
    return lambda held, start, stop: weights[held.seen.last_items(start, stop)]


def _ials(train: Taken, ridge: float, seed: int) -> Scorer:
    """Implicit ALS; a user is solved anew from each history."""
    items = factorise(train, ridge, seed)

    def score(held: HeldOut, start: int, stop: int) -> Tensor:
        return fold_in(held.seen.histories(start, stop, len(items)), items, ridge) @ items.T

    return score
