import duckdb
import polars as pl
import pytest

from recfeat_pipeline import sql_models
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import TAGS


@pytest.fixture
def project(tmp_path):
    """A folder of models; call it with {"schema/table.sql": text}."""

    def write(files):
        for name, text in files.items():
            path = tmp_path / "sql" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return sql_models.read_models(tmp_path / "sql")

    return write


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path / "lake's")  # a quote in the path must be escaped
    tags = {"item_id": [1, 1, 2], "tag": ["Noir ", "noir", None], "relevance": [0.2, 0.9, 0.5]}
    lake.write("tags", pl.DataFrame(tags, schema=TAGS))
    return lake


def build(models, lake):
    connection = duckdb.connect()
    rows = {key: sql_models.build(connection, model, lake) for key, model in models.items()}
    return connection, rows


def test_models_are_built_in_the_order_of_their_refs(project, lake):
    models = project(
        {
            "a/last.sql": "SELECT count(*) AS n FROM {{ ref('b.first') }}",
            "b/first.sql": "SELECT * FROM {{ source('lake', 'tags') }};",
        }
    )
    assert list(models) == ["b.first", "a.last"]
    connection, rows = build(models, lake)
    assert rows == {"b.first": 3, "a.last": 1}
    assert connection.execute("SELECT n FROM a.last").fetchone() == (3,)


def test_a_view_stores_nothing_twice_and_takes_the_place_of_a_table(project, lake):
    files = {
        "a/renamed.sql": "SELECT tag AS word FROM {{ ref('b.first') }}",
        "b/first.sql": "SELECT * FROM {{ source('lake', 'tags') }}",
    }
    connection, _ = build(project(files), lake)
    for text, kind in (("view: true", "VIEW"), ("view: false", "BASE TABLE")):
        models = project(files | {"a/renamed.yml": text})
        assert [sql_models.build(connection, model, lake) for model in models.values()] == [3, 3]
        query = "SELECT table_type FROM information_schema.tables WHERE table_name = 'renamed'"
        assert connection.execute(query).fetchall() == [(kind,)]
    lake.write("tags", lake.read("tags").head(1))
    models = project(files | {"a/renamed.yml": "view: true"})
    assert [sql_models.build(connection, model, lake) for model in models.values()] == [1, 1]


def test_an_absent_source_is_an_empty_relation_of_the_right_types(project, tmp_path):
    models = project({"a/t.sql": "SELECT * FROM {{ source('lake', 'scores') }}"})
    connection, rows = build(models, Lake(tmp_path / "empty"))
    assert rows == {"a.t": 0}
    types = dict(
        connection.execute("SELECT column_name, column_type FROM (DESCRIBE a.t)").fetchall()
    )
    assert types["score"] == "FLOAT"
    assert types["version"] == "VARCHAR"


YAML = """
description: Tags.
tests:
  - unique: [item_id]
  - not_empty
columns:
  - name: tag
    description: The tag.
    tests: [not_null, {accepted_values: {values: ["noir", "Noir "], severity: warn}}]
  - name: relevance
    tests: [{range: {min: 0.3, max: 1}}]
  - name: item_id
    tests: [{relationships: {to: a.t, field: item_id}}]
"""


def test_yaml_tests_count_the_rows_that_break_them(project, lake):
    models = project({"a/t.sql": "SELECT * FROM {{ source('lake', 'tags') }}", "a/t.yml": YAML})
    connection, _ = build(models, lake)
    model = models["a.t"]
    failed = {test.name: sql_models.failures(connection, model, test) for test in model.tests}
    assert failed == {
        "unique": 1,
        "not_empty": 0,
        "not_null_tag": 1,
        "accepted_values_tag": 0,
        "range_relevance": 1,
        "relationships_item_id": 0,
    }
    assert [test.name for test in model.tests if not test.blocking] == ["accepted_values_tag"]
    assert model.columns["tag"] == "The tag."


def test_a_row_belongs_to_another_tables_row_by_all_columns_together(project, lake):
    """(1, y) is no row of the other table, though 1 and y both stand in it."""
    models = project(
        {
            "a/t.sql": "SELECT * FROM (VALUES (1, 'x'), (2, 'y')) AS t(version, dimension)",
            "a/u.sql": "SELECT * FROM (VALUES (1, 'x'), (1, 'y')) AS t(version, dimension)",
            "a/u.yml": "tests: [relationships: {columns: [version, dimension], to: a.t}]",
        }
    )
    connection, _ = build(models, lake)
    [test] = models["a.u"].tests
    assert sql_models.failures(connection, models["a.u"], test) == 1


def test_a_failing_build_keeps_the_old_table(project, lake):
    good = project({"a/t.sql": "SELECT 1 AS x"})["a.t"]
    connection, _ = build({"a.t": good}, lake)
    bad = project({"a/t.sql": "SELECT 1 / missing"})["a.t"]
    with pytest.raises(RecfeatError, match=r"dbt_like_sql/a/t\.sql: Binder Error"):
        sql_models.build(connection, bad, lake)
    assert connection.execute("FROM a.t").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a/t.sql": "FROM {{ ref('a.u') }}"}, "no model 'a.u'"),
        ({"a/t.sql": "FROM {{ source('lake', 'nope') }}"}, r"no source lake\.nope"),
        (
            {"a/t.sql": "FROM {{ ref('a.u') }}", "a/u.sql": "FROM {{ ref('a.t') }}"},
            "refer in a circle",
        ),
        ({}, "holds no SQL models: recfeat_pipeline is not installed whole"),
        ({"a/u.sql": "SELECT 1", "a/t.yml": "{}"}, r"describes 'a\.t'; no such \.sql file"),
        ({"a/t.sql": "SELECT 1", "a/t.yml": "[x]"}, r"t\.yml does not describe a model"),
        (
            {"a/t.sql": "SELECT 1", "a/t.yml": "tests: [uniq]"},
            "unknown test 'uniq'",
        ),
    ],
)
def test_mistakes_are_named(project, files, message):
    with pytest.raises(RecfeatError, match=message):
        project(files)


def test_the_projects_own_models_are_described_and_tested():
    for key, model in sql_models.load_models().items():
        assert model.description, f"{key} has no description"
        assert model.tests, f"{key} has no test"
        assert all(model.columns.values()), f"{key} has a column without a description"


def test_a_lake_on_an_object_store_is_read_through_its_own_credentials(project):
    """``memory://`` stands for ``s3://``: both are fsspec's, and neither is DuckDB's."""
    lake = Lake("memory://test-sql-models/lake")
    lake.write("tags", pl.DataFrame({"item_id": [7], "tag": ["noir"], "relevance": [0.5]}, TAGS))
    models = project({"a/t.sql": "SELECT * FROM {{ source('lake', 'tags') }}"})
    for _ in range(2):  # the second finds the file system registered
        connection, rows = build(models, lake)
        assert rows == {"a.t": 1}
    assert connection.execute("SELECT item_id, tag FROM a.t").fetchall() == [(7, "noir")]
    sql_models.build(connection, models["a.t"], lake)
