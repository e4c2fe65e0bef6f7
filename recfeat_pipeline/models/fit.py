"""The training loop: Lightning drives it, validation chooses the checkpoint, a kill costs little.

At each evaluation the best weights so far go to ``best.pt`` and the whole state to ``last.ckpt``;
a later call continues from there. What a step reads depends on the seed and the step alone, so the
continued run is the run that was not killed, bit for bit.
"""

import hashlib
import itertools
import logging
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import polars as pl
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.plugins.io import CheckpointIO
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.machine import memory_kept
from recfeat_pipeline.models import checkpoints
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.histories import rows_of
from recfeat_pipeline.models.module import Module
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.schemas import TRAINING_LOG

EVALUATIONS = 16
"""Per run: every 10,000 of 160,000 steps, as published."""
PATIENCE = 6
"""Evaluations without a better one after which a run ends: small catalogues are overfitted."""
MAX_VALIDATION = 100_000
"""Validation examples ranked at each evaluation, a fixed subset."""
GRAPHS = "reduce-overhead"
"""torch.compile's name for CUDA graphs."""


def fit(module: Module, data: Data, recipe: Recipe) -> tuple[pl.DataFrame, int]:
    """Train the module in place and leave it at its best checkpoint.

    Args:
        module: at its first step.
        data: its train examples are learnt, its valid ones choose.
        recipe: where checkpoints go, whether one is continued, and on what it is trained.

    Returns:
        (log in TRAINING_LOG, step of the best checkpoint). Best is the highest validation MRR;
        without validation examples it is the last.
    """
    out_dir = recipe.out_dir
    out_dir.mkdir(parents=True, exist_ok=True)
    last, stamp = out_dir / checkpoints.LAST, out_dir / "run.json"
    identity = _identity(module)
    if not (recipe.resume and _is_of(identity, stamp)) or checkpoints.is_damaged(last):
        last.unlink(missing_ok=True)
        checkpoints.save_json(stamp, identity)
    evaluation = _Evaluation(data, out_dir, recipe.look)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # it greets and advertises
    hardware, progress = recipe.hardware, recipe.progress
    trainer = lightning.Trainer(
        accelerator=hardware.accelerator,
        devices=hardware.devices,
        num_nodes=hardware.num_nodes,
        strategy=hardware.strategy,
        max_steps=module.steps,
        gradient_clip_val=module.learning.clip_norm,
        plugins=[_Sealed()],
        callbacks=[evaluation, *([_Progress(progress)] if progress else [])],
        default_root_dir=out_dir,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    if hardware.compile:
        for name in ("user_vectors", "item_vectors"):
            setattr(module.tower, name, torch.compile(getattr(module.tower, name), mode=GRAPHS))
    on_interrupt = signal.getsignal(signal.SIGINT)
    with warnings.catch_warnings(), memory_kept():
        warnings.filterwarnings("ignore", module="lightning")
        try:
            trainer.fit(
                _Learner(module),
                datamodule=_Training(module, data),
                ckpt_path=last if last.exists() else None,
                weights_only=True,
            )
        except SystemExit:  # Lightning answers Ctrl-C by ignoring further ones and exiting
            signal.signal(signal.SIGINT, on_interrupt)
            raise KeyboardInterrupt from None
    best = checkpoints.load(out_dir / checkpoints.BEST)
    module.tower.load_state_dict(best["tower"])
    module.eval()
    # From the file: on several devices the callbacks ran in other processes.
    state = checkpoints.load(last)["callbacks"]["_Evaluation"]
    return pl.DataFrame(state["entries"], schema=TRAINING_LOG), best["step"]


def _is_of(identity: dict[str, Any], stamp: Path) -> bool:
    """Whether the stamp says that the checkpoints beside it are of this run."""
    try:
        return stamp.exists() and checkpoints.load_json(stamp) == identity
    except RecfeatError:  # it is damaged
        return False


class _Sealed(CheckpointIO):
    """Lightning's checkpoints, with the hash of their content."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        checkpoints.save(Path(path), checkpoint)

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        return checkpoints.load(Path(path))

    def remove_checkpoint(self, path: Any) -> None:
        Path(path).unlink(missing_ok=True)


class _Learner(lightning.LightningModule):
    """The module as Lightning trains it; a checkpoint's names are the module's own."""

    def __init__(self, module: Module):
        super().__init__()
        self.module = module

    def training_step(self, batch: Tensor, _: int) -> Tensor:
        self.module.global_step = self.global_step
        return self.module.training_step(batch)

    def configure_optimizers(self) -> Any:
        return self.module.configure_optimizers()

    def state_dict(self, **options: Any) -> dict[str, Any]:  # type: ignore[override]
        return self.module.state_dict(**options)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        return self.module.load_state_dict(state_dict, strict, assign)


class _Batches(IterableDataset[Tensor]):
    """Example numbers, a batch per step from ``first`` on; without an end, and so without a length.

    A pass shuffles all training examples and drops the last, partial batch. Of each batch the
    ``share`` (number, of how many) is given. With ``sizes`` those of a batch are about as large.
    """

    def __init__(
        self,
        train: Tensor,
        seed: int,
        batch_size: int,
        first: int = 0,
        share: tuple[int, int] = (0, 1),
        sizes: Tensor | None = None,
    ):
        self.train, self.seed, self.batch_size = train, seed, batch_size
        self.first, self.share, self.sizes = first, share, sizes

    def __iter__(self) -> Iterator[Tensor]:
        per_pass = max(len(self.train) // self.batch_size, 1)
        start, skip = divmod(self.first, per_pass)
        for number in itertools.count(start):
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
            order = torch.randperm(len(self.train), generator=generator)
            if self.sizes is not None:
                order = order[self.sizes[order].argsort(stable=True)]
            batches = self.train[order].split(self.batch_size)[:per_pass]
            if self.sizes is not None:
                turns = torch.randperm(len(batches), generator=generator).tolist()
                batches = [batches[turn] for turn in turns]
            for batch in batches[skip if number == start else 0 :]:
                yield batch[self.share[0] :: self.share[1]]


class _Training(lightning.LightningDataModule):
    """The batches that a run has still to see, from the step it stands at."""

    def __init__(self, module: Module, data: Data):
        super().__init__()
        train, sizes = module.learnt(data.examples)
        self.args, self.sizes = (train, module.seed, module.batch), sizes

    def train_dataloader(self) -> DataLoader[Tensor]:
        trainer = self.trainer
        assert trainer is not None
        share = trainer.global_rank, trainer.world_size
        batches = _Batches(*self.args, trainer.global_step, share, self.sizes)
        return DataLoader(batches, batch_size=None)


class _Evaluation(Callback):
    """Now and then: validation MRR, the best weights so far, a checkpoint to continue from."""

    def __init__(self, data: Data, out_dir: Path, look: Callable[[int, float], None] | None = None):
        self.look = look
        self.rows = rows_of(data.examples, "valid")
        if len(self.rows) > MAX_VALIDATION:
            order = torch.randperm(len(self.rows), generator=torch.Generator().manual_seed(0))
            self.rows = self.rows[order[:MAX_VALIDATION].sort().values]
        self.held_out = HeldOut.of(data.events, data.examples[self.rows.numpy()])
        self.out_dir = out_dir
        self.entries: list[dict[str, Any]] = []

    def on_train_start(self, trainer: lightning.Trainer, learner: Any) -> None:
        trainer.should_stop = self._is_stale()  # a continued run may have been over

    def on_train_batch_end(self, trainer: lightning.Trainer, learner: Any, *_: Any) -> None:
        module: Module = learner.module
        step, steps = trainer.global_step, module.steps
        if step % -(-steps // EVALUATIONS) and step != steps:
            return
        since = self.entries[-1]["step"] if self.entries else 0
        loss = trainer.strategy.reduce(module.loss_sum, reduce_op="mean")
        entry: dict[str, Any] = {"step": step, "train_loss": float(loss) / (step - since)}
        module.loss_sum.zero_()
        entry |= self._validate(module)
        self.entries.append(entry)
        if self._best() == len(self.entries) - 1 and trainer.is_global_zero:
            best = {"tower": module.tower.state_dict(), "new": module.new, "step": step}
            checkpoints.save(self.out_dir / checkpoints.BEST, best)
        trainer.save_checkpoint(self.out_dir / checkpoints.LAST)
        trainer.should_stop = self._is_stale()
        if self.look and entry["valid_mrr"] is not None:
            self.look(len(self.entries), self.entries[self._best()]["valid_mrr"])

    def _best(self) -> int:
        """Number of the best entry; of equals, and without validation, the last."""
        return max(range(len(self.entries)), key=lambda n: (self.entries[n]["valid_mrr"] or 0, n))

    def _is_stale(self) -> bool:
        return bool(self.entries) and len(self.entries) - 1 - self._best() >= PATIENCE

    def _validate(self, module: Module) -> dict[str, float | None]:
        if not len(self.rows):
            return {"valid_mrr": None, "valid_hit10": None}
        module.eval()
        ranks = module.ranks(self.rows, self.held_out)
        module.train()
        return {"valid_mrr": float((1 / ranks).mean()), "valid_hit10": float((ranks <= 10).mean())}

    def state_dict(self) -> dict[str, Any]:
        return {"entries": self.entries}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.entries = state["entries"]


class _Progress(Callback):
    """Calls back about a thousand times per run."""

    def __init__(self, progress: Callable[[int, int], None]):
        self.progress = progress

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        step, steps = trainer.global_step, int(trainer.max_steps)
        if step % max(steps // 1000, 1) == 0 or step == steps:
            self.progress(step, steps)

    def on_train_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        if trainer.global_step < trainer.max_steps:  # it stopped early, and is done
            self.progress(trainer.global_step, trainer.global_step)


def _identity(module: Module) -> dict[str, Any]:
    """What a checkpoint belongs to: another recipe, model, content or data starts over."""
    digest = hashlib.sha256(repr(module.tower).encode())
    for _, buffer in sorted(module.named_buffers()):
        digest.update(np.ascontiguousarray(buffer.cpu().numpy()).data)
    made = {**asdict(module.learning), "steps": module.steps, "seed": module.seed}
    return {"recipe": made, "data": digest.hexdigest()}
