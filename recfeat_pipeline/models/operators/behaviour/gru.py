"""A gated recurrent unit over the history in its order (GRU4Rec, Hidasi et al., 2016)."""

from torch import Tensor, nn

from recfeat_pipeline.models.operators.operator import BehaviourOperator
from recfeat_pipeline.models.operators.settings import Settings


class Gru(nn.Module):
    """One layer without biases: the empty places before a history leave its state at 0."""

    def __init__(self, settings: Settings):
        super().__init__()
        self.gru = nn.GRU(settings.width, settings.width, bias=False, batch_first=True)

    def forward(self, rows: Tensor, held: Tensor) -> Tensor:
        """[B, L, W]."""
        return self.gru(rows)[0]


operator = BehaviourOperator(title="GRU over the history", build=Gru)
