"""The slot's columns through a linear map: a pooled text embedding, scores, tags."""

from torch import nn

from recfeat_pipeline.models.operators.operator import ContentOperator, Known
from recfeat_pipeline.models.operators.settings import Settings


def build(known: Known, settings: Settings) -> nn.Module:
    """[M, W] of the items' columns [M, D]."""
    assert known.numbers is not None
    return nn.Linear(known.numbers.shape[1], settings.width, bias=False)


operator = ContentOperator(title="Columns of content, mapped", reads="numbers", build=build)
