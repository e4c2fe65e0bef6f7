"""How a two-tower model learns: softmax over the catalogue, as in the published recipe."""

import math
from dataclasses import dataclass

import lightning
import torch
from torch import Tensor
from torch.nn import functional

from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.models.histories import Histories
from recfeat_pipeline.models.sasrec import SasRec
from recfeat_pipeline.models.tower import Context, TwoTower


@dataclass(frozen=True)
class Recipe:
    """The published training recipe; an arm may change what has no comment of its own here."""

    steps: int
    seed: int = 0
    batch_size: int = 512
    temperature: float = 0.1
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-4  # reached by a cosine over all steps
    adam_eps: float = 1e-6
    clip_norm: float = 1.0
    popularity_alpha: float = 0.0
    id_dropout: float = 0.0
    history_dropout: float = 0.0
    negatives: int = 0

    @classmethod
    def of(cls, arm: Arm, steps: int, seed: int) -> "Recipe":
        """The arm's recipe. A larger batch takes fewer steps over the same examples, and larger
        ones (by the square root, which keeps the noise of an Adam step).
        """  # noqa: D205
        factor = arm.batch_size / cls.batch_size
        return cls(
            steps=max(round(steps / factor), 1),
            seed=seed,
            batch_size=arm.batch_size,
            learning_rate=cls.learning_rate * math.sqrt(factor),
            popularity_alpha=arm.popularity_alpha,
            id_dropout=arm.id_dropout,
            history_dropout=arm.history_dropout,
            negatives=arm.negatives,
        )


class TwoTowerModule(lightning.LightningModule):
    """The towers, the data they read and the loss; a batch is a vector of example numbers.

    ``new`` (bool [N]) marks items that do not exist yet while training: they are no candidates, and
    at evaluation they are known by content alone.
    """

    loss_sum: Tensor
    log_counts: Tensor
    new: Tensor | None

    def __init__(
        self,
        tower: TwoTower | SasRec,
        histories: Histories,
        recipe: Recipe,
        train_counts: Tensor,
        new: Tensor | None = None,
    ):
        """``train_counts`` [N]: training events of each item."""
        super().__init__()
        self.tower = tower
        self.histories = histories
        self.recipe = recipe
        self.register_buffer("loss_sum", torch.zeros(()), persistent=False)
        self.register_buffer("log_counts", torch.log1p(train_counts.float()), persistent=False)
        self.register_buffer("new", new, persistent=False)

    def training_step(self, batch: Tensor, _: int) -> Tensor:
        """Cross-entropy of the targets among all items, or among a sample of them."""
        # What is drawn in a step depends on the seed and the step alone: a resumed run repeats it.
        _seed(self.device, self.recipe.seed * 1_000_003 + self.global_step)
        context, targets = self.histories(batch)
        users = self.tower.user_vectors(self._thinned(context))  # [B, 128]
        users = users / self.recipe.temperature
        if self.recipe.negatives:
            loss = self._sampled_loss(users, targets)
        else:
            vectors = self.tower.item_vectors(blank=self._blank())
            logits = users @ vectors.T  # [B, N]
            if self.recipe.popularity_alpha:
                logits = logits + self.recipe.popularity_alpha * self.log_counts
            if self.new is not None:
                logits = logits.masked_fill(self.new, -torch.inf)
            loss = functional.cross_entropy(logits, targets)
        self.loss_sum += loss.detach()  # stays on the device: no synchronisation in the loop
        return loss

    @torch.no_grad()
    def embed(self, examples: Tensor, block: int = 8192) -> tuple[Tensor, Tensor]:
        """User vectors [X, 128] of the given example numbers, and all item vectors [N, 128]."""
        users = [
            self.tower.user_vectors(self.histories(batch)[0])
            for batch in examples.to(self.device).split(block)
        ]
        return torch.cat(users), self.tower.item_vectors(blank=self.new)

    def _sampled_loss(self, users: Tensor, targets: Tensor) -> Tensor:
        """Softmax over the target and sampled items, unbiased by the logQ correction.

        Items are drawn with replacement in proportion to their training counts; the logits of the
        K drawn ones are lowered by log(K q), their expected number (Bengio and Senécal, 2008). A
        draw of the target itself is left out.
        """
        counts = torch.expm1(self.log_counts) + 1  # one for an item without events
        if self.new is not None:
            counts = counts.masked_fill(self.new, 0.0)
        drawn = torch.multinomial(counts, self.recipe.negatives, replacement=True)  # [K]
        vectors = self.tower.item_vectors(torch.cat([targets, drawn]))  # [B + K, 128]
        positive = (users * vectors[: len(targets)]).sum(1, keepdim=True)  # [B, 1]
        negative = users @ vectors[len(targets) :].T  # [B, K]
        negative -= torch.log(self.recipe.negatives * counts[drawn] / counts.sum())
        negative = negative.masked_fill(targets[:, None] == drawn, -torch.inf)
        logits = torch.cat([positive, negative], 1)
        return functional.cross_entropy(logits, torch.zeros_like(targets))

    def _thinned(self, context: Context) -> Context:
        """The context without a random part of its older items, so that none is leant on."""
        if not self.recipe.history_dropout:
            return context
        history, weights, times = context
        dropped = torch.rand(history.shape, device=self.device) < self.recipe.history_dropout
        dropped[:, 0] = False
        return Context(
            history.masked_fill(dropped, self.tower.n_items), weights.masked_fill(dropped, 0), times
        )

    def _blank(self) -> Tensor | None:
        """The items whose id is dropped at this step, so that content learns to stand alone."""
        if not self.recipe.id_dropout:
            return None
        draw = torch.rand(self.tower.n_items, device=self.device)
        return draw < self.recipe.id_dropout

    def configure_optimizers(self):
        """Adam with a cosine from the first to the final learning rate."""
        recipe = self.recipe
        optimizer = torch.optim.Adam(
            self.tower.parameters(), recipe.learning_rate, eps=recipe.adam_eps, fused=True
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


def _seed(device: torch.device, seed: int) -> None:
    """Seed what draws on a CPU and on the device.

    ``torch.manual_seed`` would also note a stack trace for each kind of device that may yet come, a
    millisecond and some memory each time.
    """
    torch.default_generator.manual_seed(seed)
    if device.type != "cpu":
        torch.get_device_module(device).manual_seed(seed)
