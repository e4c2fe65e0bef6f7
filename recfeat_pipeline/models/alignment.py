"""How a row that was learnt from choices is brought near to what a text says of the same item."""

import torch
from torch import Tensor, nn
from torch.nn import functional


def info_nce(rows: Tensor, others: Tensor, temperature: float) -> Tensor:
    """Mean loss of telling each row's partner from the other rows, by cosine.

    Row r of ``rows`` [M, W] belongs to row r of ``others`` [M, W] (van den Oord et al., 2018; as
    RLMRec, Ren et al., 2024, uses it with temperature 0.2).
    """
    likeness = functional.normalize(rows, dim=1) @ functional.normalize(others, dim=1).T
    return functional.cross_entropy(
        likeness / temperature, torch.arange(len(rows), device=rows.device)
    )


def perceptron(width: int, out: int) -> nn.Sequential:
    """From one space into the other, by way of a layer as wide as their mean, as RLMRec has it."""
    between = (width + out) // 2
    return nn.Sequential(nn.Linear(width, between), nn.LeakyReLU(), nn.Linear(between, out))


def ridge_map(known: Tensor, rows: Tensor, wanted: Tensor, ridge: float = 0.1) -> Tensor:
    """Rows [M, W] for the features ``wanted`` [M, D], as those of ``known`` [N, D] have ``rows``.

    Linear regression with an intercept; ``ridge`` is a share of a feature's mean sum of squares.
    """
    mean, centre = known.mean(0), rows.mean(0)
    features = (known - mean).double()
    system = features.T @ features
    system.diagonal().add_(ridge * system.diagonal().mean().clamp(min=1e-9))
    weights = torch.linalg.solve(system, features.T @ (rows - centre).double())
    return centre + ((wanted - mean).double() @ weights).to(rows.dtype)
