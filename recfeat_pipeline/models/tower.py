"""The two towers, whole: an item is an id and a content row, a user is what they watched.

The model of "$200 vs $200k: generating item features with an LLM instead of hand tagging" (2026):
one item-id table is shared by both towers, and a content arm differs from the floor in one 32-wide
slot per tower. There is no user id, so a user never seen in training is embedded from history.

Notation: B users, L history slots, N items, D content columns. Score = dot of unit vectors.
"""

import zlib

import torch
from torch import Tensor, nn
from torch.nn import functional

ID_WIDTH = 32  # of the item-id table and of every content slot
HIDDEN_WIDTH = 256
VECTOR_WIDTH = 128


class TwoTower(nn.Module):
    """Towers over N items; ``content`` [N, D] or None for the floor.

    ``seed`` fixes the initial parameters by name, so that what two arms share starts equal.
    """

    content: Tensor | None

    def __init__(self, n_items: int, content: Tensor | None = None, seed: int = 0):
        super().__init__()
        self.n_items = n_items
        self.id_table = nn.Embedding(n_items + 1, ID_WIDTH, padding_idx=n_items)
        self.user_norm = nn.LayerNorm(ID_WIDTH)
        self.item_id = nn.Linear(ID_WIDTH, ID_WIDTH)
        self.register_buffer("content", content, persistent=False)
        width = ID_WIDTH
        if content is not None:
            self.user_content = nn.Linear(content.shape[1], ID_WIDTH)
            self.item_content = nn.Linear(content.shape[1], ID_WIDTH)
            width += ID_WIDTH
        self.user_head = _head(width)
        self.item_head = _head(width)
        self._initialise(seed)

    def item_vectors(self) -> Tensor:
        """Every item's unit vector, [N, 128]."""
        slots = [functional.relu(self.item_id(self.id_table.weight[: self.n_items]))]  # [N, 32]
        if self.content is not None:
            slots.append(functional.relu(self.item_content(self.content)))  # [N, 32]
        return functional.normalize(self.item_head(torch.cat(slots, 1)), dim=1)

    def user_vectors(self, history: Tensor, weights: Tensor) -> Tensor:
        """Unit vectors [B, 128] of users who watched ``history`` [B, L] (N: no item).

        ``weights`` [B, L] are the debiased ratings that weigh the content; 0 where there is no
        item. The content's linear map commutes with the weighted mean, so all N rows are projected
        once, 32 wide, and then pooled: the same sum with far less arithmetic.
        """
        pooled = functional.embedding_bag(
            history, self.id_table.weight, mode="sum", padding_idx=self.n_items
        )  # [B, 32]
        slots = [self.user_norm(pooled)]
        if self.content is not None:
            rows = self.content @ self.user_content.weight.T  # [N, 32]
            rows = functional.pad(rows, (0, 0, 0, 1))  # a zero row for "no item"
            mass = weights.abs().sum(1, keepdim=True).clamp(min=1e-6)  # [B, 1]
            context = functional.embedding_bag(
                history, rows, mode="sum", per_sample_weights=weights / mass
            )  # [B, 32]
            slots.append(functional.relu(context + self.user_content.bias))
        return functional.normalize(self.user_head(torch.cat(slots, 1)), dim=1)

    def _initialise(self, seed: int) -> None:
        """Xavier: gain 0.01 for ids, 0.1 below the heads, 1 in them; biases 0, norms 1."""
        for name, parameter in self.named_parameters():
            generator = torch.Generator().manual_seed(zlib.crc32(f"{seed}/{name}".encode()))
            if parameter.dim() == 2:
                gain = 1.0 if "head" in name else 0.01 if "table" in name else 0.1
                nn.init.xavier_uniform_(parameter, gain, generator)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        with torch.no_grad():
            self.id_table.weight[self.n_items] = 0


def _head(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, HIDDEN_WIDTH), nn.ReLU(), nn.Linear(HIDDEN_WIDTH, VECTOR_WIDTH)
    )


def count_parameters(model: nn.Module) -> int:
    """Trained numbers in a model."""
    return sum(parameter.numel() for parameter in model.parameters())
