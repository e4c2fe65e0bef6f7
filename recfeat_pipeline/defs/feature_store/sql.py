"""One Dagster asset per SQL model; its YAML's tests as a check that blocks and one that warns."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import duckdb

from recfeat_pipeline import sql_models
from recfeat_pipeline.column_lineage import IN_LAKE, column_lineage
from recfeat_pipeline.defs.about import DOCS, ROOT, about, read_on
from recfeat_pipeline.defs.automation import FOLLOW_IN_STORE, SWEPT_WEEKLY
from recfeat_pipeline.defs.columns import store_columns
from recfeat_pipeline.defs.deployment import SETTINGS
from recfeat_pipeline.defs.resources import FeatureStoreResource, LakeResource
from recfeat_pipeline.defs.step_resources import step_tags
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.sql_models import SqlModel
from recfeat_pipeline.sql_tests import SqlTest

WRITTEN_AS = {
    "profiles": "scores",
    "generated": "scores",
    "dimensions": "scores",
    "identity": "documents",
    "left": "catalog_items",
}
"""Lake tables that another table's asset writes."""
CHECKS = {True: "rows_are_sound", False: "rows_are_as_expected"}
"""Names of checks, by whether they block what would be built on the table."""


def sql_assets(stage: str) -> list[dg.AssetsDefinition]:
    """The models of one stage, ``feature_store`` or ``evaluation``, as assets."""
    models = sql_models.load_models()
    evaluation = sql_models.evaluation_models(models)
    chosen = (m for k, m in models.items() if (k in evaluation) == (stage == "evaluation"))
    return [_asset(model, stage) for model in chosen]


def asset_key(model_key: str) -> dg.AssetKey:
    """``features.genome`` -> ``features/genome``."""
    return dg.AssetKey(model_key.split("."))


def checks_of(model: SqlModel) -> Iterator[tuple[dg.AssetCheckSpec, list[SqlTest]]]:
    """The model's checks, and the tests of each: what blocks is one, what warns another.

    A check for each of some 200 tests, with three events each, took a sixth of a small run.
    """
    for blocking, name in CHECKS.items():
        if tests := [test for test in model.tests if test.blocking == blocking]:
            sentences = "\n".join(f"- {sentence(test)}" for test in tests)
            yield (
                dg.AssetCheckSpec(
                    name, asset=asset_key(model.key), blocking=blocking, description=sentences
                ),
                tests,
            )


def sentence(test: SqlTest) -> str:
    """What a test asks, without SQL's quotes: ``item_id is never missing``."""
    return test.description.replace('"', "")


def _asset(model: SqlModel, stage: str) -> dg.AssetsDefinition:
    key = asset_key(model.key)
    deps = [asset_key(ref) for ref in model.refs]
    deps += [_asset_of(f"{IN_LAKE}.{name}") for name in model.sources]
    checks = list(checks_of(model))

    @dg.asset(
        key=key,
        deps=deps,
        kinds={"duckdb", "sql"},
        pool="duckdb",
        op_tags=step_tags(stage),
        automation_condition=FOLLOW_IN_STORE,
        freshness_policy=SWEPT_WEEKLY,
        description=f"{model.description}\n\n```sql\n{model.sql.strip()}\n```",
        code_version=sql_models.sql_hash(model),
        check_specs=[spec for spec, _ in checks],
        **{**about(stage), "metadata": _metadata(model, stage)},
    )
    def build(lake: LakeResource, store: FeatureStoreResource) -> Iterator[object]:
        with store.get_connection(read_only=False) as connection:
            rows = sql_models.build(connection, model, lake.open())
            broken = {test: sql_models.failures(connection, model, test) for test in model.tests}
            numbers = sql_models.numbers(connection, model)
            columns = store_columns(model, sql_models.column_types(connection, model))
            made_of = lineage(connection, model)
        found = {"dagster/row_count": rows, "dagster/column_schema": columns, **made_of, **numbers}
        yield dg.MaterializeResult(metadata=found)
        for spec, tests in checks:
            offending = {sentence(test): broken[test] for test in tests if broken[test]}
            severity = dg.AssetCheckSeverity
            yield dg.AssetCheckResult(
                check_name=spec.name,
                asset_key=key,
                passed=not offending,
                severity=severity.ERROR if spec.blocking else severity.WARN,
                metadata={f"rows against: {name}": rows for name, rows in offending.items()},
            )

    return build


def lineage(connection: duckdb.DuckDBPyConnection, model: SqlModel) -> dict[str, Any]:
    """Metadata that says what each column of a built table is computed from."""
    models = sql_models.load_models()
    columns = {key: sql_models.column_types(connection, models[key]) for key in model.refs}
    found = column_lineage(model, columns)
    deps = {
        name: [dg.TableColumnDep(_asset_of(table), column) for table, column in sorted(sources)]
        for name, sources in found.items()
    }
    return {"dagster/column_lineage": dg.TableColumnLineage(deps)} if deps else {}


def _asset_of(table: str) -> dg.AssetKey:
    """``lake.scores`` -> ``lake/scores``, the asset that writes a table."""
    schema, _, name = table.partition(".")
    return dg.AssetKey([schema, WRITTEN_AS.get(name, name) if schema == IN_LAKE else name])


def _metadata(model: SqlModel, stage: str) -> dict[str, Any]:
    sql = sql_models.FOLDER / model.schema / f"{model.table}.sql"
    return {
        "dagster/column_schema": store_columns(model, {}),
        "dagster/table_name": f"feature_store.{model.key}",
        "dagster/uri": str(Lake(SETTINGS.lake).feature_store),
        **read_on(sql, ROOT / "docs" / DOCS[stage]),
    }
