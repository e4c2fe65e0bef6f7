"""Which columns a column of the feature store is computed from, read from the SQL models.

The parser, sqlglot, comes with the extra ``ui``, where lineage is shown. A statement that it cannot
read (a PIVOT over columns that the data name) has no lineage.
"""

import logging
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any

from recfeat_pipeline.layout import LAKE
from recfeat_pipeline.sql_models import SqlModel, select_of

Column = tuple[str, str]
"""A table as ``schema.table`` (``lake.scores``, ``features.genome``), and a column of it."""
Columns = tuple[tuple[str, str], ...]
"""Names and types of a table."""
IN_LAKE = "lake"


def column_lineage(
    model: SqlModel, columns: Mapping[str, Mapping[str, str]]
) -> dict[str, frozenset[Column]]:
    """By column of the model, the columns of other tables that it is made of.

    Args:
        model: the table.
        columns: by model key, the columns and types of the tables that the model refers to.
    """
    if (not model.refs and not model.sources) or find_spec("sqlglot") is None:
        return {}
    of_tables = {f"{IN_LAKE}.{name}": _in_lake(name) for name in model.sources}
    of_tables |= {key: tuple(columns[key].items()) for key in model.refs}
    return _read(select_of(model, lambda name: f"{IN_LAKE}.{name}"), tuple(of_tables.items()))


def _in_lake(name: str) -> Columns:
    table = LAKE[name]
    return tuple((column, "VARCHAR") for column in (*table.schema, *table.keys))  # any type


@cache  # a statement takes a parser in Python longer than the database to run
def _read(select: str, of_tables: tuple[tuple[str, Columns], ...]) -> dict[str, frozenset[Column]]:
    from sqlglot.errors import SqlglotError
    from sqlglot.lineage import lineage

    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # of what it cannot follow, it warns
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for key, columns in of_tables:
        of_schema, _, name = key.partition(".")
        schema.setdefault(of_schema, {})[name] = dict(columns)
    try:
        roots: Any = lineage(None, select, schema=schema, dialect="duckdb")
    except (SqlglotError, ValueError, KeyError, RecursionError):
        return {}
    found = {name: frozenset(_sources(root)) for name, root in roots.items()}
    return {name: sources for name, sources in found.items() if sources}


def _sources(root: object) -> Iterator[Column]:
    from sqlglot import exp

    for node in root.walk():  # type: ignore[attr-defined]
        if isinstance(node.expression, exp.Table) and node.expression.db:
            table = f"{node.expression.db}.{node.expression.name}"
            yield table, node.name.rpartition(".")[2].strip('"')
