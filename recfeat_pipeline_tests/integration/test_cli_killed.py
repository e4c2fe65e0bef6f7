"""``kill -9``: the same command goes on, buys nothing again, and waits for nobody dead."""

import signal
import time

import pytest

from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.integration.cli_process import Running
from recfeat_pipeline_tests.integration.cli_world import N_ITEMS, run, write_catalog
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer

N_CALLS, IN_FLIGHT = 6 * N_ITEMS, 4
NEVER = 600.0  # seconds until an answer: this run goes on until it is killed
EXTRACT = ("run", "--until", "extraction")


@pytest.fixture
def lake(tmp_path, monkeypatch):
    write_catalog(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("RECFEAT_CATALOG", "little.toml")
    monkeypatch.setenv("RECFEAT_LLM_CONCURRENCY", str(IN_FLIGHT))
    return Lake(tmp_path / "lake")


@pytest.fixture
def server(monkeypatch):
    with OpenAIServer(latency=0.05) as server:
        monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        yield server


def test_nobody_waits_for_the_dead_and_whoever_waits_says_so(lake, server, tmp_path, capsys):
    """One holds the pool; one waits for it and is interrupted, one waits and is killed."""
    first = Running(tmp_path, *EXTRACT)
    first.wait_until(lambda: server.answered.total() >= 12)
    server.latency = NEVER
    second, third = [Running(tmp_path, *EXTRACT, log=f"{name}.txt") for name in ("second", "third")]
    for one in (second, third):
        one.wait_until(lambda one=one: "Waiting for the pool 'llm'" in one.said)
        assert f"process {first.process.pid} (recfeat run)" in one.said
    before = time.monotonic()
    code, said = second.send(signal.SIGINT)
    assert time.monotonic() - before < 20, "a busy machine's moment, not a minute"
    assert code == 130
    assert "the same command continues" in said
    for one in (third, first):
        assert one.process.poll() is None
        assert one.send(signal.SIGKILL)[0] == -signal.SIGKILL
    assert server.answered.total() < N_CALLS
    server.latency = 0
    assert run(capsys, *EXTRACT).code == 0
    assert server.counts["chat"] <= N_CALLS + IN_FLIGHT
    scores = lake.read("scores")
    assert scores["item_id"].n_unique() == N_ITEMS
    assert scores.height == 132 * N_ITEMS
