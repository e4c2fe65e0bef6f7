"""Exact ranks over the whole catalogue: one int32 per example, from which every metric follows.

For a target scored t, with #> and #= counted over the other candidates,

    rank = 1 + #(S > t) + ceil(#(S = t) / 2) = 1 + ceil((n - 1 + sum(sign(S - t))) / 2)

over n candidates: ties get their mean rank, rounded up (a constant scorer ranks everything in the
middle), and one pass over the scores suffices. Seen items are taken out by subtracting their signs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch
from torch import Tensor

from recfeat_pipeline.models.taken import Taken
from recfeat_pipeline.schemas import EVENTS, EXAMPLES

if TYPE_CHECKING:
    from recfeat_pipeline.models.scorer import Scorer

BlockScores = Callable[[int, int], Tensor]
"""``(start, stop)`` to the scores [stop - start, N] of those examples."""

BLOCK, BLOCK_ON_GPU = 256, 4096
"""Examples scored at once: the score matrix is never whole in memory, on a CPU hardly in cache."""
CELLS, CELLS_ON_GPU = 1 << 26, 1 << 29
"""Scores at once: a quarter of a gigabyte, which from 262,144 items on makes blocks smaller."""


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

    def part(self, start: int, stop: int) -> "Seen":
        """Of the examples [start, stop)."""
        return replace(self, starts=self.starts[start:stop], stops=self.stops[start:stop])

    def histories(self, start: int, stop: int, n_items: int, context: int | None = None) -> Taken:
        """The examples' histories, a row each; of ``context`` their newest events only."""
        at, lengths = self._rows(start, stop, context)
        offsets = np.cumsum(lengths) - lengths
        return Taken(torch.from_numpy(offsets), torch.from_numpy(self.items[at]), n_items)

    def last_items(self, start: int, stop: int) -> Tensor:
        """The newest item of each history, int64 [B]."""
        return torch.from_numpy(self.items[self.stops[start:stop] - 1])

    def block(self, start: int, stop: int, targets: np.ndarray) -> tuple[Tensor, Tensor]:
        """Rows (within the block) and items of its seen candidates, int64 [S] each; no targets."""
        at, lengths = self._rows(start, stop)
        rows = np.repeat(np.arange(stop - start), lengths)
        items = self.items[at]
        keep = self.first[at] & (items != targets[start:stop][rows])
        return torch.from_numpy(rows[keep]), torch.from_numpy(items[keep])

    def _rows(
        self, start: int, stop: int, context: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Event rows of the examples' histories, one after the other, and their lengths."""
        starts, stops = self.starts[start:stop], self.stops[start:stop]
        if context is not None:
            starts = np.maximum(starts, stops - context)
        lengths = stops - starts
        begins = np.cumsum(lengths) - lengths
        return np.arange(lengths.sum()) + np.repeat(starts - begins, lengths), lengths


@dataclass(frozen=True)
class HeldOut:
    """Examples to be ranked: their contexts, and what is no candidate."""

    events: pl.DataFrame  # EVENTS: what the examples' contexts are rows of
    examples: pl.DataFrame  # EXAMPLES
    targets: np.ndarray  # int64 [X]
    seen: Seen  # what is masked
    known: Seen  # what a model is told: the same, unless something is kept from it

    @classmethod
    def of(
        cls, events: pl.DataFrame, examples: pl.DataFrame, masked: Seen | None = None
    ) -> "HeldOut":
        """From EVENTS and those EXAMPLES that are held out; all that is known is masked."""
        targets = examples["target_index"].to_numpy().astype(np.int64)
        known = Seen.of(events, examples)
        return cls(events, examples, targets, masked or known, known)

    @classmethod
    def liked(cls, items: Sequence[int], n_items: int) -> "HeldOut":
        """One example: someone of whom no more is known than these likes, the newest last."""
        once = list(dict.fromkeys(reversed(items)))[::-1]
        target = once[-1] if len(once) == n_items else min(set(range(n_items)) - set(once))
        rows = {"user_id": 0, "item_index": [*once, target]}
        events = pl.DataFrame(rows).with_columns(
            pl.lit(None, EVENTS[name]).alias(name) for name in ("rating", "timestamp", "split")
        )
        example = {"example_id": 0, "user_id": None, "split": "test", "event_row": len(once),
                   "history_length": len(once), "target_index": target}  # fmt: skip
        return cls.of(events, pl.DataFrame([example]).select(list(EXAMPLES)))

    def rank(self, scorer: "Scorer") -> tuple[np.ndarray, np.ndarray]:
        """See :func:`rank_scores`."""
        return rank_scores(scorer.over(self), self.targets, self.seen, scorer.block)


def products(users: Tensor, items: Tensor) -> BlockScores:
    """Scores by dot product: users [X, W] against items [N, W]."""
    # One buffer for all blocks: fresh pages would cost half as much again as the product.
    buffer = users.new_empty(min(len(users), block_of(users.device, len(items))), len(items))

    def score(start: int, stop: int) -> Tensor:
        return torch.mm(users[start:stop], items.T, out=buffer[: stop - start])

    return score


def block_of(device: torch.device, n_items: int) -> int:
    """Examples whose vectors are best multiplied with those of N items at once."""
    best, cells = (BLOCK, CELLS) if device.type == "cpu" else (BLOCK_ON_GPU, CELLS_ON_GPU)
    return max(min(best, cells // max(n_items, 1)), 1)


def rank_examples(
    users: Tensor, items: Tensor, targets: np.ndarray, seen: Seen
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks by dot product: users [X, W] against items [N, W]; see :func:`rank_scores`."""
    return rank_scores(products(users, items), targets, seen, block_of(users.device, len(items)))


def rank_scores(
    score_block: BlockScores, targets: np.ndarray, seen: Seen, block: int = BLOCK
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
