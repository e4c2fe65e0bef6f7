"""A trained arm at work: it recommends to someone from liked items alone, and says why."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import torch

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.models.content import Content
from recfeat_pipeline.models.examples import CONTEXT
from recfeat_pipeline.models.sasrec import SasRec
from recfeat_pipeline.models.tower import TIME_BINS, Context, TwoTower
from recfeat_pipeline.models.train import build_tower


class ServedArm:
    """The towers of one (arm, seed) at their best checkpoint. Items are item indices."""

    def __init__(
        self, tower: TwoTower | SasRec, names: Sequence[str], new: torch.Tensor | None = None
    ):
        """``names`` are the columns of the tower's content, none for an arm without content;
        ``new`` (bool [N]) marks the items that are known by content alone.
        """  # noqa: D205
        self.tower = tower.eval()
        self.names = list(names)
        self.new = new

    @classmethod
    def load(
        cls,
        arm: Arm,
        seed: int,
        items: pl.DataFrame,
        content: Content,
        checkpoint: Path,
        user_tags: pl.DataFrame | None = None,
    ) -> "ServedArm":
        """From ``best.pt`` of a training run; the other arguments are those it was trained with.

        Raises:
            RecfeatError: the checkpoint is absent, or was made from other items or features.
        """
        if not checkpoint.exists():
            raise RecfeatError(
                f"Arm {arm.id!r}, seed {seed}, has no checkpoint at {checkpoint}: train it with "
                f"`recfeat run --arms {arm.id} --seeds {seed}`."
            )
        tower = build_tower(arm, seed, items, content, user_tags)
        saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
        try:
            tower.load_state_dict(saved["tower"])
        except RuntimeError as error:
            raise RecfeatError(
                f"Arm {arm.id!r}, seed {seed}, was trained on other items or features than the "
                f"store holds now: train it again with `recfeat run --arms {arm.id}`."
            ) from error
        return cls(tower, content.names, saved.get("new"))

    @torch.no_grad()
    def scores(self, liked: Sequence[int]) -> np.ndarray:
        """Cosine of the user's vector with every item's: float32 [N]."""
        return self._score(liked).numpy()

    def drivers(self, liked: Sequence[int], item: int, n: int) -> list[tuple[str, float]]:
        """The ``n`` content columns without which the item's score would change most.

        An effect is the score less the score with that column at 0 everywhere. Columns are
        shortlisted by gradient × value, then measured. Empty for an arm without content.
        """
        tower = self.tower
        if not self.names or not isinstance(tower, TwoTower) or tower.content is None:
            return []
        content = tower.content
        known = content.clone().requires_grad_()
        tower.content = known
        try:
            score = self._score(liked, item)
            score.backward()
        finally:
            tower.content = content
        assert known.grad is not None
        estimate = (known.grad * content).sum(0).abs()
        effects = []
        with torch.no_grad():
            for column in estimate.topk(min(2 * n, len(self.names))).indices.tolist():
                kept = content[:, column].clone()
                content[:, column] = 0
                effect = float(score) - float(self._score(liked, item))
                content[:, column] = kept
                effects.append((self.names[column], effect))
        effects.sort(key=lambda pair: -abs(pair[1]))
        return [(name, effect) for name, effect in effects[:n] if effect]

    def _score(self, liked: Sequence[int], item: int | None = None) -> torch.Tensor:
        """Of all items, or of one. Every liked item weighs the same, the last one is the newest."""
        n_items = self.tower.n_items
        newest_first = list(dict.fromkeys(reversed(liked)))[:CONTEXT]
        history = torch.full((1, CONTEXT), n_items)
        history[0, : len(newest_first)] = torch.tensor(newest_first)
        weights = (history < n_items).float()
        context = Context(history, weights, torch.tensor([TIME_BINS]))
        user = self.tower.user_vectors(context)[0]
        at = torch.arange(n_items) if item is None else torch.tensor([item])
        blank = None if self.new is None else self.new[at]
        return (self.tower.item_vectors(at, blank) @ user).squeeze()
