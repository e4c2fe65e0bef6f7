"""Evaluation: metric tables over the ranks, and the report."""

import dagster as dg

from recfeat_pipeline.defs.automation import FOLLOW_IN_STORE
from recfeat_pipeline.defs.evaluation.provenance import collect_provenance
from recfeat_pipeline.defs.events import frame_hash
from recfeat_pipeline.defs.feature_store.sql import sql_assets
from recfeat_pipeline.defs.resources import FeatureStoreResource, LakeResource
from recfeat_pipeline.models.arms import load_arms

metrics = sql_assets("evaluation")


@dg.asset(
    key=["lake", "contrasts"],
    deps=[["metrics", "ranks"], ["metrics", "slices"]],
    group_name="evaluation",
    kinds={"numpy", "parquet"},
    owners=["team:recfeat"],
    automation_condition=FOLLOW_IN_STORE,
)
def contrasts(lake: LakeResource, store: FeatureStoreResource) -> dg.MaterializeResult:
    """What each pair of arms differs by, with intervals that take users and seeds as units.

    One row per arm, reference, slice and metric; an arm's file says what it is held against.
    """
    from recfeat_pipeline.evaluation.contrasts import contrast_arms

    pairs = [(arm.id, other) for arm in load_arms().values() for other in arm.against]
    with store.get_connection() as connection:
        ranks = connection.sql("SELECT arm, seed, example_id, user_id, rank FROM metrics.ranks")
        slices = connection.sql("SELECT example_id, slice FROM metrics.slices")
        frame = contrast_arms(ranks.pl(), slices.pl(), pairs)
    lake.open().write_parquet("evaluation/contrasts.parquet", frame)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": frame.height},
        data_version=dg.DataVersion(frame_hash(frame)),
    )


@dg.asset(
    deps=[*(key for asset in metrics for key in asset.keys), ["ops", "llm_calls"]],
    group_name="evaluation",
    kinds={"html", "matplotlib"},
    owners=["team:recfeat"],
    automation_condition=FOLLOW_IN_STORE,
)
def report(lake: LakeResource, store: FeatureStoreResource) -> dg.MaterializeResult:
    """One self-contained HTML file that says whether LLM features are worth it here."""
    from recfeat_pipeline.report.figures import key_figures
    from recfeat_pipeline.report.html import write_report

    target = lake.open()
    with store.get_connection() as connection:
        provenance = collect_provenance(target, connection)
        html = write_report(connection, provenance)
        figures = key_figures(connection, provenance)
    target.write_bytes("report/report.html", html.encode())
    images = {figure.title: dg.MetadataValue.md(figure.to_markdown_image()) for figure in figures}
    path = dg.MetadataValue.path(target.path("report", "report.html"))
    return dg.MaterializeResult(metadata={"report": path, **images})


assets = [*metrics, contrasts, report]
