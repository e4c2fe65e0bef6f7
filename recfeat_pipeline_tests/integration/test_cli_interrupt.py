"""Ctrl-C and `kill` at any stage: exit code 130, a sentence, and the same command continues."""

import signal

import pytest

from recfeat_pipeline.defs.instance import open_instance
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.integration.cli_process import Running, finish
from recfeat_pipeline_tests.integration.cli_world import N_ITEMS, write_catalog
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer

N_CALLS = 6 * N_ITEMS


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_catalog(tmp_path)
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("RECFEAT_CATALOG", "little.toml")
    return tmp_path


def check_said(code: int, said: str) -> None:
    assert code == 130
    assert "Interrupted. What is done is kept: the same command continues." in said
    assert "Traceback" not in said


def test_an_extraction_that_is_interrupted_pays_for_no_call_twice(folder, monkeypatch):
    command = ("run", "--until", "extraction")
    with OpenAIServer(latency=0.3) as server:
        monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        monkeypatch.setenv("RECFEAT_LLM_CONCURRENCY", "4")
        run = Running(folder, *command)
        run.wait_until(lambda: server.answered.total() >= 12)
        check_said(*run.send(signal.SIGINT))
        answered = server.answered.total()
        assert answered < N_CALLS
        server.latency = 0
        finish(folder, *command)
        in_flight = 4  # at most, when the signal came
        assert server.counts["chat"] <= N_CALLS + in_flight
    scores = Lake(folder / "lake").read("scores")
    assert scores["item_id"].n_unique() == N_ITEMS
    assert scores.height == 132 * N_ITEMS


def test_workers_end_with_the_command_and_what_they_trained_is_continued(folder):
    command = (
        "run", "--arms", "floor,llm", "--seeds", "0", "--steps", "200", "--workers", "2",
        "--until", "training",
    )  # fmt: skip
    lake = Lake(folder / "lake")
    run = Running(folder, *command)
    checkpoint = "unfinished/runs/arm={}/seed=0/checkpoints/last.ckpt"
    run.wait_until(lambda: all(lake.exists(checkpoint.format(arm)) for arm in ("floor", "llm")))
    check_said(*run.send(signal.SIGINT))
    with open_instance(lake) as instance:  # a process that lived on would hold its run's lock
        assert all(dagster_run.is_finished for dagster_run in instance.get_runs())
    finish(folder, *command)
    for arm in ("floor", "llm"):
        assert lake.read("ranks", arm=arm, seed="0").height


def test_a_training_that_is_stopped_is_finished_by_the_same_command(folder):
    command = ("run", "--arms", "floor,llm", "--seeds", "0", "--steps", "200")
    lake = Lake(folder / "lake")
    run = Running(folder, *command)
    run.wait_until(lambda: lake.exists("unfinished/runs/arm=floor/seed=0/started_from.json"))
    check_said(*run.send(signal.SIGTERM))
    assert not lake.exists("runs/arm=llm/seed=0/made_from.json")
    out = finish(folder, *command)
    assert "\nllm" in out
    assert lake.exists("report/report.html")
