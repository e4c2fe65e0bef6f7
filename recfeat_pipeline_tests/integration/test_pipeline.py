"""The whole pipeline on the embedded catalogue, through the command line's own driver."""

import pytest
from rich.console import Console

from recfeat_pipeline import sql_models
from recfeat_pipeline.commands.run import run_pipeline
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import open_store

ARMS = "popularity,floor,curated,llm"


def run(steps=40, seeds=(0,), arms=ARMS, until="evaluation"):
    run_pipeline(Console(quiet=True), None, "genome132-v1", arms, list(seeds), steps, until)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake in which the pipeline ran once."""
    root = tmp_path_factory.mktemp("lake")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECFEAT_LAKE", str(root))
        patch.setenv("DAGSTER_HOME", str(root / "dagster_home"))
        run()
        yield Lake(root)


@pytest.fixture
def store(lake):
    with open_store(lake.feature_store) as connection:
        yield connection


def test_every_arm_is_ranked_on_the_same_examples(store):
    rows = store.execute(
        "SELECT arm, count(*), sum(example_id) FROM metrics.ranks GROUP BY arm"
    ).fetchall()
    assert {row[0] for row in rows} == set(ARMS.split(","))
    assert len({row[1:] for row in rows}) == 1


def test_no_example_is_ranked_past_the_unseen_items(store):
    worst = store.execute(
        """SELECT max(rank - (n_items - history_length)) FROM metrics.ranks,
           (SELECT count(*) AS n_items FROM catalog.items WHERE in_corpus)"""
    ).fetchone()
    assert worst[0] <= 0


def test_metrics_are_what_the_ranks_say(store):
    ranks = store.execute("SELECT rank FROM metrics.ranks WHERE arm = 'floor'").fetchnumpy()["rank"]
    value = store.execute(
        "SELECT value FROM metrics.ranking WHERE arm = 'floor' AND slice = 'all' AND metric = 'mrr'"
    ).fetchone()
    assert value[0] == pytest.approx((1 / ranks).mean())


def test_every_corpus_item_has_every_dimension(store):
    counts = store.execute(
        """SELECT DISTINCT n FROM (
             SELECT count(f.dimension) AS n FROM catalog.items AS i
             LEFT JOIN features.item_features AS f USING (item_id)
             WHERE in_corpus GROUP BY item_id)"""
    ).fetchall()
    assert counts == [(132,)]


def test_the_extractor_is_labelled_as_no_llm(store, lake):
    assert store.execute("SELECT DISTINCT backend FROM ops.llm_calls").fetchall() == [("lexical",)]
    report = lake.read_bytes("report/report.html").decode()
    assert "no LLM" in report


def test_curated_tags_agree_with_the_scores_cut_from_the_text(store):
    mean_r = store.execute("SELECT avg(pearson_r) FROM metrics.agreement").fetchone()[0]
    assert mean_r > 0.2


def test_a_second_run_asks_trains_and_writes_nothing_new(lake):
    def files():
        patterns = ("responses/*/*", "runs/*/*/ranks.parquet")
        paths = [path for pattern in patterns for path in lake.glob(pattern)]
        return {path: (lake.state / path).stat().st_mtime_ns for path in paths}

    before = files()
    assert before
    run()
    assert files() == before


def test_the_store_is_rebuilt_from_the_lake_alone(lake):
    def contents():
        with open_store(lake.feature_store) as connection:
            return {
                key: connection.execute(f"SELECT count(*) FROM {key}").fetchone()[0]
                for key in sql_models.load_models()
            }

    before = contents()
    n_answers = len(lake.glob("responses/*/*"))
    lake.feature_store.unlink()
    with open_store(lake.feature_store, read_only=False) as connection:
        sql_models.build_all(connection, lake)
    assert contents() == before
    assert len(lake.glob("responses/*/*")) == n_answers
