"""The daily schedule, second tries, retraining, batches and alerts, each on the loopback."""

import dagster as dg
import polars as pl
import pytest

from recfeat_pipeline.definitions import build_definitions
from recfeat_pipeline.defs import sensors
from recfeat_pipeline.defs.automation import UNATTENDED, again_later
from recfeat_pipeline.defs.drive import Driver, Plan
from recfeat_pipeline.defs.instance import open_instance
from recfeat_pipeline.defs.partitions import arm_and_seed, split_key
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.defs.schedules import refresh_text_daily
from recfeat_pipeline.defs.training.retraining import seen_now
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import RUNS
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.store import open_store
from recfeat_pipeline_tests.integration.automation_world import (
    GROUPS,
    N_FILMS,
    write_catalog,
    write_films,
)
from recfeat_pipeline_tests.servers.films import made_up_films
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer
from recfeat_pipeline_tests.servers.tmdb_server import KEY, TmdbServer

V1 = load_version("genome132-v1").key


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    return Lake(tmp_path / "lake")


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


# -- the daily refresh ---------------------------------------------------------------------------


def refresh(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """The schedule's run, executed here."""
    request = refresh_text_daily(dg.build_schedule_context(instance=instance), settings=Settings())
    assert isinstance(request, dg.RunRequest)
    job = build_definitions(Settings()).resolve_job_def("refresh_text")
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return job.execute_in_process(
        run_config={**request.run_config, **quiet}, tags=request.tags, instance=instance
    )


def test_a_refresh_scrapes_all_shards_once_then_only_what_the_feed_names(
    lake, tmp_path, monkeypatch
):
    films = made_up_films(N_FILMS)
    with TmdbServer(films) as tmdb, open_instance(lake) as instance:  # a schedule wants a home
        monkeypatch.setenv("RECFEAT_CATALOG", write_films(tmp_path, films))
        monkeypatch.setenv("TMDB_API_KEY", KEY)
        monkeypatch.setenv("RECFEAT_TMDB_BASE_URL", tmdb.url)
        assert refresh(instance).success
        assert tmdb.counts == {"movie": N_FILMS}
        versions = tmdb_versions(instance)
        tmdb.reset_counts()
        tmdb.change(films[3].tmdb_id, overview="Rewritten.")
        refresh(instance)
        assert tmdb.counts == {"changes": 1, "movie": 1}
    changed = {
        shard for shard, version in tmdb_versions(instance).items() if version != versions[shard]
    }
    assert len(changed) == 1


def tmdb_versions(instance: dg.DagsterInstance) -> dict[str, str]:
    """Shard to the data version of what TMDB gave."""
    records = instance.fetch_materializations(dg.AssetKey(["lake", "tmdb"]), limit=100).records
    versions: dict[str, str] = {}
    for record in records:  # newest first
        event = record.asset_materialization
        versions.setdefault(event.partition, event.tags["dagster/data_version"])
    return versions


# -- second tries --------------------------------------------------------------------------------


def attempts(instance: dg.DagsterInstance, tags: dict[str, str], monkeypatch) -> int:
    """How often an asset that an outage stops is tried, without the minutes between."""
    tried = []
    waits = []
    real = dg.RetryRequested
    monkeypatch.setattr(
        dg, "RetryRequested",
        lambda max_retries, seconds_to_wait: waits.append(seconds_to_wait) or real(max_retries, 0),
    )  # fmt: skip

    @dg.asset
    def flaky(context: dg.AssetExecutionContext) -> None:
        with again_later(context):
            tried.append(1)
            raise RecfeatError("The source is down.")

    result = dg.materialize([flaky], instance=instance, tags=tags, raise_on_error=False)
    assert not result.success
    assert waits == ([60, 300, 1500] if tags else [])
    return len(tried)


def test_an_outage_is_waited_out_when_nobody_is_waiting(instance, monkeypatch):
    assert attempts(instance, {UNATTENDED: "true"}, monkeypatch) == 3


def test_whoever_waits_is_told_at_once(instance, monkeypatch):
    assert attempts(instance, {}, monkeypatch) == 1


# -- retraining ----------------------------------------------------------------------------------


ITEMS = (
    "CREATE TABLE catalog.items AS SELECT i AS item_id, i < 100 AS in_corpus FROM range(200) t(i)"
)
FEATURES = """CREATE TABLE features.item_features AS
SELECT i AS item_id, $v AS version, 'dark' AS dimension, .5::FLOAT AS score FROM range(200) t(i)"""
RESCORED = """UPDATE features.item_features SET score = $score
WHERE item_id < $n OR item_id = 150"""
OTHER_VERSION = """INSERT INTO features.item_features
SELECT item_id, 'other@1', dimension, $score::FLOAT FROM features.item_features"""


def change_store(lake: Lake, query: str, **parameters: object) -> None:
    with open_store(lake, read_only=False) as store:
        store.execute(query, parameters or None)


@pytest.fixture
def trained(lake):
    """A store with 100 scored items in the corpus, and runs of three arms that saw them."""
    change_store(lake, "CREATE SCHEMA catalog; CREATE SCHEMA features")
    change_store(lake, ITEMS)
    change_store(lake, FEATURES, v=V1)
    with open_store(lake) as store:
        seen = seen_now(store, V1)
    lake.remember(promoted=V1)
    made = {"fingerprint": "of the run", "prompt_version": V1}
    for arm, steps in (("llm", 30), ("floor", 30), ("ease_llm", 0)):
        row = dict.fromkeys(RUNS) | {"steps": steps}
        lake.write("runs", pl.DataFrame([row], schema=RUNS), arm=arm, seed="0")
        lake.write("seen", seen, arm=arm, seed="0")
        lake.write_note("made_from", made, arm=arm, seed="0")
    return lake


def rescore(lake: Lake, n_items: int, score: float = 0.75) -> None:
    """Let the first items have other scores, and one outside the corpus too."""
    change_store(lake, RESCORED, n=n_items, score=score)


def asked_to_train() -> list[dg.RunRequest]:
    return list(sensors.retrain_when_enough_changed(settings=Settings()).run_requests or ())


def test_retraining_waits_until_a_twentieth_of_the_corpus_has_changed(trained):
    rescore(trained, 4)
    assert asked_to_train() == []
    rescore(trained, 5)
    requests = {arm_and_seed(r.partition_key)[0]: r for r in asked_to_train()}
    assert set(requests) == {"llm", "ease_llm"}  # the floor reads no scores
    steps = {
        arm: r.run_config["ops"]["two_tower"]["config"]["steps"] for arm, r in requests.items()
    }
    assert steps == {"llm": 30, "ease_llm": None}
    job = build_definitions(Settings()).resolve_job_def("run_full_experiment")
    assert dg.validate_run_config(job, requests["llm"].run_config)


def test_the_same_run_is_asked_for_once(trained):
    rescore(trained, 50)
    keys = [request.run_key for request in asked_to_train()]
    assert keys == [request.run_key for request in asked_to_train()]
    assert len(set(keys)) == 2


def test_scores_that_return_to_what_they_were_ask_for_nothing(trained):
    rescore(trained, 50)
    assert len(asked_to_train()) == 2
    rescore(trained, 50, score=0.5)
    assert asked_to_train() == []


@pytest.mark.parametrize(("score", "asked"), [(0.25, 2), (0.5, 0)], ids=["others", "the same"])
def test_a_promoted_version_retrains_what_read_other_scores(trained, score, asked):
    change_store(trained, OTHER_VERSION, score=score)
    trained.remember(promoted="other@1")
    assert len(asked_to_train()) == asked


# -- batches -------------------------------------------------------------------------------------


def test_a_batch_is_handed_over_and_its_scores_arrive_when_it_is_collected(
    lake, instance, tmp_path, monkeypatch
):
    with OpenAIServer() as server:
        monkeypatch.setenv("RECFEAT_CATALOG", write_catalog(tmp_path))
        monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        monkeypatch.setenv("RECFEAT_LLM_BATCH", "1")
        driver = Driver(Settings(), instance, Reporter())
        driver.run(Plan(load_version(V1), [], [], until="extraction"), lambda *_: None)
        assert lake.read("scores", version=V1).is_empty()
        assert server.counts["chat"] == 0

        given = {"settings": Settings()}
        context = dg.build_sensor_context(instance=instance, resources=given)
        requests = list(sensors.collect_finished_batches(context))
        for request in requests:
            key = split_key(request.partition_key)
            driver.extract(load_version(key["version"]), [key["shard"]])
        assert lake.read("scores", version=V1)["item_id"].n_unique() == N_FILMS
        assert len(server.batches.batches) == 1
        assert lake.read("responses").height == N_FILMS * GROUPS

        [nothing] = sensors.collect_finished_batches(context)
        assert isinstance(nothing, dg.SkipReason)


def test_the_same_run_again_collects_a_batch_without_a_sensor(
    lake, instance, tmp_path, monkeypatch
):
    class Notes(Reporter):
        def __init__(self):
            self.notes = []

        def note(self, sentence):
            self.notes.append(sentence)

    monkeypatch.setenv("RECFEAT_CATALOG", write_catalog(tmp_path))
    monkeypatch.setenv("RECFEAT_LLM_BATCH", "1")
    with OpenAIServer() as server:
        monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        reporter = Notes()
        driver = Driver(Settings(), instance, reporter)
        driver.run(Plan(load_version(V1), [], [], until="extraction"), lambda *_: None)
        [note] = reporter.notes
        assert note.startswith(f"{N_FILMS * GROUPS} calls wait in batches")
        driver.extract(load_version(V1))
    assert lake.read("scores", version=V1)["item_id"].n_unique() == N_FILMS
    assert reporter.notes == [note]
