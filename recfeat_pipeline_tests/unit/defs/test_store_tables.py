"""The tables of the store as assets of one step: what a broken one stops, and what it does not."""

import dagster as dg
import pytest

from recfeat_pipeline import sql_models
from recfeat_pipeline.defs.feature_store.sql import asset_key, sql_assets
from recfeat_pipeline.defs.resources import resources
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.store import open_store

BROKEN = "staging.tags"


@pytest.fixture(scope="module")
def tables():
    return sql_assets("feature_store")


@pytest.fixture
def build(tables, tmp_path):
    """Build tables (all, or those of some keys) of a lake without rows."""

    def run(*keys: str) -> tuple[set[str], bool]:
        settings = Settings(lake=str(tmp_path / "lake"))
        result = dg.materialize(
            [tables],
            selection=[asset_key(key) for key in keys] or None,
            resources=resources(settings),
            raise_on_error=False,
        )
        built = {e.asset_key for e in result.get_asset_materialization_events()}
        return {".".join(key.path) for key in built if key}, result.success

    return run


@pytest.fixture
def broken(monkeypatch):
    """Rows of one table break every test of it that blocks."""
    count = sql_models.failures
    monkeypatch.setattr(
        sql_models,
        "failures",
        lambda connection, model, test: (
            3 if model.key == BROKEN and test.blocking else count(connection, model, test)
        ),
    )


def following(key: str) -> set[str]:
    found = {key}
    for name, model in sql_models.load_models().items():
        if found & set(model.refs):
            found.add(name)
    return found


def test_nothing_is_built_on_a_table_that_failed_and_all_else_is(build, broken):
    built, succeeded = build()
    assert not succeeded
    models = sql_models.load_models()
    late = following(BROKEN) - {BROKEN}
    assert len(late) > 1
    assert built == models.keys() - sql_models.evaluation_models(models) - late


def test_a_table_is_built_alone(build, tmp_path):
    assert build("staging.tags") == ({"staging.tags"}, True)
    with open_store(Lake(tmp_path / "lake")) as connection:
        tables = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
    assert {"tags", "responses"} & {name for (name,) in tables} == {"tags"}
