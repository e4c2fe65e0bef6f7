"""Our ranks, metrics and tests are those of RecTools, ranx, implicit and statsmodels.

Each is skipped where its library is not installed: ``pip install recfeat_pipeline[oracles]``.
RecTools pins an old NumPy and wants an environment of its own.
"""

import numpy as np
import polars as pl
import pytest
from scipy import sparse, stats

from recfeat_pipeline.evaluation import lists
from recfeat_pipeline.evaluation.metrics import measure, measures
from recfeat_pipeline.evaluation.significance import compare, paired_t
from recfeat_pipeline.holm import holm
from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.models.imported import ToRank, from_vectors
from recfeat_pipeline_tests.unit.models.worlds import make_events, make_items

N_USERS, N_ITEMS, K = 60, 40, 10


@pytest.fixture(scope="module")
def world():
    """Users whose last event is the test target, and the scores that a model gives all items."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(N_USERS):
        items = rng.permutation(N_ITEMS)[: rng.integers(3, 12)]
        splits = ["train"] * (len(items) - 1) + ["test"]
        rows += [(user, int(items[t]), None, t, split) for t, split in enumerate(splits)]
    events = make_events(rows)
    asked = ToRank.of(events, build_examples(events), make_items(N_ITEMS), "test")
    users = rng.normal(size=(N_USERS, 8)).astype(np.float32)
    items = rng.normal(size=(N_ITEMS, 8)).astype(np.float32)
    frame, said = from_vectors(
        pl.DataFrame({"user_id": range(N_USERS), "vector": users.tolist()}),
        pl.DataFrame({"item_id": range(100, 100 + N_ITEMS), "vector": items.tolist()}),
        asked,
    )
    assert not said
    return events, asked, users, items, frame


def unseen_scores(world) -> np.ndarray:
    """Scores [users, N] with what was seen at minus infinity."""
    events, _, users, items, _ = world
    scores = users.astype(float) @ items.T.astype(float)
    seen = events.filter(split="train")
    scores[seen["user_id"], seen["item_index"]] = -np.inf
    return scores


def top(world, k: int = K) -> np.ndarray:
    return np.argsort(-unseen_scores(world), axis=1)[:, :k]


def test_ranks_are_those_of_implicit(world):
    model = pytest.importorskip("implicit").cpu.als.AlternatingLeastSquares(factors=8)
    events, asked, users, items, frame = world
    model.user_factors, model.item_factors = users, items
    seen = events.filter(split="train")
    shape = (N_USERS, N_ITEMS)
    taken = sparse.csr_matrix((np.ones(seen.height), (seen["user_id"], seen["item_index"])), shape)
    ids, _ = model.recommend(np.arange(N_USERS), taken, N=N_ITEMS, filter_already_liked_items=True)
    places = [
        row.tolist().index(target) + 1 for row, target in zip(ids, asked.held.targets, strict=True)
    ]
    assert frame["rank"].to_list() == places


def test_metrics_are_those_of_ranx(world):
    ranx = pytest.importorskip("ranx")
    _, asked, _, _, frame = world
    scores = unseen_scores(world)
    qrels = {f"u{u}": {f"i{t}": 1} for u, t in enumerate(asked.held.targets)}
    run = {
        f"u{u}": {f"i{i}": float(s) for i, s in enumerate(row) if np.isfinite(s)}
        for u, row in enumerate(scores)
    }
    names = {"hit_rate": ("hit_rate", "recall"), "ndcg": ("ndcg",), "mrr": ("mrr",)}
    for one in measures():
        for name in names[one.name]:
            theirs = ranx.evaluate(
                ranx.Qrels(qrels), ranx.Run(run), f"{name}@{one.k}" if one.k else name
            )
            assert one.values(frame["rank"].to_numpy()).mean() == pytest.approx(theirs), one.key


def test_metrics_are_those_of_rectools(world):
    rectools = pytest.importorskip("rectools.metrics", reason="RecTools is not installed")
    pd = pytest.importorskip("pandas")
    events, asked, _, _, frame = world
    shown = top(world, N_ITEMS)
    finite = np.isfinite(np.take_along_axis(unseen_scores(world), shown, 1))
    reco = pd.DataFrame(
        [(u, i, r + 1) for u, row in enumerate(shown) for r, i in enumerate(row) if finite[u, r]],
        columns=["user_id", "item_id", "rank"],
    )
    real = pd.DataFrame({"user_id": range(N_USERS), "item_id": asked.held.targets})
    ranks = frame["rank"].to_numpy()
    for ours, theirs in (
        (measure("hit_rate", 10), rectools.HitRate(k=10)),
        (measure("hit_rate", 5), rectools.Recall(k=5)),
        (measure("mrr", 10), rectools.MRR(k=10)),
        (measure("ndcg", 10), rectools.NDCG(k=10, divide_by_achievable=True)),
    ):
        assert ours.values(ranks).mean() == pytest.approx(theirs.calc(reco, real)), ours.key
    of_lists = lists.Lists(shown[:, :K], N_ITEMS, lists.Taken.of(events, N_ITEMS))
    seen = events.filter(split="train")
    before = pd.DataFrame({"user_id": seen["user_id"], "item_id": seen["item_index"]})
    assert lists.novelty(of_lists) == pytest.approx(
        rectools.MeanInvUserFreq(k=K).calc_per_user(reco, before).mean()
    )
    catalog = rectools.CatalogCoverage(k=K, normalize=True)
    assert lists.coverage(of_lists) == pytest.approx(catalog.calc(reco, range(N_ITEMS)))
    cosine = of_lists.taken.likeness(np.arange(N_ITEMS))

    class Distance(rectools.PairwiseDistanceCalculator):
        def _get_distances_for_item_pairs(self, one, other):
            return 1 - cosine[np.asarray(one), np.asarray(other)]

    diverse = rectools.IntraListDiversity(k=K, distance_calculator=Distance())
    assert lists.similarity(of_lists) == pytest.approx(1 - diverse.calc(reco))


def test_tests_are_those_of_scipy_and_statsmodels():
    rng = np.random.default_rng(0)
    half = rng.normal(0, 1, 20)
    deltas = 0.3 + np.concatenate([half, -half])  # even: skewed ones are told more carefully
    reference = np.full((1, 40), 10.0)
    row = compare(reference + deltas, reference, np.ones(40, int), 0.05)
    expected = stats.ttest_1samp(deltas, 0)
    assert paired_t(deltas) == pytest.approx((expected.statistic, expected.pvalue))
    assert row["p_value"] == pytest.approx(expected.pvalue, rel=1e-3)
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p_values = rng.random(30) ** 3
    assert holm(p_values) == pytest.approx(multitest.multipletests(p_values, method="holm")[1])
    weightstats = pytest.importorskip("statsmodels.stats.weightstats")
    tost, _, _ = weightstats.ttost_paired(deltas + 10, np.full(40, 10.0), -0.5, 0.5)
    assert row["p_equivalent"] == pytest.approx(tost, rel=1e-3)


def test_the_world_has_no_ties(world):
    """So that each library's own order of ties does not matter."""
    scores = unseen_scores(world)
    finite = scores[np.isfinite(scores)]
    assert len(np.unique(finite)) == len(finite)
