"""One Dagster asset per SQL model, one asset check per YAML test."""

from collections.abc import Iterator

import dagster as dg

from recfeat_pipeline import sql_models
from recfeat_pipeline.defs.automation import FOLLOW_IN_STORE, SWEPT_WEEKLY
from recfeat_pipeline.defs.resources import FeatureStoreResource, LakeResource
from recfeat_pipeline.sql_models import SqlModel

WRITTEN_AS = {"profiles": "scores"}  # a lake table that another table's asset writes


def sql_assets(group: str) -> list[dg.AssetsDefinition]:
    """The models of one group, ``feature_store`` or ``evaluation``, as assets."""
    models = sql_models.load_models()
    evaluation = sql_models.evaluation_models(models)
    chosen = (m for k, m in models.items() if (k in evaluation) == (group == "evaluation"))
    return [_asset(model, group) for model in chosen]


def asset_key(model_key: str) -> dg.AssetKey:
    """``features.genome`` -> ``features/genome``."""
    return dg.AssetKey(model_key.split("."))


def _asset(model: SqlModel, group: str) -> dg.AssetsDefinition:
    key = asset_key(model.key)
    deps = [asset_key(ref) for ref in model.refs]
    deps += [dg.AssetKey(["lake", WRITTEN_AS.get(name, name)]) for name in model.sources]
    columns = [dg.TableColumn(name, description=text) for name, text in model.columns.items()]

    @dg.asset(
        key=key,
        deps=deps,
        group_name=group,
        kinds={"duckdb", "sql"},
        pool="duckdb",
        automation_condition=FOLLOW_IN_STORE,
        freshness_policy=SWEPT_WEEKLY,
        owners=["team:recfeat"],
        description=f"{model.description}\n\n```sql\n{model.sql.strip()}\n```",
        code_version=sql_models.fingerprint(model),
        metadata={"dagster/column_schema": dg.TableSchema(columns=columns)},
        check_specs=[
            dg.AssetCheckSpec(
                test.name, asset=key, blocking=test.blocking, description=test.description
            )
            for test in model.tests
        ],
    )
    def build(lake: LakeResource, store: FeatureStoreResource) -> Iterator[object]:
        with store.get_connection(read_only=False) as connection:
            rows = sql_models.build(connection, model, lake.open())
            failed = {t.name: sql_models.failures(connection, model, t) for t in model.tests}
        yield dg.MaterializeResult(metadata={"dagster/row_count": rows})
        for test in model.tests:
            yield dg.AssetCheckResult(
                check_name=test.name,
                asset_key=key,
                passed=failed[test.name] == 0,
                severity=dg.AssetCheckSeverity.ERROR
                if test.blocking
                else dg.AssetCheckSeverity.WARN,
                metadata={"offending_rows": failed[test.name]},
            )

    return build
