"""The mean of a history's rows."""

from torch import Tensor, nn

from recfeat_pipeline.models.operators.operator import BehaviourOperator


class Mean(nn.Module):
    """Of the rows up to each place."""

    def forward(self, rows: Tensor, held: Tensor) -> Tensor:
        """[B, L, W]."""
        return rows.cumsum(1) / held.cumsum(1).clamp(min=1)[..., None]


operator = BehaviourOperator(title="The mean of the history", build=lambda settings: Mean())
