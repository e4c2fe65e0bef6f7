"""An asset per SQL model; its YAML's tests as a check that blocks and one that warns."""

import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack
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
TURN = 1.0
"""Seconds after which a build lets others open the store, between two tables."""
CHECKS = {True: "rows_are_sound", False: "rows_are_as_expected"}
"""Names of checks, by whether they block what would be built on the table."""


def sql_assets(stage: str) -> dg.AssetsDefinition:
    """The models of one stage, ``feature_store`` or ``evaluation``, as assets of one step.

    Any of them can be built alone, and Dagster cuts the step where another asset stands between. A
    step each would cost more than the SQL does: an executor of processes starts Python for each.
    """
    models = sql_models.load_models()
    evaluation = sql_models.evaluation_models(models)
    chosen = [m for k, m in models.items() if (k in evaluation) == (stage == "evaluation")]

    @dg.multi_asset(
        name=f"{stage}_tables",
        specs=[_spec(model, stage) for model in chosen],
        check_specs=[spec for model in chosen for spec, _ in checks_of(model)],
        can_subset=True,
        pool="duckdb",
        op_tags=step_tags(stage),
    )
    def build(
        context: dg.AssetExecutionContext, lake: LakeResource, store: FeatureStoreResource
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        unsound, opened = set[str](), -TURN
        with ExitStack() as turn:
            for model in chosen:  # in order: each after what it refers to
                if time.monotonic() - opened > TURN:
                    turn.close()
                    connection = turn.enter_context(store.get_connection(read_only=False))
                    opened = time.monotonic()
                if unsound & set(model.refs):
                    unsound.add(model.key)
                    continue
                if asset_key(model.key) in context.selected_asset_keys:
                    yield _materialize(connection, model, lake.open())
                for result in _checked(connection, model, context.selected_asset_check_keys):
                    yield result
                    if not result.passed and result.severity == dg.AssetCheckSeverity.ERROR:
                        unsound.add(model.key)

    return build


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


def _spec(model: SqlModel, stage: str) -> dg.AssetSpec:
    deps = [asset_key(ref) for ref in model.refs]
    deps += [_asset_of(f"{IN_LAKE}.{name}") for name in model.sources]
    return dg.AssetSpec(
        asset_key(model.key),
        deps=deps,
        kinds={"duckdb", "sql"},
        skippable=True,  # what would be built on a table that failed a check
        automation_condition=FOLLOW_IN_STORE,
        freshness_policy=SWEPT_WEEKLY,
        description=f"{model.description}\n\n```sql\n{model.sql.strip()}\n```",
        code_version=sql_models.sql_hash(model),
        **{**about(stage), "metadata": _metadata(model, stage)},
    )


def _materialize(
    connection: duckdb.DuckDBPyConnection, model: SqlModel, lake: Lake
) -> dg.MaterializeResult:
    found: dict[str, Any] = {
        "dagster/row_count": sql_models.build(connection, model, lake),
        "dagster/column_schema": store_columns(model, sql_models.column_types(connection, model)),
        **sql_models.numbers(connection, model),
        **lineage(connection, model),
    }
    return dg.MaterializeResult(asset_key=asset_key(model.key), metadata=found)


def _checked(
    connection: duckdb.DuckDBPyConnection, model: SqlModel, selected: Collection[dg.AssetCheckKey]
) -> Iterator[dg.AssetCheckResult]:
    for spec, tests in checks_of(model):
        if spec.key not in selected:
            continue
        against = ((test, sql_models.failures(connection, model, test)) for test in tests)
        offending = {f"rows against: {sentence(test)}": rows for test, rows in against if rows}
        severity = dg.AssetCheckSeverity
        yield dg.AssetCheckResult(
            check_name=spec.name,
            asset_key=spec.asset_key,
            passed=not offending,
            severity=severity.ERROR if spec.blocking else severity.WARN,
            metadata=offending,
        )


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
