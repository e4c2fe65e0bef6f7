"""Ctrl-C and `kill` at any stage: exit code 130, a sentence, and the same command continues."""

import shutil
import signal

import pytest

from recfeat_pipeline.cli import run_app
from recfeat_pipeline.defs.instance import open_instance
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.integration.cli_process import Running
from recfeat_pipeline_tests.integration.cli_world import N_ITEMS, run, write_catalog
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer

N_CALLS = 6 * N_ITEMS
TRAIN = ("run", "--arms", "floor,llm", "--seeds", "0", "--steps", "200", "--until", "training")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Of a catalogue without a lake."""
    write_catalog(tmp_path)
    return use(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """A folder with a lake that has all that a training needs."""
    folder = tmp_path_factory.mktemp("scored")
    write_catalog(folder)
    with pytest.MonkeyPatch.context() as patch:
        use(folder, patch)
        assert run_app(["run", "--until", "feature_store"]) == 0
    return folder


@pytest.fixture
def ready(scored, tmp_path, monkeypatch):
    """A copy of it."""
    shutil.copytree(scored, tmp_path / "copy")
    return use(tmp_path / "copy", monkeypatch)


def use(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("RECFEAT_LAKE", str(folder / "lake"))
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "lake" / "dagster_home"))
    monkeypatch.setenv("RECFEAT_CATALOG", "little.toml")
    return folder


def check_said(code: int, said: str) -> None:
    assert code == 130
    assert "Interrupted. What is done is kept: the same command continues." in said
    assert "Traceback" not in said


def test_an_extraction_that_is_interrupted_pays_for_no_call_twice(folder, monkeypatch, capsys):
    command = ("run", "--until", "extraction")
    with OpenAIServer(latency=0.3) as server:
        monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        monkeypatch.setenv("RECFEAT_LLM_CONCURRENCY", "4")
        interrupted = Running(folder, *command)
        interrupted.wait_until(lambda: server.answered.total() >= 12)
        check_said(*interrupted.send(signal.SIGINT))
        answered = server.answered.total()
        assert answered < N_CALLS
        server.latency = 0
        assert run(capsys, *command).code == 0
        in_flight = 4  # at most, when the signal came
        assert server.counts["chat"] <= N_CALLS + in_flight
    scores = Lake(folder / "lake").read("scores")
    assert scores["item_id"].n_unique() == N_ITEMS
    assert scores.height == 132 * N_ITEMS


def test_workers_end_with_the_command_and_what_they_trained_is_continued(ready, capsys):
    lake = Lake(ready / "lake")
    interrupted = Running(ready, *TRAIN, "--workers", "2")
    checkpoint = "unfinished/runs/arm={}/seed=0/checkpoints/last.ckpt"
    interrupted.wait_until(
        lambda: all(lake.exists(checkpoint.format(arm)) for arm in ("floor", "llm"))
    )
    check_said(*interrupted.send(signal.SIGINT))
    with open_instance(lake) as instance:  # a process that lived on would hold its run's lock
        assert all(dagster_run.is_finished for dagster_run in instance.get_runs())
    assert run(capsys, *TRAIN, "--workers", "1").code == 0
    for arm in ("floor", "llm"):
        assert lake.read("ranks", arm=arm, seed="0").height


def test_a_training_that_is_stopped_is_finished_by_the_same_command(ready, capsys):
    lake = Lake(ready / "lake")
    stopped = Running(ready, *TRAIN)
    stopped.wait_until(lambda: lake.exists("unfinished/runs/arm=floor/seed=0/started_from.json"))
    check_said(*stopped.send(signal.SIGTERM))
    assert not lake.exists("runs/arm=llm/seed=0/made_from.json")
    assert run(capsys, *TRAIN).code == 0
    assert lake.exists("runs/arm=llm/seed=0/made_from.json")
