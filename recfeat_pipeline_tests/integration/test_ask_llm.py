"""Requests that an LLM answers, over the real client: bought once, and within budgets."""

import pytest

from recfeat_pipeline.ask.by_llm import VERSION, question, taste_of
from recfeat_pipeline.commands.llm import asker
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.validation import parse
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.serving.live import Live
from recfeat_pipeline.settings import Settings
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer
from recfeat_pipeline_tests.unit.ask.conftest import shelf  # noqa: F401


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path)
    lake.open()
    return lake


def settings_for(server, **more):
    return Settings().model_copy(update={"llm_base_url": server.base_url, **more})


def test_words_are_read_and_the_same_words_cost_nothing_again(lake, shelf):  # noqa: F811
    with OpenAIServer() as server:
        ask, model = asker(lake, settings_for(server), VERSION)
        for _ in range(2):
            [text] = ask(question(shelf, ["a scary heist"]))
        assert server.counts["chat"] == 1
    assert model == "gpt-4.1-mini"
    assert dict(taste_of(shelf, parse(text)).dimensions) == {"heist": 1.0, "scary": 1.0}


def test_the_budget_of_a_run_holds_over_all_that_is_asked(lake, shelf):  # noqa: F811
    with OpenAIServer() as server:
        ask, _ = asker(lake, settings_for(server, llm_budget_usd=0.01), VERSION)
        asked = [question(shelf, [f"a heist, number {number}"]) for number in range(50)]
        with pytest.raises(RecfeatError, match=r"budget of \$0.01 is reached"):
            list(map(ask, asked))
        assert 0 < server.counts["chat"] < 50


def test_a_server_that_fails_is_tried_once_and_asked_again_the_next_time(lake, shelf):  # noqa: F811
    failing = {"now": "500"}
    with OpenAIServer(fault=lambda asked: failing["now"]) as server:
        ask, _ = asker(lake, settings_for(server), VERSION)
        live = Live(ask, 20.0)
        asked = question(shelf, ["a heist"])
        assert live.answer(asked) is None
        assert server.counts["chat"] <= 2
        failing["now"] = None
        assert live.answer(asked)["dimensions"][0]["name"] == "heist"


def test_without_an_endpoint_it_says_what_to_set(lake):
    with pytest.raises(RecfeatError, match="OPENAI_API_KEY or RECFEAT_LLM_BASE_URL"):
        asker(lake, Settings(), VERSION)
