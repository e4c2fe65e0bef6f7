"""PolyAttention: several learnt questions to a history, each with a state of its own.

Context codes as in MINER (Li et al., 2022) and Poly-encoders (Humeau et al., 2020); an item is
scored by the state that it fits best.
"""

from torch import Tensor, nn

from recfeat_pipeline.models.attention import AdditiveAttention, up_to_each
from recfeat_pipeline.models.operators.operator import BehaviourOperator
from recfeat_pipeline.models.operators.settings import Settings


class Poly(nn.Module):
    """K queries of additive attention."""

    def __init__(self, settings: Settings):
        super().__init__()
        self.attention = AdditiveAttention(settings.width, settings.interests)

    def forward(self, rows: Tensor, held: Tensor) -> Tensor:
        """[B, L, K, W]."""
        weights = up_to_each(self.attention.logits(rows), held)  # [B, K, L, L]
        return (weights @ rows[:, None]).transpose(1, 2)


operator = BehaviourOperator(
    title="PolyAttention: several interests", build=Poly, has_interests=True
)
