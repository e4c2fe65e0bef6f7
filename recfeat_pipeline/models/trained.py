"""A trained pair of towers at work: vectors of users and items, and reasons."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models import checkpoints
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.histories import Context, Histories
from recfeat_pipeline.models.module import Learning, Module, Stepping, TowerModule
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.scorer import VectorScorer
from recfeat_pipeline.models.tower import Tower

AT_ONCE = 8192  # users embedded at once


def build_module(
    tower: Tower, data: Data, recipe: Recipe, weights: str, context: int
) -> TowerModule:
    """A tower before its first step; the recipe's settings are those of :class:`Learning`."""
    learning: Learning = recipe.settings
    return TowerModule(
        tower,
        Histories(data.events, data.examples, data.n_items, weights, context),
        learning,
        learning.steps(recipe.steps),
        recipe.seed,
        torch.from_numpy(data.counts),
        new_items(data, learning),
    )


def new_items(data: Data, learning: Stepping) -> Tensor | None:
    """Bool [N]: items that are too rare to learn from, or do not exist yet; None: no such."""
    new = data.new
    if learning.rare_as_new:
        rare = data.counts < learning.rare_as_new * data.counts.mean()
        new = rare if new is None else rare | new
    return None if new is None else torch.from_numpy(new)


def train(module: Module, data: Data, recipe: Recipe) -> "TowerScorer":
    """Train the module, and give what scores with its best checkpoint."""
    from recfeat_pipeline.models.fit import fit  # Lightning takes seconds to import

    log, best_step = fit(module, data, recipe)
    return TowerScorer(module, log, best_step)


def restore(module: Module, out_dir: Path) -> "TowerScorer":
    """What :func:`train` left in a folder; raises as :func:`load_best` does."""
    return TowerScorer(module, None, load_best(module, out_dir))


def load_best(module: Module, out_dir: Path) -> int:
    """Give the module the weights of a folder's best checkpoint; returns its step.

    Raises:
        RecfeatError: there is no checkpoint, it is damaged, or it is of other items or features.
    """
    path = out_dir / checkpoints.BEST
    if not path.exists():
        raise RecfeatError(f"There is no checkpoint at {path}: train the arm with `recfeat run`.")
    saved = checkpoints.load(path)
    try:
        module.tower.load_state_dict(saved["tower"])
    except RuntimeError as error:
        raise RecfeatError(
            f"The checkpoint at {path} is of other items or features than the store holds now: "
            "train the arm again with `recfeat run`."
        ) from error
    module.new = saved.get("new")
    module.eval()
    return saved["step"]


class TowerScorer(VectorScorer):
    """A module's towers as they stand."""

    def __init__(self, module: Module, log: pl.DataFrame | None, best_step: int):
        self.tower, self.histories, self.new = module.tower, module.histories, module.new
        self.log = self.log if log is None else log
        self.best_step, self.n_items = best_step, module.tower.n_items
        self.n_parameters = count_parameters(module.tower)

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """Where the towers are."""
        return next(self.tower.parameters()).device

    @torch.no_grad()
    def user_vectors(self, held: HeldOut) -> Tensor:
        """See :class:`VectorScorer`."""
        histories = self.histories.over(held.events, held.examples)
        rows = torch.arange(len(held.targets), device=self.device)
        users = [self.tower.user_vectors(histories(part)[0]) for part in rows.split(AT_ONCE)]
        return torch.cat(users)

    @torch.no_grad()
    def item_table(self) -> Tensor:
        """See :class:`VectorScorer`."""
        return self.tower.item_vectors(blank=self.new)

    def drivers(self, liked: Sequence[int], item: int, n: int) -> list[tuple[int, float]]:
        """The ``n`` content columns without which the item's score would change most.

        An effect is the score less the score with that column at 0 everywhere. Columns are
        shortlisted by gradient × value, then measured. Empty for an arm without content.
        """
        content = self.tower.content
        if content is None:
            return []
        held = HeldOut.liked(liked, self.tower.n_items)
        histories = self.histories.over(held.events, held.examples)
        context, _ = histories(torch.zeros(1, dtype=torch.int64, device=self.device))
        known = content.clone().requires_grad_()
        self.tower.content = known
        try:
            score = self._score(context, item)
            score.backward()
        finally:
            self.tower.content = content
        assert known.grad is not None
        estimate = (known.grad * content).sum(0).abs()
        effects = []
        with torch.no_grad():
            for column in estimate.topk(min(2 * n, content.shape[1])).indices.tolist():
                kept = content[:, column].clone()
                content[:, column] = 0
                effect = float(score) - float(self._score(context, item))
                content[:, column] = kept
                effects.append((column, effect))
        effects.sort(key=lambda pair: -abs(pair[1]))
        return [(column, effect) for column, effect in effects[:n] if effect]

    def _score(self, context: Context, item: int) -> Tensor:
        at = torch.tensor([item], device=self.device)
        blank = None if self.new is None else self.new[at]
        return (self.tower.user_vectors(context)[0] * self.tower.item_vectors(at, blank)[0]).sum()


def count_parameters(model: nn.Module) -> int:
    """Trained numbers in a model."""
    return sum(each.numel() for each in model.parameters() if each.requires_grad)


def content_tensor(matrix: np.ndarray) -> Tensor | None:
    """The content [N, D] as a tower takes it; None where D is 0."""
    return torch.from_numpy(matrix) if matrix.shape[1] else None


def users_tensor(content: Content) -> Tensor | None:
    """What is known of users [U, E], as a tower takes it; None: nothing."""
    return None if content.users is None else torch.from_numpy(content.users.matrix)
