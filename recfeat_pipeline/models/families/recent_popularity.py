"""Recent popularity: events of the item in the 30-day window before the target's own.

Popularity breaks ties. Windows are fixed, so a target is scored only by events of earlier windows.
Every event but the test ones counts. Without timestamps this is popularity.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from torch import Tensor

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.examples import target_times
from recfeat_pipeline.models.family import Family, setting
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.scorer import Scores


@dataclass(frozen=True)
class Settings:
    """Of the windows."""

    window_days: int = setting(30, "days of a window", table="model", least=1)


def fit(data: Data, content: Content, recipe: Recipe) -> Scores:
    """Count by window."""
    seconds = recipe.settings.window_days * 86_400
    counts = torch.from_numpy(data.counts).float()
    known = data.events.filter(pl.col("split") != "test").drop_nulls("timestamp")
    window = (pl.col("timestamp") // seconds).alias("window")
    by_window = known.group_by(window, "item_index").len().sort("window")
    windows = by_window["window"].unique().sort()
    table = torch.zeros(len(windows) + 1, len(counts))  # the last row: nothing was recent
    table[
        windows.search_sorted(by_window["window"]).to_numpy().astype(np.int64),
        by_window["item_index"].to_numpy().astype(np.int64),
    ] = torch.from_numpy(by_window["len"].to_numpy().astype(np.float32))
    table += counts / (1 + counts.sum())
    row_of = {int(value): row for row, value in enumerate(windows)}

    def score(held: HeldOut, start: int, stop: int) -> Tensor:
        times = target_times(held.events, held.examples[start:stop])
        before = times // seconds - 1
        rows = before.replace_strict(row_of, default=len(windows), return_dtype=pl.Int64)
        return table[torch.from_numpy(rows.fill_null(len(windows)).to_numpy().copy())]

    return Scores(score)


family = Family(title="Recent popularity", fit=fit, settings=Settings)
