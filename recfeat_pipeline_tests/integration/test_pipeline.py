"""The whole pipeline on the embedded catalogue, through the command line's own driver."""

import pytest

from recfeat_pipeline import sql_models
from recfeat_pipeline.catalog import read, synthetic
from recfeat_pipeline.cli import run_app
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import open_store
from recfeat_pipeline_tests.integration.cli_world import write_catalog
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer

ARMS = "popularity,floor,curated,llm"


def run(*options):
    assert run_app(["run", "--arms", ARMS, "--seeds", "0", "--steps", "40", *options]) == 0


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake in which the pipeline ran once, on a quarter of the catalogue."""
    root = tmp_path_factory.mktemp("lake")
    small = synthetic.SyntheticConfig(n_items=150, n_users=400)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read, "SyntheticConfig", lambda: small)
        patch.setenv("RECFEAT_LAKE", str(root))
        patch.setenv("DAGSTER_HOME", str(root / "dagster_home"))
        run()
        yield Lake(root)


@pytest.fixture
def store(lake):
    with open_store(lake) as connection:
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
        "SELECT value FROM metrics.ranking "
        "WHERE arm = 'floor' AND slice = 'all' AND metric = 'mrr' AND k IS NULL"
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


def test_every_declared_contrast_has_an_interval(store):
    rows = store.execute(
        """SELECT arm, reference, ci_low < delta AND delta < ci_high FROM metrics.contrasts
           WHERE slice = 'all' AND metric = 'mrr'"""
    ).fetchall()
    assert {row[:2] for row in rows} >= {("llm", "floor"), ("llm", "curated")}
    assert all(row[2] for row in rows)


def test_runs_say_what_was_trained(store):
    rows = store.execute("SELECT arm, n_parameters, content_width, steps FROM ops.runs").fetchall()
    runs = {arm: rest for arm, *rest in rows}
    assert runs["llm"][1:] == [132, 40]
    assert runs["popularity"] == [0, 0, 0]
    assert runs["llm"][0] - runs["floor"][0] == 2 * (32 * 132 + 32) + 2 * 32 * 256


def test_the_store_is_rebuilt_from_the_lake_alone(lake):
    def contents():
        with open_store(lake) as connection:
            return {
                key: connection.execute(f"SELECT count(*) FROM {key}").fetchone()[0]
                for key in sql_models.load_models()
            }

    before = contents()
    n_answers = len(lake.glob("responses/*/*"))
    lake.feature_store.unlink()
    with open_store(lake, read_only=False) as connection:
        sql_models.build_all(connection, lake)
    assert contents() == before
    assert len(lake.glob("responses/*/*")) == n_answers


def test_paid_answers_outlive_the_key(tmp_path, monkeypatch):
    """Without an endpoint, a rerun uses what was bought; it never falls back to lexical scores."""
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster_home"))
    monkeypatch.setenv("RECFEAT_CATALOG", str(write_catalog(tmp_path)))
    with OpenAIServer() as server:
        monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        run("--until", "extraction", "--yes")
        asked = server.counts["chat"]
    monkeypatch.delenv("RECFEAT_LLM_BASE_URL")
    run("--until", "feature_store")
    with open_store(Lake(tmp_path / "lake")) as store:
        models = store.execute("SELECT DISTINCT model FROM features.item_features").fetchall()
        calls = store.execute("SELECT count(*) FROM ops.llm_calls").fetchall()
    assert models == [("gpt-4.1-mini",)]
    assert calls == [(asked,)]
