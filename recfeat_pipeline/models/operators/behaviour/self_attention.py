"""One block of causal self-attention over rows and learnt places, as SASRec has it."""

import torch
from torch import Tensor, nn

from recfeat_pipeline.models.attention import Block, causal_mask
from recfeat_pipeline.models.operators.operator import BehaviourOperator
from recfeat_pipeline.models.operators.settings import Settings


class SelfAttention(nn.Module):
    """The newest event is at place 0."""

    def __init__(self, settings: Settings):
        super().__init__()
        self.place_table = nn.Embedding(settings.window, settings.width)
        self.block = Block(settings.width, settings.heads, settings.dropout)
        self.norm = nn.LayerNorm(settings.width)

    def forward(self, rows: Tensor, held: Tensor) -> Tensor:
        """[B, L, W]."""
        places = torch.arange(rows.shape[1] - 1, -1, -1, device=rows.device)
        return self.norm(self.block(rows + self.place_table(places), causal_mask(held)))


operator = BehaviourOperator(title="Self-attention over the history", build=SelfAttention)
