"""The two towers, whole: an item is an id and a content row, a user is what they watched.

The model of "$200 vs $200k: generating item features with an LLM instead of hand tagging" (2026):
one item-id table is shared by both towers, and a content arm differs from the floor in one 32-wide
slot per tower. There is no user id, so a user never seen in training is embedded from history.
Each tower concatenates slots and maps them to a unit vector; a score is the dot of two of them.

Notation: B users, L history places, N items, D content columns, G genres.
"""

import zlib

import torch
from torch import Tensor, nn
from torch.nn import functional

from recfeat_pipeline.models.histories import TIME_BINS, Context
from recfeat_pipeline.models.metadata import Metadata

ID_WIDTH = 32  # of the item-id table and of every content slot
HIDDEN_WIDTH = 256
VECTOR_WIDTH = 128
GENRE_WIDTH, TAG_WIDTH, YEAR_WIDTH, TIME_WIDTH = 8, 16, 8, 4  # rich arms only


class Tower(nn.Module):
    """What is trained: users and items as vectors whose product is a score."""

    n_items: int
    content: Tensor | None  # [N, D]
    decay: float = 1.0  # worth of an event against the next newer one, where a history is pooled

    def user_vectors(self, context: Context) -> Tensor:
        """[B, W]."""
        raise NotImplementedError

    def item_vectors(self, items: Tensor | None = None, blank: Tensor | None = None) -> Tensor:
        """[M, W] of the items [M], or of all N; of ``blank`` ones (bool [M]) the id is not used."""
        raise NotImplementedError

    def all_pairs(self, users: Tensor, items: Tensor) -> Tensor:
        """[B, M] of all pairs of vectors [B, W] and [M, W]."""
        return users @ items.T

    def paired(self, users: Tensor, items: Tensor) -> Tensor:
        """[B] of each user's vector [B, W] with the item's beside it [B, W]."""
        return (users * items).sum(1)


class TwoTower(Tower):
    """Towers over N items.

    Args:
        n_items: N.
        content: [N, D], or None for the floor.
        seed: fixes the initial parameters by name, so that what two arms share starts equal.
        four_pools: pool all, liked, disliked and weighted items instead of all items only.
        recency: give the last item a slot of its own.
        metadata: genres, tags, years (rich arms); None leaves those slots out.
    """

    def __init__(
        self,
        n_items: int,
        content: Tensor | None = None,
        seed: int = 0,
        *,
        four_pools: bool = False,
        recency: bool = False,
        metadata: Metadata | None = None,
    ):
        super().__init__()
        self.n_items = n_items
        self.recency = recency
        self.id_table = nn.Embedding(n_items + 1, ID_WIDTH, padding_idx=n_items)
        self.item_id = nn.Linear(ID_WIDTH, ID_WIDTH)
        n_pools = 4 if four_pools else 1
        self.user_norm = nn.ModuleList([nn.LayerNorm(ID_WIDTH) for _ in range(n_pools + recency)])
        user_width, item_width = ID_WIDTH * (n_pools + recency), ID_WIDTH
        self.register_buffer("content", content, persistent=False)
        if content is not None:
            self.user_content = nn.Linear(content.shape[1], ID_WIDTH)
            self.item_content = nn.Linear(content.shape[1], ID_WIDTH)
            user_width, item_width = user_width + ID_WIDTH, item_width + ID_WIDTH
        self.metadata = _MetadataSlots(metadata) if metadata else None
        if self.metadata:
            user_width += self.metadata.user_width
            item_width += self.metadata.item_width
        self.user_head = _head(user_width)
        self.item_head = _head(item_width)
        self._initialise(seed)

    def item_vectors(self, items: Tensor | None = None, blank: Tensor | None = None) -> Tensor:
        """Unit vectors [M, 128] of the given items [M], or of all N.

        ``blank`` (bool [M]) marks items whose id slot is emptied: new ones, known by content alone.
        """
        at = slice(0, self.n_items) if items is None else items
        ids = functional.relu(self.item_id(self.id_table.weight[at]))  # [M, 32]
        if blank is not None:
            ids = ids.masked_fill(blank[:, None], 0.0)
        slots = [ids]
        if self.content is not None:
            slots.append(functional.relu(self.item_content(self.content[at])))  # [M, 32]
        if self.metadata:
            slots += self.metadata.item_slots(at)
        return functional.normalize(self.item_head(torch.cat(slots, 1)), dim=1)

    def user_vectors(self, context: Context) -> Tensor:
        """Unit vectors [B, 128].

        The content's linear map commutes with the weighted mean, so all N rows are projected once,
        32 wide, and then pooled: the same sum with far less arithmetic.
        """
        history, weights = context.history, context.weights
        slots = [
            norm(pooled) for norm, pooled in zip(self.user_norm, self._pools(context), strict=True)
        ]  # each [B, 32]
        if self.content is not None:
            rows = self.content @ self.user_content.weight.T  # [N, 32]
            rows = functional.pad(rows, (0, 0, 0, 1))  # a zero row for "no item"
            mass = weights.abs().sum(1, keepdim=True).clamp(min=1e-6)  # [B, 1]
            pooled = _pool(history, rows, weights / mass)  # [B, 32]
            slots.append(functional.relu(pooled + self.user_content.bias))
        if self.metadata:
            slots += self.metadata.user_slots(context)
        return functional.normalize(self.user_head(torch.cat(slots, 1)), dim=1)

    def _pools(self, context: Context) -> list[Tensor]:
        """Sums of id rows: all items; where wanted the liked, disliked, weighted; the last."""
        history, weights = context.history, context.weights
        table = self.id_table.weight
        n_pools = len(self.user_norm) - self.recency
        pools = [functional.embedding_bag(history, table, mode="sum", padding_idx=self.n_items)]
        if n_pools == 4:
            pools += [
                _pool(history, table, (weights > 0).float()),
                _pool(history, table, (weights < 0).float()),
                _pool(history, table, weights),
            ]
        if self.recency:
            pools.append(self.id_table(history[:, 0]))
        return pools

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


