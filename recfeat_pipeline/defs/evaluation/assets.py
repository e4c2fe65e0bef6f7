"""Evaluation: metric tables over the ranks, and the report."""

import dagster as dg

from recfeat_pipeline.defs.evaluation.provenance import collect_provenance
from recfeat_pipeline.defs.feature_store.sql import sql_assets
from recfeat_pipeline.defs.resources import FeatureStoreResource, LakeResource

metrics = sql_assets({"metrics"}, group="evaluation")


@dg.asset(
    deps=[key for asset in metrics for key in asset.keys] + [["ops", "llm_calls"], ["ops", "runs"]],
    group_name="evaluation",
    kinds={"html", "matplotlib"},
    owners=["team:recfeat"],
)
def report(lake: LakeResource, store: FeatureStoreResource) -> dg.MaterializeResult:
    """One self-contained HTML file that says whether LLM features are worth it here."""
    from recfeat_pipeline.report.figures import key_figures
    from recfeat_pipeline.report.html import write_report

    target = lake.open()
    with store.get_connection() as connection:
        html = write_report(connection, collect_provenance(target, connection))
        figures = key_figures(connection)
    target.write_bytes("report/report.html", html.encode())
    images = {figure.title: dg.MetadataValue.md(figure.to_markdown_image()) for figure in figures}
    path = dg.MetadataValue.path(target.path("report", "report.html"))
    return dg.MaterializeResult(metadata={"report": path, **images})


assets = [*metrics, report]
