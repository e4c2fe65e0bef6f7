"""Words in their order, each looking at all: a small transformer."""

from torch import Tensor, nn

from recfeat_pipeline.models.attention import Block
from recfeat_pipeline.models.operators.operator import ContentOperator, Known
from recfeat_pipeline.models.operators.settings import Settings
from recfeat_pipeline.models.operators.words import WordEncoder


class Transformer(WordEncoder):
    """One block over words and learnt places."""

    def __init__(self, known: Known, settings: Settings):
        super().__init__(known, settings)
        self.place_table = nn.Embedding(settings.words, settings.width)
        self.block = Block(settings.width, settings.heads, settings.dropout)
        self.norm = nn.LayerNorm(settings.width)

    def mixed(self, rows: Tensor, held: Tensor) -> Tensor:
        """What each word is beside the others, [M, T, W]."""
        looked_at = held.clone()
        looked_at[:, 0] = True  # of no words at all the first place, which counts for nothing
        rows = rows + self.place_table.weight[: rows.shape[1]]
        return self.norm(self.block(rows, looked_at[:, None, None]))


operator = ContentOperator(title="Words, a small transformer", reads="text", build=Transformer)
