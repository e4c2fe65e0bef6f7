"""Ctrl-C and `kill`: exit code 130, a sentence, and the same command continues.

While several processes train: see ``test_workers.py``.
"""

import signal

import pytest

from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.integration.cli_process import Running, check_interrupted
from recfeat_pipeline_tests.integration.cli_world import N_ITEMS, run, write_catalog
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer

N_CALLS = 6 * N_ITEMS
TRAIN = ("run", "--arms", "floor,llm", "--seeds", "0", "--steps", "100", "--until", "training")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Of a catalogue without a lake."""
    write_catalog(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "lake" / "dagster_home"))
    monkeypatch.setenv("RECFEAT_CATALOG", "little.toml")
    return tmp_path


def test_an_extraction_that_is_interrupted_pays_for_no_call_twice(folder, monkeypatch, capsys):
    command = ("run", "--until", "extraction")
    with OpenAIServer(latency=0.3) as server:
        monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        monkeypatch.setenv("RECFEAT_LLM_CONCURRENCY", "4")
        interrupted = Running(folder, *command)
        interrupted.wait_until(lambda: server.answered.total() >= 12)
        check_interrupted(*interrupted.send(signal.SIGINT))
        answered = server.answered.total()
        assert answered < N_CALLS
        server.latency = 0
        assert run(capsys, *command).code == 0
        in_flight = 4  # at most, when the signal came
        assert server.counts["chat"] <= N_CALLS + in_flight
    scores = Lake(folder / "lake").read("scores")
    assert scores["item_id"].n_unique() == N_ITEMS
    assert scores.height == 132 * N_ITEMS


def test_a_training_that_is_stopped_is_finished_by_the_same_command(folder, capsys):
    lake = Lake(folder / "lake")
    stopped = Running(folder, *TRAIN)
    stopped.wait_until(lambda: lake.exists("unfinished/runs/arm=floor/seed=0/started_from.json"))
    check_interrupted(*stopped.send(signal.SIGTERM))
    assert not lake.exists("runs/arm=llm/seed=0/made_from.json")
    assert run(capsys, *TRAIN).code == 0
    assert lake.exists("runs/arm=llm/seed=0/made_from.json")
