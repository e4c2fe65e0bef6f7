"""How a two-tower model learns: full softmax over the catalogue, as in the published recipe."""

import math
from dataclasses import dataclass

import lightning
import torch
from torch import Tensor
from torch.nn import functional

from recfeat_pipeline.models.histories import Histories
from recfeat_pipeline.models.tower import TwoTower


@dataclass(frozen=True)
class Recipe:
    """The published training recipe; ``steps`` alone depends on the catalogue."""

    steps: int
    batch_size: int = 512
    temperature: float = 0.1
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-4  # reached by a cosine over all steps
    adam_eps: float = 1e-6
    clip_norm: float = 1.0
    uniform_weights: bool = False


class TwoTowerModule(lightning.LightningModule):
    """The towers, the data they read and the loss; a batch is a vector of example numbers."""

    loss_sum: Tensor

    def __init__(self, tower: TwoTower, histories: Histories, recipe: Recipe):
        super().__init__()
        self.tower = tower
        self.histories = histories
        self.recipe = recipe
        self.register_buffer("loss_sum", torch.zeros(()), persistent=False)

    def training_step(self, batch: Tensor, _: int) -> Tensor:
        """Cross-entropy of the targets among all N items."""
        history, weights, targets = self.histories(batch, self.recipe.uniform_weights)
        users = self.tower.user_vectors(history, weights)  # [B, 128]
        logits = users @ self.tower.item_vectors().T / self.recipe.temperature  # [B, N]
        loss = functional.cross_entropy(logits, targets)
        self.loss_sum += loss.detach()  # stays on the device: no synchronisation in the loop
        return loss

    @torch.no_grad()
    def embed(self, examples: Tensor, block: int = 8192) -> tuple[Tensor, Tensor]:
        """User vectors [X, 128] of the given example numbers, and all item vectors [N, 128]."""
        users = []
        for batch in examples.to(self.device).split(block):
            history, weights, _ = self.histories(batch, self.recipe.uniform_weights)
            users.append(self.tower.user_vectors(history, weights))
        return torch.cat(users), self.tower.item_vectors()

    def configure_optimizers(self):
        """Adam with a cosine from the first to the final learning rate."""
        recipe = self.recipe
        optimizer = torch.optim.Adam(
            self.tower.parameters(), recipe.learning_rate, eps=recipe.adam_eps
        )
        floor = recipe.final_learning_rate / recipe.learning_rate

        def factor(step: int) -> float:
            cosine = (1 + math.cos(math.pi * min(step / recipe.steps, 1))) / 2
            return floor + (1 - floor) * cosine

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
