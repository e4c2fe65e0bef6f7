"""Words in windows of three, weighed by additive attention (NAML, Wu et al., 2019)."""

import torch
from torch import Tensor, nn

from recfeat_pipeline.models.operators.operator import ContentOperator, Known
from recfeat_pipeline.models.operators.settings import Settings
from recfeat_pipeline.models.operators.words import WordEncoder


class Windows(WordEncoder):
    """A convolution over the words."""

    def __init__(self, known: Known, settings: Settings):
        super().__init__(known, settings)
        self.convolution = nn.Linear(3 * settings.width, settings.width)

    def mixed(self, rows: Tensor, held: Tensor) -> Tensor:
        """Each word with its neighbours, [M, T, W]."""
        around = nn.functional.pad(rows, (0, 0, 1, 1))
        three = torch.cat([around[:, :-2], rows, around[:, 2:]], 2)
        return nn.functional.relu(self.convolution(three))


operator = ContentOperator(title="Words, CNN", reads="text", build=Windows)
