"""The product of a state and a row; of several states that of the best."""

from torch import Tensor

from recfeat_pipeline.models.operators.operator import Predictor, PredictorOperator


class Dot(Predictor):
    """Nothing is learnt."""

    def meet(self, states: Tensor, rows: Tensor) -> Tensor:
        """See :class:`Predictor`."""
        if states.dim() == rows.dim():
            return (states * rows).sum(-1)
        return (states * rows.unsqueeze(-2)).sum(-1).amax(-1)

    def all(self, states: Tensor, rows: Tensor) -> Tensor:
        """See :class:`Predictor`; a matrix product instead."""
        products = states @ rows.T  # [P, M] or [P, K, M]
        return products if states.dim() == rows.dim() else products.amax(1)


operator = PredictorOperator(
    title="Dot product", build=lambda settings: Dot(), takes_interests=True, is_product=True
)
