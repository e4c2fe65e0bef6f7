"""A real daemon on loopback servers: a new prompt version is extracted, a changed text followed.

Nothing is called by the test: it edits a prompt folder and a film, and watches what arrives. It
takes minutes, so it runs only when asked for: ``RECFEAT_TEST_DAEMON=1 pytest -k daemon -s``.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
import pytest

from recfeat_pipeline.defs.drive import Driver, Plan
from recfeat_pipeline.defs.instance import open_instance
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.store import open_store
from recfeat_pipeline_tests.integration.automation_world import GROUPS, write_films, write_version
from recfeat_pipeline_tests.servers.films import made_up_films
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer
from recfeat_pipeline_tests.servers.tmdb_server import KEY, TmdbServer
from recfeat_pipeline_tests.servers.wikimedia_server import WikimediaServer

pytestmark = pytest.mark.skipif(
    "RECFEAT_TEST_DAEMON" not in os.environ, reason="takes minutes: set RECFEAT_TEST_DAEMON=1"
)

N = 24
PATIENCE = 900.0  # seconds until a step counts as not happening


@contextmanager
def daemon(log: Path) -> Iterator[None]:
    """``dagster-daemon`` on the lake of the environment."""
    command = [str(Path(sys.executable).with_name("dagster-daemon")), "run"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "-m", "recfeat_pipeline.definitions"],
            stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            with suppress(ProcessLookupError):  # runs under way outlive the daemon
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(what: str, done: Callable[[], bool]) -> None:
    started = time.monotonic()
    while not done():
        assert time.monotonic() - started < PATIENCE, f"{what}: not within {PATIENCE:.0f} s"
        time.sleep(1)
    print(f"{what}: after {time.monotonic() - started:.0f} s", flush=True)


def scored(lake: Lake, version: str) -> dict[int, float]:
    """What the feature store holds of a version: film to the sum of its scores."""
    query = "SELECT item_id, sum(score) FROM features.item_features WHERE version = $v GROUP BY 1"
    try:
        with open_store(lake) as store:
            return dict(store.execute(query, {"v": version}).fetchall())
    except RecfeatError:  # being written
        return {}


def texts_in_store(lake: Lake) -> set[str]:
    with open_store(lake) as store:
        return set(store.sql("SELECT text FROM features.documents").pl()["text"])


def test_the_daemon_follows_a_new_version_and_a_changed_text(tmp_path, monkeypatch):
    films = made_up_films(N)
    with (
        TmdbServer(films) as tmdb,
        WikimediaServer(films) as wikimedia,
        OpenAIServer() as model,
    ):
        environment = {
            "RECFEAT_LAKE": str(tmp_path / "lake"),
            "DAGSTER_HOME": str(tmp_path / "home"),
            "RECFEAT_CATALOG": write_films(tmp_path, films),
            "RECFEAT_PROMPTS": str(tmp_path / "prompts"),
            "RECFEAT_LLM_BASE_URL": model.base_url,
            "TMDB_API_KEY": KEY,
            "RECFEAT_TMDB_BASE_URL": tmdb.url,
            "RECFEAT_WIKIPEDIA_BASE_URL": wikimedia.url,
            "RECFEAT_WIKIDATA_BASE_URL": f"{wikimedia.url}/wikidata",
            "RECFEAT_SPARQL_URL": f"{wikimedia.url}/sparql",
            "RECFEAT_WIKIMEDIA_RATE": "10",
            "RECFEAT_AUTOMATION": "1",
            "RECFEAT_PROMPT_STILL_MINUTES": "0",
            "RECFEAT_WATCH_SECONDS": "5",
            "RECFEAT_REFRESH_CRON": "* * * * *",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        (tmp_path / "prompts").mkdir()
        lake = Lake(tmp_path / "lake")
        built_in = load_version("genome132-v1")
        with open_instance(lake) as instance:
            plan = Plan(built_in, [], [], until="feature_store")
            driver = Driver(Settings(), instance, Reporter())
            driver.run(plan, lambda stage, _: print(stage, flush=True))
            with daemon(tmp_path / "daemon.log"):
                _new_version(tmp_path, lake, model)
                _quiet(instance)
                _changed_text(tmp_path, lake, instance, films, tmdb, model)


def _new_version(folder: Path, lake: Lake, model: OpenAIServer) -> None:
    model.counts.clear()
    write_version(folder / "prompts", "mine", "Be sparing.")
    own = load_version("mine", folder / "prompts")
    wait_for("a new version's scores are in the store", lambda: len(scored(lake, own.key)) == N)
    print("calls for it:", model.counts["chat"], flush=True)
    assert model.counts["chat"] == N * GROUPS


def _changed_text(folder, lake, instance, films, tmdb, model) -> None:
    before = texts_in_store(lake)
    model.counts.clear()
    model.answered.clear()
    tmdb.reset_counts()
    tmdb.change(films[4].tmdb_id, overview="Quite another film than it was.")
    wait_for(
        "the changed text's scores are in the store",
        lambda: model.counts["chat"] and any("Quite another" in t for t in texts_in_store(lake)),
    )
    _quiet(instance)
    print("calls for it:", model.counts["chat"], "TMDB:", dict(tmdb.counts), flush=True)
    assert len(texts_in_store(lake) - before) == 1
    assert model.counts["chat"] == 2 * GROUPS  # the built-in version and one's own
    assert len({document for document, _ in model.answered}) == 1
    # the feed speaks in days: what it named this minute it names again the next
    assert 1 <= tmdb.counts["movie"] <= tmdb.counts["changes"]


def _quiet(instance: dg.DagsterInstance, seconds: float = 45) -> None:
    """Wait until no run but the scheduled refreshes has begun for a while."""

    def last() -> float:
        records = instance.get_run_records(limit=30)
        others = [r for r in records if r.dagster_run.job_name != "refresh_text"]
        unfinished = any(not r.dagster_run.is_finished for r in others)
        return time.time() if unfinished else max(r.create_timestamp.timestamp() for r in others)

    wait_for("quiet", lambda: time.time() - last() > seconds)
