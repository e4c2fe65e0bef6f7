"""Which columns a column of the feature store is computed from, read from the SQL models.

The parser, sqlglot, comes with the extra ``ui``, where lineage is shown. A statement that it cannot
read (a PIVOT over columns that the data name) has no lineage.
"""

import logging
from collections.abc import Iterator, Mapping
from importlib.util import find_spec

from recfeat_pipeline.layout import LAKE
from recfeat_pipeline.sql_models import SqlModel, select_of

Column = tuple[str, str]
"""A table as ``schema.table`` (``lake.scores``, ``features.genome``), and a column of it."""
IN_LAKE = "lake"


def column_lineage(
    model: SqlModel, columns: Mapping[str, Mapping[str, str]]
) -> dict[str, set[Column]]:
    """By column of the model, the columns of other tables that it is made of.

    Args:
        model: the table.
        columns: by model key, the columns and types of the model itself and of those it refers to.
    """
    if (not model.refs and not model.sources) or find_spec("sqlglot") is None:
        return {}
    from sqlglot.errors import SqlglotError
    from sqlglot.lineage import lineage

    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # of what it cannot follow, it warns
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for name in model.sources:
        table = LAKE[name]
        types = {**table.schema, **dict.fromkeys(table.keys, "String")}
        schema.setdefault(IN_LAKE, {})[name] = dict.fromkeys(types, "VARCHAR")  # any type
    for key in model.refs:
        of_schema, _, name = key.partition(".")
        schema.setdefault(of_schema, {})[name] = dict(columns[key])
    select = select_of(model, lambda name: f"{IN_LAKE}.{name}")
    found: dict[str, set[Column]] = {}
    for name in columns[model.key]:
        try:
            root = lineage(name, select, schema=schema, dialect="duckdb")
        except (SqlglotError, ValueError, KeyError, RecursionError):
            continue
        if sources := set(_sources(root)):
            found[name] = sources
    return found


def _sources(root: object) -> Iterator[Column]:
    from sqlglot import exp

    for node in root.walk():  # type: ignore[attr-defined]
        if isinstance(node.expression, exp.Table) and node.expression.db:
            table = f"{node.expression.db}.{node.expression.name}"
            yield table, node.name.rpartition(".")[2].strip('"')
