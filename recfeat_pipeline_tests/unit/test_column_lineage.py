"""What a column of the feature store is computed from."""

import duckdb
import pytest

from recfeat_pipeline import sql_models
from recfeat_pipeline.column_lineage import column_lineage
from recfeat_pipeline.lake import Lake

pytest.importorskip("sqlglot")


@pytest.fixture(scope="module")
def lineage(tmp_path_factory):
    """By model, its columns' sources, as built from an empty lake."""
    models = sql_models.load_models()
    with duckdb.connect() as store:
        sql_models.build_all(store, Lake(tmp_path_factory.mktemp("lake")))
        columns = {key: sql_models.column_types(store, models[key]) for key in models}
    found = {key: column_lineage(model, columns) for key, model in models.items()}
    return found, columns


def test_a_column_names_the_columns_it_is_made_of(lineage):
    found, _ = lineage
    assert found["features.item_features"]["score"] == {("lake.scores", "score")}
    assert found["features.item_features"]["version"] == {("lake.scores", "version")}
    assert found["features.genome"]["tag"] == {("staging.tags", "tag")}
    assert found["staging.tags"]["relevance"] == {("lake.tags", "relevance")}
    assert ("lake.runs", "label") in found["ops.runs"]["label"]


def test_sources_are_columns_that_exist(lineage):
    found, columns = lineage
    for key, of_model in found.items():
        assert of_model.keys() <= columns[key].keys()
        for sources in of_model.values():
            for table, column in sources:
                known = columns.get(table)
                assert known is None or column in known, f"{key}: no {table}.{column}"


def test_hardly_a_table_is_without(lineage):
    found, columns = lineage
    pivoted = {"metrics.ranking", "metrics.agreement", "metrics.cold_start"}
    for key in columns.keys() - pivoted:
        assert len(found[key]) >= len(columns[key]) - 1, key
