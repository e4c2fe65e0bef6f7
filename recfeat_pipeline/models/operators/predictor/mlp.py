"""A hidden layer over state and row side by side (neural collaborative filtering, He et al., 2017).

The layer's map of a state and that of a row are sums, so each is computed once; a pair costs what
comes after: a sum, a rectifier, and a product with the output's weights.
"""

from torch import Tensor, nn
from torch.nn import functional

from recfeat_pipeline.models.operators.operator import Predictor, PredictorOperator
from recfeat_pipeline.models.operators.settings import Settings


class Mlp(Predictor):
    """One hidden layer."""

    def __init__(self, settings: Settings):
        super().__init__()
        self.of_state = nn.Linear(settings.width, settings.hidden)
        self.of_row = nn.Linear(settings.width, settings.hidden, bias=False)
        self.out = nn.Linear(settings.hidden, 1, bias=False)

    def of_states(self, states: Tensor) -> Tensor:
        """See :class:`Predictor`."""
        return self.of_state(states)

    def of_rows(self, rows: Tensor) -> Tensor:
        """See :class:`Predictor`."""
        return self.of_row(rows)

    def meet(self, states: Tensor, rows: Tensor) -> Tensor:
        """See :class:`Predictor`."""
        return self.out(functional.relu(states + rows))[..., 0]


operator = PredictorOperator(title="A hidden layer over both", build=Mlp)
