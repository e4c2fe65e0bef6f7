"""How much of a history is read: a window of its newest events, or a fading.

What was taken last says most about what is taken next, and how fast that fades differs between
catalogues more than the models do. It costs nothing to learn: a fitted model is asked again.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recfeat_pipeline.models.family import setting
from recfeat_pipeline.models.taken import Taken

WHOLE = 1000
"""More events than a history has."""


@dataclass(frozen=True)
class Reading:
    """The newest ``context`` events, each worth ``decay`` times the next newer one."""

    context: int = 20
    decay: float = 0.8

    def weights(self, taken: Taken) -> Tensor:
        """What each entry of the histories is worth, float32 [E]; a history's newest is last."""
        lengths = taken.lengths().numpy()
        ends = np.repeat(taken.offsets.numpy() + lengths, lengths)
        ages = ends - 1 - np.arange(len(taken.columns))
        return torch.from_numpy(np.float32(self.decay) ** ages.astype(np.float32))


READINGS = (
    Reading(),
    *(Reading(context, 1.0) for context in (2, 5, 10, 20, 50, WHOLE)),
    Reading(50, 0.9),
    Reading(10, 0.6),
)
"""Those of which validation chooses one."""


@dataclass(frozen=True)
class ReadingSettings:
    """Of a family that is asked with a reading of the history."""

    context: int = setting(
        0, "newest events of a history; 0: chosen on validation", table="model", least=0
    )
    decay: float = setting(
        0.0,
        "worth of an event against the next newer one; 0: chosen on validation",
        table="model",
        least=0,
    )


def readings(settings: Any) -> tuple[Reading, ...]:
    """Those that the settings (with ``context`` and ``decay``) leave to choose from."""
    context, decay = settings.context, settings.decay
    if context and decay:
        return (Reading(context, decay),)
    if context:
        return tuple(Reading(context, each) for each in (1.0, 0.8, 0.6))
    if decay:
        return tuple(dict.fromkeys(Reading(each.context, decay) for each in READINGS))
    return READINGS


def windows_of(settings: Any) -> tuple[Reading, ...]:
    """Those of a model that weighs events itself, no longer than its training's ``window``."""
    longest, context = settings.window, settings.context
    shorter = (each for each in (5, 10, 20) if each < longest)
    contexts = (min(context, longest),) if context else (longest, *shorter)
    return tuple(Reading(each, 1.0) for each in contexts)
