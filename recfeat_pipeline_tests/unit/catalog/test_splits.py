"""Where the parts of a split begin and end."""

import numpy as np
import polars as pl

from recfeat_pipeline.catalog import splits


def test_a_draw_on_a_border_belongs_to_the_part_that_begins_there(monkeypatch):
    """Parts are half open: [0, .8), [.8, .8) and [.8, 1), so that a share of 0 has no users."""
    monkeypatch.setattr(splits, "uniform", lambda users, seed: np.array([0.0, 0.79, 0.8, 0.99]))
    drawn = splits._users(pl.Series("user_id", [1, 2, 3, 4]), (0.8, 0.0, 0.2), 0)
    assert drawn.to_list() == ["train", "train", "test", "test"]
    monkeypatch.setattr(splits, "uniform", lambda users, seed: np.zeros(1))
    assert splits._users(pl.Series("user_id", [1]), (0.0, 0.5, 0.5), 0).to_list() == ["valid"]
