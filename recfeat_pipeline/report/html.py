"""One self-contained HTML page: no script, no external asset, everything escaped."""

from typing import Any

import duckdb
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from recfeat_pipeline.report.figure import Figure
from recfeat_pipeline.report.inputs import read_inputs
from recfeat_pipeline.report.provenance import Provenance
from recfeat_pipeline.report.sections import build_sections
from recfeat_pipeline.report.verdict import reach_verdict


def render_report(connection: duckdb.DuckDBPyConnection, provenance: dict[str, Any]) -> str:
    """The report on a feature store, as HTML.

    Args:
        connection: the store, read-only will do; any table may be absent or empty.
        provenance: fields of :class:`~recfeat_pipeline.report.provenance.Provenance`.

    Raises:
        pydantic.ValidationError: ``provenance`` has a field of a wrong type.
    """
    context = Provenance.model_validate(provenance)
    inputs = read_inputs(connection, context)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            provenance=context,
            verdict=reach_verdict(inputs),
            sections=build_sections(inputs),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("recfeat_pipeline.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["inline_svg"] = _inline_svg
    return environment


def _inline_svg(figure: Figure) -> Markup:
    """The drawing as it is: matplotlib has escaped every text in it."""
    return Markup(figure.svg)
