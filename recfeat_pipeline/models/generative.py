"""An item generated code by code from a history: encoder and decoder, and beams of real items.

As TIGER (Rajput et al., 2023). Notation: B users, T items of a history, N items, P places of an id.
"""

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recfeat_pipeline.content.codes import Codes
from recfeat_pipeline.models.histories import Context
from recfeat_pipeline.models.initial import initialise
from recfeat_pipeline.models.tower import Tower

UNSEEN = 1000.0
"""What a place that no beam reached costs: more than any code's log probability."""


class Tree(nn.Module):
    """The codes that are some item's: after each prefix, what may follow."""

    def __init__(self, codes: Codes):
        super().__init__()
        levels = [codes.prefixes(length) for length in range(codes.values.shape[1] + 1)]
        for place, (before, after) in enumerate(pairwise(levels)):
            children = np.full((before.max() + 1, codes.sizes[place]), -1)
            children[before, codes.values[:, place]] = after
            self.register_buffer(f"longer_{place}", torch.from_numpy(children), persistent=False)
            self.register_buffer(f"prefix_{place}", torch.from_numpy(after), persistent=False)
        self.n_places = codes.values.shape[1]

    def longer(self, place: int) -> Tensor:
        """int64 [prefixes of so many places, values]: the longer prefix, or -1."""
        return getattr(self, f"longer_{place}")

    def prefix(self, place: int) -> Tensor:
        """int64 [N]: each item's prefix that ends at a place."""
        return getattr(self, f"prefix_{place}")


class Generator(Tower):
    """Reads the codes of a history, and says what the next item's are.

    Args:
        codes: of the N items.
        width, layers, heads: of encoder and decoder.
        context: T.
        dropout: of both.
        seed: fixes the initial parameters by name.
    """

    values: Tensor  # int64 [N + 1, P]: rows of the table; the last row is padding
    content: Tensor | None = None

    def __init__(
        self,
        codes: Codes,
        width: int = 64,
        layers: int = 2,
        heads: int = 4,
        context: int = 20,
        dropout: float = 0.1,
        seed: int = 0,
    ):
        super().__init__()
        self.n_items, self.n_places, self.sizes = *codes.values.shape, codes.sizes
        self.tree, self.width = Tree(codes), width
        starts = np.cumsum([0, *codes.sizes])
        self.first = starts[:-1].tolist()  # of each place's values in the table
        rows = np.concatenate([codes.values + starts[:-1], np.full((1, self.n_places), starts[-1])])
        self.register_buffer("values", torch.from_numpy(rows), persistent=False)
        self.code_table = nn.Embedding(int(starts[-1]) + 1, width)
        self.place_table = nn.Embedding(self.n_places, width)
        self.age_table = nn.Embedding(context, width)
        self.begin = nn.Parameter(torch.zeros(width))
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(
                width, heads, 4 * width, dropout, batch_first=True, norm_first=True
            ),
            layers,
            enable_nested_tensor=False,
        )
        self.decoder = nn.TransformerDecoder(
            nn.TransformerDecoderLayer(
                width, heads, 4 * width, dropout, batch_first=True, norm_first=True
            ),
            layers,
        )
        self.out_norm = nn.LayerNorm(width)
        initialise(self, seed, {"table": 0.05})

    def read(self, context: Context) -> tuple[Tensor, Tensor]:
        """The history as the encoder has it [B, T · P, W], and where there is nothing."""
        history = context.history  # newest first
        rows = self.code_table(self.values[history])  # [B, T, P, W]
        age = torch.arange(history.shape[1], device=history.device)
        rows = rows + self.age_table(age)[:, None] + self.place_table.weight
        nothing = (history == self.n_items)[..., None].expand(-1, -1, self.n_places).flatten(1)
        return self.encoder(rows.flatten(1, 2), src_key_padding_mask=nothing), nothing

    def following(self, memory: Tensor, nothing: Tensor, given: Tensor) -> Tensor:
        """States [B, G + 1, W] after each of G rows of the table that are given."""
        begin = self.begin.expand(len(given), 1, -1)
        rows = torch.cat([begin, self.code_table(given)], 1)
        rows = rows + functional.pad(self.place_table.weight, (0, 0, 0, 1))[: rows.shape[1]]
        ahead = nn.Transformer.generate_square_subsequent_mask(rows.shape[1], device=rows.device)
        states = self.decoder(
            rows, memory, tgt_mask=ahead, memory_key_padding_mask=nothing, tgt_is_causal=True
        )
        return self.out_norm(states)

    def logits(self, states: Tensor, place: int) -> Tensor:
        """[…, values of the place] of states […, W]."""
        start = self.first[place]
        return states @ self.code_table.weight[start : start + self.sizes[place]].T

    def loss(self, context: Context, targets: Tensor) -> Tensor:
        """Cross-entropy of the targets' codes, a scalar: the mean over places."""
        memory, nothing = self.read(context)
        wanted = self.values[targets]  # [B, P]
        states = self.following(memory, nothing, wanted[:, :-1])
        return torch.stack(
            [
                functional.cross_entropy(self.logits(states[:, place], place), at)
                for place, at in enumerate((wanted - wanted.new_tensor(self.first)).unbind(1))
            ]
        ).mean()

    @torch.no_grad()
    def scores(self, context: Context, beams: int) -> Tensor:
        """[B, N]: log probability of each item's codes, as far as beams went.

        Of each length the ``beams`` best prefixes that some item has go on. An item whose prefix
        was left behind is scored by what is known of it, below all that went further.
        """
        memory, nothing = self.read(context)
        n_users = len(memory)
        alive = memory.new_zeros(n_users, 1, dtype=torch.int64)  # prefixes
        total = memory.new_zeros(n_users, 1)
        given = memory.new_zeros(n_users, 1, 0, dtype=torch.int64)
        scores = memory.new_zeros(n_users, self.n_items)
        for place in range(self.n_places):
            children = self.tree.longer(place)[alive]  # [B, beams, values]
            logits = memory.new_zeros(children.shape)
            if self.sizes[place] > 1:  # else nothing is to be chosen
                state = self.following(
                    memory.repeat_interleave(alive.shape[1], 0),
                    nothing.repeat_interleave(alive.shape[1], 0),
                    given.flatten(0, 1),
                )[:, -1]
                logits = self.logits(state, place).view(children.shape)
            logits = logits.masked_fill(children < 0, -torch.inf).log_softmax(2)
            reached = (total[..., None] + logits).flatten(1)  # [B, beams · values]
            children = children.flatten(1)
            n_prefixes = int(self.tree.prefix(place).max()) + 1
            known = scores.new_full((n_users, n_prefixes + 1), -torch.inf)
            at = children.where(children >= 0, n_prefixes)
            known.scatter_reduce_(1, at, reached, "amax")
            known = known[:, self.tree.prefix(place)]  # [B, N]
            scores = torch.where(known.isinf(), scores - UNSEEN, known)
            kept = reached.topk(min(beams, n_prefixes, reached.shape[1]), 1)
            value = kept.indices % self.sizes[place] + self.first[place]
            parent = kept.indices // self.sizes[place]
            given = torch.cat(
                [given.gather(1, parent[..., None].expand(-1, -1, place)), value[..., None]], 2
            )
            alive, total = children.gather(1, kept.indices).clamp(min=0), kept.values
        return scores
