"""How a model of user and item vectors learns: softmax over the catalogue, as published."""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn
from torch.nn import functional

from recfeat_pipeline.models.family import setting
from recfeat_pipeline.models.histories import Context, Histories, rows_of
from recfeat_pipeline.models.ranks import HeldOut, rank_examples
from recfeat_pipeline.models.recipe import BATCH_SIZE
from recfeat_pipeline.models.tower import Tower

SAMPLED_ABOVE, SAMPLED = 50_000, 1_024
"""Items above which a step asks for a sample of them, and how many. A step over all of 100,000
takes seconds on a CPU; on MovieLens 1M a sample ranks as well as all of it."""


@dataclass(frozen=True)
class Stepping:
    """Settings of the steps, whatever the loss."""

    rare_as_new: float = setting(
        0.0,
        "share of the mean item's training events below which an item is treated as new: no "
        "candidate while training, known by content alone",
        least=0,
    )
    batch_size: int = setting(BATCH_SIZE, "examples of a step; a larger one takes fewer", least=1)
    learning_rate: float = setting(
        1e-3, "of Adam at first; a larger batch takes a larger one, by the square root", least=0
    )
    final_learning_rate: float = setting(1e-4, "reached by a cosine over all steps", least=0)
    adam_eps: float = setting(1e-6, "of Adam", least=0)
    clip_norm: float = setting(1.0, "of the gradients", least=0)

    @property
    def first_learning_rate(self) -> float:
        """That of the batch: the square root keeps the noise of an Adam step."""
        return self.learning_rate * math.sqrt(self.batch_size / BATCH_SIZE)


@dataclass(frozen=True)
class Learning(Stepping):
    """Settings of how a model learns; the defaults are the published recipe."""

    popularity_alpha: float = setting(
        0.0, "logit adjustment: alpha × log(1 + count) while training", least=0
    )
    id_dropout: float = setting(
        0.0, "share of items whose id channel is blanked at each step", least=0
    )
    history_dropout: float = setting(
        0.0, "share of a history's older items left out at each step", least=0
    )
    negatives: int | None = setting(
        None,
        f"items sampled per step, with logQ; 0: full softmax; unset: {SAMPLED:,} in catalogues of "
        f"more than {SAMPLED_ABOVE:,} items, else 0",
        least=0,
    )
    loss: str = setting(
        "softmax",
        "over the catalogue, or a sample of it; or bpr, the target against each drawn item",
        choices=("softmax", "bpr"),
    )
    temperature: float = setting(0.1, "of the softmax", least=1e-3)

    def n_sampled(self, n_items: int) -> int:
        """Items sampled per step of N; 0: all of them."""
        if self.negatives is None:
            return SAMPLED if n_items > SAMPLED_ABOVE else 0
        return self.negatives

    def steps(self, steps: int) -> int:
        """Steps of the batch over the examples of ``steps`` steps of BATCH_SIZE."""
        return max(round(steps * BATCH_SIZE / self.batch_size), 1)


class Module(nn.Module):
    """Vectors of users and items that are learnt in steps; a batch is a vector of numbers.

    ``new`` (bool [N]) marks items that do not exist yet while training: they are no candidates, and
    at evaluation they are known by content alone.
    """

    loss_sum: Tensor
    new: Tensor | None
    global_step = 0  # steps done

    def __init__(
        self,
        tower: Tower,
        histories: Histories,
        learning: Stepping,
        steps: int,
        seed: int,
        new: Tensor | None = None,
    ):
        """``steps`` are of the batch."""
        super().__init__()
        self.tower = tower
        self.histories = histories
        self.learning, self.steps, self.seed = learning, steps, seed
        self.batch = learning.batch_size
        self.register_buffer("loss_sum", torch.zeros(()), persistent=False)
        self.register_buffer("new", new, persistent=False)

    @property
    def device(self) -> torch.device:
        """Where the towers are."""
        return self.loss_sum.device

    def learnt(self, examples: pl.DataFrame) -> tuple[Tensor, Tensor | None]:
        """Numbers that a pass shows, of which each batch holds some.

        With it, where it matters, how large each is: those of a step are then of about one size.
        Here they are of the training examples whose target is a candidate.
        """
        rows = rows_of(examples, "train")
        if self.new is not None:
            rows = rows[~self.new[self.histories.targets[rows]]]
        return rows, None

    def training_step(self, batch: Tensor) -> Tensor:
        """The loss of a batch, a scalar that is also added to ``loss_sum``."""
        # What is drawn in a step depends on the seed and the step alone: a resumed run repeats it.
        seed_draws(self.device, self.seed * 1_000_003 + self.global_step)
        loss = self.loss(batch)
        self.loss_sum += loss.detach()  # stays on the device: no synchronisation in the loop
        return loss

    def loss(self, batch: Tensor) -> Tensor:
        """The loss of a batch, a scalar; it may draw."""
        raise NotImplementedError

    @torch.no_grad()
    def embed(self, examples: Tensor, block: int = 8192) -> tuple[Tensor, Tensor]:
        """User vectors [X, W] of the given example numbers, and all item vectors [N, W]."""
        users = [
            self.tower.user_vectors(self.histories(batch)[0])
            for batch in examples.to(self.device).split(block)
        ]
        return torch.cat(users), self.tower.item_vectors(blank=self.new)

    def ranks(self, examples: Tensor, held: HeldOut) -> np.ndarray:
        """Ranks [X] of the targets of the given example numbers, which ``held`` holds."""
        users, items = self.embed(examples)
        return rank_examples(users, items, held.targets, held.seen)[0]

    def configure_optimizers(self):
        """Adam with a cosine from the first to the final learning rate."""
        first = self.learning.first_learning_rate
        optimizer = torch.optim.Adam(
            self.tower.parameters(), first, eps=self.learning.adam_eps, fused=True
        )
        floor = self.learning.final_learning_rate / first

        def factor(step: int) -> float:
            cosine = (1 + math.cos(math.pi * min(step / self.steps, 1))) / 2
            return floor + (1 - floor) * cosine

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