class _MetadataSlots(nn.Module):
    """The rich arms' further slots, in both towers."""

    genres: Tensor
    tags: Tensor
    years: Tensor

    def __init__(self, metadata: Metadata):
        super().__init__()
        for name in ("genres", "tags", "years"):
            self.register_buffer(name, torch.from_numpy(getattr(metadata, name)), persistent=False)
        n_genres, n_tags = self.genres.shape[1], self.tags.shape[1]
        self.item_genre = nn.Linear(n_genres, GENRE_WIDTH)
        self.item_tag = nn.Linear(n_tags, TAG_WIDTH) if n_tags else None
        self.year_table = nn.Embedding(metadata.n_years, YEAR_WIDTH)
        self.user_genre = nn.Linear(2 * n_genres, ID_WIDTH)
        self.time_table = nn.Embedding(TIME_BINS + 1, TIME_WIDTH)
        self.item_width = GENRE_WIDTH + YEAR_WIDTH + (TAG_WIDTH if n_tags else 0)
        self.user_width = ID_WIDTH + TIME_WIDTH

    def item_slots(self, at: Tensor | slice) -> list[Tensor]:
        """Genre [M, 8], year [M, 8] and, where there are any, tag [M, 16]."""
        slots = [
            functional.relu(self.item_genre(self.genres[at])),
            self.year_table(self.years[at]),
        ]
        if self.item_tag is not None:
            slots.append(functional.relu(self.item_tag(self.tags[at])))
        return slots

    def user_slots(self, context: Context) -> list[Tensor]:
        """Genre context [B, 32] (mean weight and share of the history, per genre), time [B, 4]."""
        history, weights, times = context.history, context.weights, context.times
        rows = functional.pad(self.genres, (0, 0, 0, 1))  # [N + 1, G]
        held = (history < len(self.genres)).float()
        counts = _pool(history, rows, held)  # [B, G]
        mean = _pool(history, rows, weights) / counts.clamp(min=1)
        share = counts / counts.sum(1, keepdim=True).clamp(min=1)
        taste = functional.relu(self.user_genre(torch.cat([mean, share], 1)))
        return [taste, self.time_table(times)]


def _pool(history: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums [B, W] of the rows [N + 1, W] that a history names."""
    return functional.embedding_bag(history, rows, mode="sum", per_sample_weights=weights)


def _head(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, HIDDEN_WIDTH), nn.ReLU(), nn.Linear(HIDDEN_WIDTH, VECTOR_WIDTH)
    )
