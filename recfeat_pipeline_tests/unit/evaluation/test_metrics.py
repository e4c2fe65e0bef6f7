"""The one list of metrics: NumPy and SQL say the same, and everything is made from it."""

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.evaluation.metrics import headline, measure, measures
from recfeat_pipeline.registry import use_folder

RANKS = st.lists(st.integers(1, 300) | st.integers(1, 2**31 - 1), min_size=1, max_size=50)


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as opened:
        yield opened


@pytest.mark.parametrize("one", measures(), ids=lambda one: one.key)
@settings(max_examples=25, deadline=None)
@given(ranks=RANKS)
def test_numpy_and_sql_give_the_same(connection, one, ranks):
    ranks = np.array(ranks, np.int32)  # as the lake stores them
    frame = {"rank": ranks}  # noqa: F841 - DuckDB finds it by its name
    in_sql = connection.execute(f"SELECT {one.sql('rank')} AS value FROM frame").fetchnumpy()
    assert in_sql["value"] == pytest.approx(one.values(ranks), rel=1e-12)


@pytest.mark.parametrize("one", measures(), ids=lambda one: one.key)
def test_the_first_place_is_worth_most_and_beyond_the_cut_off_nothing(one):
    ranks = np.arange(1, 400)
    values = one.values(ranks)
    assert values[0] == 1
    assert (np.diff(values) <= 0).all()
    if one.k:
        assert values[one.k - 1] > 0
        assert not values[one.k :].any()


@pytest.mark.parametrize(("name", "k"), [("ndgc", 10), ("ndcg", 11), ("hit_rate", None)])
def test_an_unknown_metric_or_cut_off_is_refused(name, k):
    with pytest.raises(RecfeatError, match=r"no metric .*; there are .*ndcg@10"):
        measure(name, k)


def test_labels_and_keys():
    assert [m.label for m in headline()] == ["MRR", "NDCG@10", "Hit@10", "Hit@50"]
    assert (measure("mrr").key, measure("ndcg", 10).key) == ("mrr@", "ndcg@10")
    assert set(headline()) <= set(measures()), "what is shown is computed"
    assert len({m.key for m in measures()}) == len(measures())


SQUARED = """
import numpy as np
from recfeat_pipeline.evaluation.metric import Metric

metric = Metric("Squared", "", 9, (3,), (3,), lambda r, k: np.where(r <= k, 1 / r**2, 0),
                "CASE WHEN {rank} <= {k} THEN 1 / {rank}^2 ELSE 0 END")
"""


def test_a_metric_is_one_file(tmp_path):
    """One more of the user's own reaches the SQL and its YAML, and so the store's tests."""
    from recfeat_pipeline import sql_models
    from recfeat_pipeline.lake import Lake

    before = sql_models.sql_hash(sql_models.load_models()["metrics.ranking"])
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "squared.py").write_text(SQUARED)
    use_folder(str(tmp_path))
    assert [m.label for m in headline()][-1] == "Squared@3", "tables for people show it last"
    after = sql_models.read_models(sql_models.FOLDER)["metrics.ranking"]
    compiled = sql_models.compile_sql(after, Lake(tmp_path))
    assert 'AS "squared@3"' in compiled
    assert 'AS "squared_with_seen@3"' in compiled
    [accepted] = [t for t in after.tests if t.name == "accepted_values_metric"]
    assert "'squared'" in accepted.query
    assert sql_models.sql_hash(after) != before, "it is built again"
