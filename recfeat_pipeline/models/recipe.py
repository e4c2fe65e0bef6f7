"""How one model is made: the arm's settings, the seed, the steps, and where."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PASSES = 24
"""Over the training examples: what 160,000 steps of 512 are on ML-32M."""
MIN_STEPS, MAX_STEPS = 300, 160_000
BATCH_SIZE = 512
"""Examples of a step, for which steps are counted; another batch takes others over the same."""


@dataclass(frozen=True)
class Hardware:
    """Where a model is trained; the names and values are Lightning's.

    On several devices each takes its share of every batch, so that the steps are the same.
    """

    accelerator: str = "auto"
    devices: int = 1
    num_nodes: int = 1
    strategy: str = "auto"  # "ddp" for several devices or nodes
    compile: bool = False  # torch.compile with CUDA graphs: for a GPU, a CPU gains nothing


@dataclass(frozen=True)
class Recipe:
    """How one model is made; a family that is not trained reads seed and settings alone."""

    settings: Any  # of the family
    seed: int = 0
    steps: int = MIN_STEPS  # of BATCH_SIZE examples each
    out_dir: Path = Path(".")  # local folder of the checkpoints, kept between calls
    progress: Callable[[int, int], None] | None = None  # called with (step, steps)
    resume: bool = True  # False starts over
    look: Callable[[int, float], None] | None = None
    """Called with (number of the look, MRR on validation); what it raises ends the training."""
    hardware: Hardware = Hardware()


def default_steps(n_train_examples: int) -> int:
    """The step budget of a catalogue: as many passes over its examples as the published study's."""
    return int(min(max(PASSES * n_train_examples / BATCH_SIZE, MIN_STEPS), MAX_STEPS))
