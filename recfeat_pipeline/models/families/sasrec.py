"""SASRec: self-attention over the history in its order (Kang and McAuley, 2018).

Every place of every history is learnt from, by a softmax over the catalogue or a sample of it with
the logQ correction instead of one negative an event: that, with more dropout, lifts it above the
figures it was published with (Petrov and Macdonald, 2023; Klenitskiy and Vasilev, 2023).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.attention import Block, causal_mask
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.family import Family, setting
from recfeat_pipeline.models.reading import windows_of
from recfeat_pipeline.models.reading_scorer import (
    ReadingScorer,
    restore_with_reading,
    train_with_readings,
)
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.sequence import SequenceSettings, SequenceTower
from recfeat_pipeline.models.sequence_module import SequenceModule
from recfeat_pipeline.models.trained import content_tensor, count_parameters, users_tensor


@dataclass(frozen=True)
class Settings(SequenceSettings):
    """Of the network."""

    context: int = setting(
        0,
        "newest events of a history, no more than the window; 0: chosen on validation",
        table="model",
        least=0,
    )
    width: int = setting(128, "of a row and a state", table="model", least=2, space=(64, 128))
    blocks: int = setting(1, "of attention", table="model", least=1, space=(1, 2))
    heads: int = setting(2, "of attention; they divide the width", table="model", least=1)
    bias: bool = setting(False, "an item's score has a bias: its popularity", table="model")
    row_dropout: float = setting(0.5, "of the history's rows", least=0, space=(0.2, 0.5))
    mask_seen: bool = setting(
        False, "an item already in the history is no candidate in a full softmax"
    )


class SasRec(SequenceTower):
    """Blocks of causal self-attention over rows and learnt places, the newest being place 0."""

    settings: Settings

    def __init__(
        self,
        n_items: int,
        content: Tensor | None,
        settings: Settings,
        seed: int = 0,
        known: Tensor | None = None,
    ):
        super().__init__(n_items, content, settings, known)
        width, rate = settings.width, settings.dropout
        self.place_table = nn.Embedding(settings.window, width)
        blocks = [Block(width, settings.heads, rate) for _ in range(settings.blocks)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(width)
        self.initialise(seed)

    def states(self, rows: Tensor, held: Tensor) -> Tensor:
        """See :class:`SequenceTower`."""
        length = rows.shape[1]
        places = torch.arange(length - 1, -1, -1, device=rows.device)
        rows = rows + self.place_table(places)
        rows = functional.dropout(rows, self.settings.row_dropout, self.training)
        mask = causal_mask(held)
        for block in self.blocks:
            rows = block(rows, mask)
        return self.norm(rows)


def build(data: Data, content: Content, recipe: Recipe) -> SequenceModule:
    """The network with its initial parameters, and the data that it learns from."""
    matrix, known = content_tensor(content.matrix), users_tensor(content)
    network = SasRec(data.n_items, matrix, recipe.settings, recipe.seed, known)
    return SequenceModule(network, data, recipe, content.users)


def fit(data: Data, content: Content, recipe: Recipe) -> ReadingScorer:
    """Train the network."""
    readings = windows_of(recipe.settings)  # attention fades for itself
    return train_with_readings(build(data, content, recipe), data, recipe, readings)


def load(data: Data, content: Content, recipe: Recipe) -> ReadingScorer:
    """The network as :func:`fit` left it."""
    return restore_with_reading(build(data, content, recipe), recipe.out_dir)


family = Family(
    title="SASRec: self-attention over the history",
    fit=fit,
    load=load,
    size=lambda data, width, settings: count_parameters(
        SasRec(data.n_items, torch.empty(0, width) if width else None, settings)
    ),
    settings=Settings,
    trained=True,
    draws=True,
    takes_content=True,
    user_content="asked",
    revision=2,
)
