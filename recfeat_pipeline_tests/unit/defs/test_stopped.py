"""Why an extraction ended early: said by `recfeat status` until it ends well."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recfeat_pipeline.cli import run_app
from recfeat_pipeline.commands.freshness import examine
from recfeat_pipeline.defs.extraction import stopped
from recfeat_pipeline.defs.extraction.version import extract_version
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction import load_version
from recfeat_pipeline.extraction.types import EndpointError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer
from recfeat_pipeline_tests.unit.extraction.cases import documents

V1 = load_version("genome132-v1")


@pytest.fixture
def lake(tmp_path, monkeypatch):
    lake = Lake(tmp_path / "lake")
    lake.remember(n_shards=1, name="little")
    lake.write("documents", documents(12), shard="00")
    monkeypatch.setenv("RECFEAT_LAKE", lake.root)
    return lake


def test_the_breakers_sentence_stays_in_status_until_the_answers_are_there(
    lake, monkeypatch, capsys
):
    bad = {"fault": "not_json"}
    with OpenAIServer(fault=lambda asked: bad.get("fault")) as server:
        monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        with pytest.raises(RecfeatError) as caught:
            extract_version(lake, V1.key, ["00"], Settings(), Reporter())
        sentence = str(caught.value)
        assert "of the last 30 calls got no valid answer" in sentence
        (version,) = examine(lake, Settings()).versions
        assert (version.state, version.detail) == ("failed", sentence)
        assert run_app(["status", "--exit-code"]) == 3
        assert sentence in capsys.readouterr().out
        bad.clear()
        monkeypatch.setenv("RECFEAT_LLM_RETRY_FAILED", "1")
        extract_version(lake, V1.key, ["00"], Settings(), Reporter())
    (version,) = examine(lake, Settings()).versions
    assert (version.state, version.detail) == ("fresh", "")


def test_a_budget_that_ended_it_is_named(lake, monkeypatch):
    with OpenAIServer() as server:
        monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        monkeypatch.setenv("RECFEAT_LLM_BUDGET_USD", "0.02")
        done = extract_version(lake, V1.key, ["00"], Settings(), Reporter())
    (version,) = examine(lake, Settings()).versions
    assert version.state == "interrupted"
    assert version.detail == done.stopped
    assert "The budget of $0.02 is reached" in version.detail


def test_a_refused_key_is_worth_another_try_when_it_is_another_or_some_time_has_passed(
    lake, monkeypatch
):
    clock = [datetime(2026, 11, 29, tzinfo=UTC)]
    monkeypatch.setattr(stopped, "_now", lambda: clock[0])
    refused = EndpointError("The endpoint refuses the API key.")

    def again() -> dict[str, list[str]]:
        return stopped.worth_another_try(lake, Settings())

    def wait(hours: float) -> None:
        clock[0] += timedelta(hours=hours)

    monkeypatch.setenv("RECFEAT_LLM_API_KEY", "sk-old")
    stopped.keep_reason(lake, V1.key, ["00"], refused, Settings())
    stopped.keep_reason(lake, V1.key, ["02"], refused, Settings())
    assert again() == {}
    monkeypatch.setenv("RECFEAT_LLM_API_KEY", "sk-new")
    assert again() == {V1.key: ["00", "02"]}, "of both runs"
    monkeypatch.setenv("RECFEAT_LLM_API_KEY", "sk-old")
    for hours in (1, 1, 2, 4, 8, 16, 24, 24):  # as long as it has been so, an hour to a day
        wait(hours - 0.1)
        assert again() == {}
        wait(0.1)
        assert again() == {V1.key: ["00", "02"]}
        stopped.keep_reason(lake, V1.key, ["00", "02"], refused, Settings())
    assert not any(b"sk-old" in path.read_bytes() for path in Path(lake.root).rglob("*.json"))
    wait(24)
    stopped.drop_reason(lake, V1.key, ["00"])
    assert again() == {V1.key: ["02"]}
    stopped.drop_reason(lake, V1.key, ["02"])
    assert again() == {}


def test_what_asking_again_would_buy_anew_is_left_to_who_reads_it(lake):
    """Answers that are worth nothing cost money each time; so does what a budget ended."""
    worthless = RecfeatError("30 of the last 30 calls got no valid answer.")
    stopped.keep_reason(lake, V1.key, ["00"], worthless, Settings())
    stopped.keep_reason(lake, "mine@0", ["00"], "The budget of $1 is reached.", Settings())
    assert stopped.worth_another_try(lake, Settings()) == {}


@pytest.mark.parametrize("name", ["user-profile-v1", "rerank-v1"])
def test_documents_are_not_bought_under_instructions_for_something_else(lake, name):
    """A collected batch of such a version once asked for its shards' items."""
    version = load_version(name)
    with pytest.raises(RecfeatError, match="asks nothing about items"):
        extract_version(lake, version.key, ["00"], Settings(), Reporter())
    assert not lake.has("responses")
