"""Initial values: each parameter's depend on the seed and its own name alone.

So models of one seed start from the same values in what they share, whatever else they have.
"""

import zlib
from collections.abc import Mapping

import torch
from torch import nn


def initialise(
    module: nn.Module, seed: int, normal: Mapping[str, float], kept: str | None = None
) -> None:
    """Xavier for linear maps, small normal numbers for what is named; biases 0, norms 1.

    Args:
        module: as PyTorch made it; changed in place.
        seed: of the run.
        normal: standard deviation by a part of a parameter's name, the first that fits.
        kept: parameters whose names begin so stay as they are: they were learnt elsewhere.
    """
    for name, parameter in module.named_parameters():
        if kept is not None and name.startswith(kept):
            continue
        generator = torch.Generator().manual_seed(zlib.crc32(f"{seed}/{name}".encode()))
        std = next((std for part, std in normal.items() if part in name), None)
        if std is not None:
            nn.init.normal_(parameter, std=std, generator=generator)
        elif parameter.dim() == 2:
            nn.init.xavier_uniform_(parameter, generator=generator)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)
