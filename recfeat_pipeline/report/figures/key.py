"""The few figures that Dagster shows with the report."""

from typing import Any

import duckdb
import polars as pl

from recfeat_pipeline.report.figure import Figure
from recfeat_pipeline.report.figures.agreement import agreement_histogram
from recfeat_pipeline.report.figures.differences import forest
from recfeat_pipeline.report.figures.ranking import metric_by_arm
from recfeat_pipeline.report.inputs import read_inputs
from recfeat_pipeline.report.provenance import Provenance


def key_figures(
    connection: duckdb.DuckDBPyConnection, provenance: dict[str, Any] | None = None
) -> list[Figure]:
    """MRR per arm, the forest plot and the agreement histogram, as far as there is data."""
    inputs = read_inputs(connection, Provenance.model_validate(provenance or {}))
    figures = []
    if inputs.metric("mrr").height:
        figures.append(metric_by_arm(inputs.headline_metric("mrr"), inputs.roles))
    contrasts = inputs.main_contrasts("mrr")
    if contrasts.height:
        figures.append(forest(contrasts, inputs.roles))
    agreement = inputs.own_agreement.filter(pl.col("pearson_r").is_finite())
    if agreement.height:
        figures.append(agreement_histogram(agreement))
    return figures
