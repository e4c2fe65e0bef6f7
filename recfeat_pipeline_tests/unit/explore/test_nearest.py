"""The index of cells beside the exact product, on 3,000 items in 30 bunches."""

import numpy as np
import pytest

from recfeat_pipeline.explore import nearest
from recfeat_pipeline.explore.nearest import Cells, largest, pays

N, WIDTH = 3_000, 8
RNG = np.random.default_rng(0)
BUNCHES = RNG.standard_normal((30, WIDTH)).astype(np.float32)
OF = RNG.integers(0, 30, N)
ITEMS = BUNCHES[OF] + 0.3 * RNG.standard_normal((N, WIDTH)).astype(np.float32)
ALL = np.ones(N, bool)


@pytest.fixture(scope="module")
def cells():
    pytest.importorskip("faiss", reason="the extra ann is not installed")
    return Cells(ITEMS)


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(nearest, "FEW", 100)


def exact(user, k, allowed):
    return largest(np.where(allowed, ITEMS @ user, -np.inf), k)


def test_nearly_the_exact_list_with_its_very_scores(cells):
    hits = []
    for user in ITEMS[:50]:
        places, scores = cells.best(user, 20, ALL)
        assert scores == pytest.approx(ITEMS[places] @ user)
        assert (np.diff(scores) <= 0).all()
        hits.append(np.isin(places, exact(user, 20, ALL)[0]).mean())
    assert np.mean(hits) > 0.95


def test_a_history_is_left_out(cells):
    seen = exact(ITEMS[0], 15, ALL)[0]
    allowed = ALL.copy()
    allowed[seen] = False
    places, _ = cells.best(ITEMS[0], 20, allowed)
    assert np.isin(places, exact(ITEMS[0], 20, allowed)[0]).mean() > 0.9
    assert not np.isin(places, seen).any()


def test_no_item_that_a_filter_forbids_and_as_good_a_list_as_without(cells):
    """Of two bunches alone, most of which lie far from who asks."""
    allowed = np.isin(OF, [3, 4])
    assert allowed.sum() > nearest.FEW
    for user in ITEMS[:50]:
        places, _ = cells.best(user, 20, allowed)
        assert allowed[places].all()
        assert np.isin(places, exact(user, 20, allowed)[0]).mean() > 0.9


@pytest.mark.parametrize("left", [0, 1, 19, 100])
def test_few_that_are_left_are_ranked_exactly(cells, left):
    allowed = np.zeros(N, bool)
    allowed[RNG.choice(N, left, replace=False)] = True
    places, scores = cells.best(ITEMS[0], 20, allowed)
    expected = exact(ITEMS[0], 20, allowed)
    assert places.tolist() == expected[0].tolist()
    assert scores == pytest.approx(expected[1])


def test_a_list_that_cells_cannot_fill_is_exact(cells):
    assert len(cells.best(ITEMS[0], N, ALL)[0]) == N


def test_it_is_for_large_catalogues(monkeypatch):
    pytest.importorskip("faiss", reason="the extra ann is not installed")
    assert [pays(n) for n in (nearest.FROM, nearest.FROM + 1)] == [False, True]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not pays(nearest.FROM + 1)
