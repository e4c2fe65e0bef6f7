"""An arm whose scores are products: all of them, or of a large catalogue those of near cells."""

import numpy as np
import pytest
import torch

from recfeat_pipeline.commands.explorer import _ServedVectors
from recfeat_pipeline.explore import nearest
from recfeat_pipeline.models.scorer import VectorScorer

N = 3_000
ITEMS = torch.randn((N, 4), generator=torch.Generator().manual_seed(0))


class LikesTheSame(VectorScorer):
    n_items = N

    def user_vectors(self, held):
        return ITEMS[:1]

    def item_table(self):
        return ITEMS


def test_a_large_catalogue_is_answered_by_cells_and_in_the_same_scores(monkeypatch):
    pytest.importorskip("faiss", reason="the extra ann is not installed")
    whole = _ServedVectors(LikesTheSame(), N, [])
    monkeypatch.setattr(nearest, "FROM", N - 1)
    monkeypatch.setattr(nearest, "FEW", 100)
    large = _ServedVectors(LikesTheSame(), N, [])
    assert (whole.cells, type(large.cells)) == (None, nearest.Cells)
    monkeypatch.setattr(large, "scores", None)  # no product with all items
    allowed = np.ones(N, bool)
    allowed[0] = False
    expected, scores = whole.best([0], 20, allowed)
    places, short = large.best([0], 20, allowed)
    assert len(np.intersect1d(places, expected)) >= 19
    assert short[:5] == pytest.approx(scores[:5])
    assert 0 not in places
