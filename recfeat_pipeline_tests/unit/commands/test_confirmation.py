"""Before an extraction: what it will cost, and on a terminal a question when it is much."""

import polars as pl
import pytest

from recfeat_pipeline.commands import driving
from recfeat_pipeline.commands.driving import announce_cost
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.documents import build_documents

VERSION = load_version("genome132-v1")


@pytest.fixture
def lake(tmp_path, monkeypatch):
    """Two documents in two shards, and an endpoint that nobody asks."""
    monkeypatch.setenv("RECFEAT_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    items = pl.DataFrame({"item_id": [1, 2], "title": ["Alien (1979)", "Heat (1995)"]})
    schema = {"item_id": pl.Int64, "source": pl.String, "label": pl.String,
              "position": pl.Int32, "text": pl.String}  # fmt: skip
    documents = build_documents(items, pl.DataFrame(schema=schema))
    lake = Lake(tmp_path)
    for shard, item_id in (("00", 1), ("01", 2)):
        lake.write("documents", documents.filter(pl.col("item_id") == item_id), shard=shard)
    return lake


@pytest.fixture
def asked(monkeypatch):
    """A user at a terminal who says no; the questions they were asked."""
    questions = []
    monkeypatch.setattr(driving, "_is_terminal", lambda: True)
    monkeypatch.setattr(driving.typer, "confirm", lambda q, **_: questions.append(q))
    return questions


def test_calls_cost_and_time_are_said(lake, capsys):
    announce_cost(lake, VERSION, Settings(), confirmed=False)
    said = capsys.readouterr().err
    assert "12 calls for 2 items: about $0.0" in said
    assert "gpt-4.1-mini's price of 20" in said
    announce_cost(lake, VERSION, Settings(), confirmed=False, shards=["01"])
    assert "6 calls for 1 item:" in capsys.readouterr().err


def test_a_small_sum_is_not_asked_about(lake, asked):
    announce_cost(lake, VERSION, Settings(), confirmed=False)
    assert asked == []


def test_a_no_to_a_large_sum_sends_nothing(lake, asked, monkeypatch):
    monkeypatch.setattr(driving, "CONFIRM_ABOVE_USD", 0.0)
    with pytest.raises(RecfeatError, match="nothing was sent"):
        announce_cost(lake, VERSION, Settings(), confirmed=False)
    assert asked == ["Go on?"]


def test_yes_and_scripts_are_not_asked(lake, asked, monkeypatch):
    monkeypatch.setattr(driving, "CONFIRM_ABOVE_USD", 0.0)
    announce_cost(lake, VERSION, Settings(), confirmed=True)
    monkeypatch.setattr(driving, "_is_terminal", lambda: False)
    announce_cost(lake, VERSION, Settings(), confirmed=False)
    assert asked == []


def test_a_model_without_price_is_said(lake, monkeypatch, capsys):
    monkeypatch.setenv("RECFEAT_LLM_MODEL", "house-model")
    announce_cost(lake, VERSION, Settings(), confirmed=False)
    assert "no price is known for house-model" in capsys.readouterr().err


def test_without_an_endpoint_it_says_that_no_llm_answers(lake, monkeypatch, capsys):
    monkeypatch.delenv("RECFEAT_LLM_BASE_URL")
    announce_cost(lake, VERSION, Settings(), confirmed=False)
    assert "(no LLM)" in capsys.readouterr().err


def test_an_option_overrides_a_setting(monkeypatch):
    monkeypatch.setenv("RECFEAT_CATALOG", "before.toml")
    changed = Settings().but(catalog="now.toml", llm_budget_usd=3, workers=None)
    assert (changed.catalog, changed.llm_budget_usd) == ("now.toml", 3)
    assert changed.workers == Settings().workers
