"""Two cross layers of low rank over state and row side by side, like DCN-v2 (Wang et al., 2021).

With x the state beside the row, a layer is x' = x ⊙ (U V x_l + b) + x_l.
"""

import torch
from torch import Tensor, nn

from recfeat_pipeline.models.operators.operator import Predictor, PredictorOperator
from recfeat_pipeline.models.operators.settings import Settings

LAYERS = 2


class Cross(Predictor):
    """The score is a linear map of the last layer."""

    def __init__(self, settings: Settings):
        super().__init__()
        width = 2 * settings.width
        self.narrow = nn.ModuleList(
            nn.Linear(width, settings.rank, bias=False) for _ in range(LAYERS)
        )
        self.wide = nn.ModuleList(nn.Linear(settings.rank, width) for _ in range(LAYERS))
        self.out = nn.Linear(width, 1, bias=False)

    def meet(self, states: Tensor, rows: Tensor) -> Tensor:
        """See :class:`Predictor`."""
        first = torch.cat(torch.broadcast_tensors(states, rows), -1)
        last = first
        for narrow, wide in zip(self.narrow, self.wide, strict=True):
            last = last + first * wide(narrow(last))
        return self.out(last)[..., 0]


operator = PredictorOperator(title="Two cross layers (DCN-v2)", build=Cross)
