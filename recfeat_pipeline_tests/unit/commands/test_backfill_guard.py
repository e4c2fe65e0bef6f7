"""`recfeat backfill` does not buy films' dimensions for something else."""

from types import SimpleNamespace

import polars as pl
import pytest

from recfeat_pipeline.commands import driving
from recfeat_pipeline.commands.backfill import backfill
from recfeat_pipeline.commands.invocation import Invocation
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import FIELDS, ITEMS
from recfeat_pipeline.text.documents import build_documents


class Reached(Exception):
    """The extraction would begin."""


def context() -> SimpleNamespace:
    return SimpleNamespace(obj=Invocation([]))


@pytest.fixture
def gifts(tmp_path, monkeypatch):
    """A lake of gift cards, and an endpoint that nobody asks."""
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path))
    monkeypatch.setenv("RECFEAT_LLM_BASE_URL", "http://127.0.0.1:9/v1")

    def begin(settings):
        raise Reached

    monkeypatch.setattr(driving, "open_driver", begin)
    items = pl.DataFrame({"item_id": [1, 2], "title": ["Petco Gift Card", "Diner Gift Card"]})
    items = items.with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in ITEMS.items() if name not in items
    )
    rows = [(i, "catalog", "Description", 1, "A gift card of 25 USD") for i in (1, 2)]
    fields = pl.DataFrame(rows, schema=FIELDS, orient="row")
    lake = Lake(tmp_path)
    lake.open()
    lake.write("items", items.select(*ITEMS))
    lake.write("fields", fields)
    lake.write("documents", build_documents(items, fields), shard="00")
    return lake


@pytest.mark.parametrize("version", ["genome132-v1", "genome132-v1+title-only"])
def test_films_dimensions_are_refused_and_a_yes_buys_them(gifts, version, capsys):
    with pytest.raises(RecfeatError) as error:
        backfill(context(), version)
    for said in ("Nothing was sent", "holds products", "products-starter", "`--yes` scores them"):
        assert said in str(error.value)
    with pytest.raises(Reached):
        backfill(context(), version, yes=True)
    assert "scores films" in capsys.readouterr().err


def test_a_version_of_the_items_kind_goes_through(gifts, capsys):
    with pytest.raises(Reached):
        backfill(context(), "products-starter")
    assert "scores films" not in capsys.readouterr().err


def test_the_lexical_extractor_costs_nothing(gifts, monkeypatch):
    monkeypatch.delenv("RECFEAT_LLM_BASE_URL")
    with pytest.raises(Reached):
        backfill(context(), "genome132-v1")