class TowerModule(Module):
    """The towers, the data they read and the loss; a batch is a vector of example numbers."""

    learning: Learning
    log_counts: Tensor

    def __init__(
        self,
        tower: Tower,
        histories: Histories,
        learning: Learning,
        steps: int,
        seed: int,
        train_counts: Tensor,
        new: Tensor | None = None,
    ):
        """``steps`` are of the batch; ``train_counts`` [N] are the items' training events."""
        super().__init__(tower, histories, learning, steps, seed, new)
        self.n_sampled = learning.n_sampled(tower.n_items)
        self.register_buffer("log_counts", torch.log1p(train_counts.float()), persistent=False)

    def loss(self, batch: Tensor) -> Tensor:
        """Cross-entropy of the targets among all items or a sample of them, a scalar."""
        context, targets = self.histories(batch)
        users = self.tower.user_vectors(self._thinned(context))  # [B, 128]
        users = users / self.learning.temperature
        if (loss := self._drawn_loss(users, targets)) is None:
            vectors = self.tower.item_vectors(blank=self._blank())
            logits = self.tower.all_pairs(users, vectors)  # [B, N]
            if self.learning.popularity_alpha:
                logits = logits + self.learning.popularity_alpha * self.log_counts
            if self.new is not None:
                logits = logits.masked_fill(self.new, -torch.inf)
            return functional.cross_entropy(logits, targets)
        return loss

    def _drawn_loss(self, users: Tensor, targets: Tensor) -> Tensor | None:
        """The loss against drawn items; None where the softmax is over all of them."""
        if self.learning.loss == "bpr":
            return self._bpr_loss(users, targets)
        return self._sampled_loss(users, targets) if self.n_sampled else None

    def _sampled_loss(self, users: Tensor, targets: Tensor) -> Tensor:
        """Softmax over the target and sampled items, unbiased by the logQ correction.

        Items are drawn with replacement in proportion to their training counts; the logits of the
        K drawn ones are lowered by log(K q), their expected number (Bengio and Senécal, 2008). A
        draw of the target itself is left out.
        """
        counts = torch.expm1(self.log_counts) + 1  # one for an item without events
        positive, negative, drawn = self._against_drawn(users, targets, counts, self.n_sampled)
        negative -= torch.log(self.n_sampled * counts[drawn] / self._candidates(counts).sum())
        negative = negative.masked_fill(targets[:, None] == drawn, -torch.inf)
        logits = torch.cat([positive, negative], 1)
        return functional.cross_entropy(logits, torch.zeros_like(targets))

    def _bpr_loss(self, users: Tensor, targets: Tensor) -> Tensor:
        """Bayesian personalised ranking (Rendle et al., 2009): the target above each drawn item.

        Items are drawn evenly; a draw of the target itself is left out.
        """
        evenly = torch.ones_like(self.log_counts)
        n_drawn = self.n_sampled or SAMPLED
        positive, negative, drawn = self._against_drawn(users, targets, evenly, n_drawn)
        lost = functional.softplus(negative - positive)
        return lost.masked_fill(targets[:, None] == drawn, 0.0).mean()

    def _against_drawn(
        self, users: Tensor, targets: Tensor, weights: Tensor, n: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Scores of the targets [B, 1] and of ``n`` drawn items [B, n], and which these are."""
        drawn = torch.multinomial(self._candidates(weights), n, replacement=True)
        vectors = self.tower.item_vectors(torch.cat([targets, drawn]))  # [B + n, W]
        positive = self.tower.paired(users, vectors[: len(targets)])[:, None]
        return positive, self.tower.all_pairs(users, vectors[len(targets) :]), drawn

    def _candidates(self, weights: Tensor) -> Tensor:
        """The weights [N] of what may be drawn: of a new item 0."""
        return weights if self.new is None else weights.masked_fill(self.new, 0.0)

    def _thinned(self, context: Context) -> Context:
        """The context without a random part of its older items, so that none is leant on."""
        if not self.learning.history_dropout:
            return context
        history, weights = context.history, context.weights
        dropped = torch.rand(history.shape, device=self.device) < self.learning.history_dropout
        dropped[:, 0] = False
        return context._replace(
            history=history.masked_fill(dropped, self.tower.n_items),
            weights=weights.masked_fill(dropped, 0),
        )

    def _blank(self) -> Tensor | None:
        """The items whose id is dropped at this step, so that content learns to stand alone."""
        if not self.learning.id_dropout:
            return None
        draw = torch.rand(self.tower.n_items, device=self.device)
        return draw < self.learning.id_dropout


def seed_draws(device: torch.device, seed: int) -> None:
    """Seed what draws on a CPU and on the device.

    ``torch.manual_seed`` would also note a stack trace for each kind of device that may yet come, a
    millisecond and some memory each time.
    """
    torch.default_generator.manual_seed(seed)
    if device.type != "cpu":
        torch.get_device_module(device).manual_seed(seed)
