"""Rows weighed by additive attention, whatever their order (NAML, Wu et al., 2019)."""

from torch import Tensor, nn

from recfeat_pipeline.models.attention import AdditiveAttention, up_to_each
from recfeat_pipeline.models.operators.operator import BehaviourOperator
from recfeat_pipeline.models.operators.settings import Settings


class Additive(nn.Module):
    """Weights by a row's own logit, among the rows up to each place."""

    def __init__(self, settings: Settings):
        super().__init__()
        self.attention = AdditiveAttention(settings.width)

    def forward(self, rows: Tensor, held: Tensor) -> Tensor:
        """[B, L, W]."""
        return up_to_each(self.attention.logits(rows), held)[:, 0] @ rows


operator = BehaviourOperator(title="Additive attention over the history", build=Additive)
