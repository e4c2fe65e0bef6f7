"""Exact ranks over the whole catalogue: one int32 per example, from which every metric follows.

For a target scored t, with #> and #= counted over the other candidates,

    rank = 1 + #(S > t) + ceil(#(S = t) / 2) = 1 + ceil((n - 1 + sum(sign(S - t))) / 2)

over n candidates: ties get their mean rank, rounded up (a constant scorer ranks everything in the
middle), and one pass over the scores suffices. Seen items are taken out by subtracting their signs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from torch import Tensor

from recfeat_pipeline.models.taken import Taken

BLOCK, BLOCK_ON_GPU = 256, 4096
"""Examples scored at once: the score matrix is never whole in memory, on a CPU hardly in cache."""


@dataclass(frozen=True)
class Seen:
    """What each example's user had watched before the target: a slice of the event rows.

    ``items[starts[e]:stops[e]]`` are the items of example e; ``first`` marks the rows where an item
    occurs for the first time in its user's history, so that a repeat is taken out once.
    """

    items: np.ndarray  # int64 [R]
    first: np.ndarray  # bool [R]
    starts: np.ndarray  # int64 [X]
    stops: np.ndarray  # int64 [X]

    @classmethod
    def of(cls, events: pl.DataFrame, examples: pl.DataFrame) -> "Seen":
        """Everything before each target, from EVENTS and EXAMPLES."""
        stops = examples["event_row"].to_numpy()
        first = events.select(pl.struct("user_id", "item_index").is_first_distinct()).to_series()
        return cls(
            events["item_index"].to_numpy().astype(np.int64),
            first.to_numpy(),
            stops - examples["history_length"].to_numpy(),
            stops,
        )

    def histories(self, start: int, stop: int, n_items: int) -> Taken:
        """The examples' histories, a row each."""
        at, lengths = self._rows(start, stop)
        offsets = np.cumsum(lengths) - lengths
        return Taken(torch.from_numpy(offsets), torch.from_numpy(self.items[at]), n_items)

    def last_items(self, start: int, stop: int) -> Tensor:
        """The newest item of each history."""
        return torch.from_numpy(self.items[self.stops[start:stop] - 1])

    def block(self, start: int, stop: int, targets: np.ndarray) -> tuple[Tensor, Tensor]:
        """Rows (within the block) and items of its seen candidates, targets left out."""
        at, lengths = self._rows(start, stop)
        rows = np.repeat(np.arange(stop - start), lengths)
        items = self.items[at]
        keep = self.first[at] & (items != targets[start:stop][rows])
        return torch.from_numpy(rows[keep]), torch.from_numpy(items[keep])

    def _rows(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Event rows of the examples' histories, one after the other, and their lengths."""
        lengths = self.stops[start:stop] - self.starts[start:stop]
        begins = np.cumsum(lengths) - lengths
        return np.arange(lengths.sum()) + np.repeat(
            self.starts[start:stop] - begins, lengths
        ), lengths


@dataclass(frozen=True)
class HeldOut:
    """Examples to be ranked, with what is needed to rank them."""

    examples: pl.DataFrame  # EXAMPLES
    targets: np.ndarray  # int64 [X]
    seen: Seen

    @classmethod
    def of(cls, events: pl.DataFrame, examples: pl.DataFrame) -> "HeldOut":
        """From EVENTS and those EXAMPLES that are held out."""
        targets = examples["target_index"].to_numpy().astype(np.int64)
        return cls(examples, targets, Seen.of(events, examples))

    def rank(self, score_block: Callable[[int, int], Tensor]) -> tuple[np.ndarray, np.ndarray]:
        """See :func:`rank_scores`."""
        return rank_scores(score_block, self.targets, self.seen)

    def rank_vectors(self, users: Tensor, items: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """See :func:`rank_examples`."""
        return rank_examples(users, items, self.targets, self.seen)


def rank_examples(
    user_vectors: Tensor, item_vectors: Tensor, targets: np.ndarray, seen: Seen
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks by dot product: users [X, W] against items [N, W]; see :func:`rank_scores`."""
    # One buffer for all blocks: fresh pages would cost half as much again as the product.
    block = BLOCK if user_vectors.device.type == "cpu" else BLOCK_ON_GPU
    buffer = user_vectors.new_empty(block, len(item_vectors))

    def score(start: int, stop: int) -> Tensor:
        return torch.mm(user_vectors[start:stop], item_vectors.T, out=buffer[: stop - start])

    return rank_scores(score, targets, seen, block)


def rank_scores(
    score_block: Callable[[int, int], Tensor], targets: np.ndarray, seen: Seen, block: int = BLOCK
) -> tuple[np.ndarray, np.ndarray]:
    """Rank each example's target among all items.

    Args:
        score_block: ``(start, stop)`` to finite scores [stop - start, N] of those examples; the
            tensor is consumed.
        targets: item index of each example, [X].
        seen: what is no candidate.
        block: examples asked for at once.

    Returns:
        (rank, rank_with_seen), int32 [X] each: seen items masked, and left among the candidates.
    """
    ranks = np.empty(len(targets), np.int32)
    ranks_with_seen = np.empty(len(targets), np.int32)
    for start in range(0, len(targets), block):
        stop = min(start + block, len(targets))
        scores = score_block(start, stop)
        target = torch.from_numpy(targets[start:stop].astype(np.int64)).to(scores.device)
        rows, items = (part.to(scores.device) for part in seen.block(start, stop, targets))
        signs = scores.sub_(scores.gather(1, target[:, None])).sign_()  # [b, N] of -1, 0, 1
        total = signs.sum(1)
        taken = torch.zeros_like(total).index_add_(0, rows, signs[rows, items])
        n_taken = torch.bincount(rows, minlength=stop - start)
        n_items = signs.shape[1]
        ranks[start:stop] = _rank(n_items - n_taken, total - taken).cpu().numpy()
        ranks_with_seen[start:stop] = _rank(n_items, total).cpu().numpy()
    return ranks, ranks_with_seen


def _rank(n_candidates: Tensor | int, sign_sum: Tensor) -> Tensor:
    return 1 + torch.ceil((n_candidates - 1 + sign_sum) / 2).int()
