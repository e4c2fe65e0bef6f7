"""Column schemas for the UI: names and types from the schemas, meanings from its comments.

What a column means is written once: in the comment beside it in ``schemas.py`` or its like
(``text_schemas.py``, …), or, for a table of the feature store, in the YAML beside its SQL. A
column that its own table leaves unexplained means what it means elsewhere: a name has one meaning
in this project.
"""

import ast
import inspect
import io
import tokenize
from collections.abc import Iterator, Mapping
from functools import cache

import dagster as dg
import polars as pl

from recfeat_pipeline import profile_schemas, reranking_schemas, schemas, text_schemas
from recfeat_pipeline.layout import LAKE
from recfeat_pipeline.sql_models import SqlModel, load_models

HIVE = {
    "version": "Prompt version: its name and a hash of its content.",
    "shard": "Shard of items, by a hash of the item id.",
    "arm": "Id of the arm, a file in models/arms.",
    "source": "Text source that was asked.",
    "seed": "Seed of the initial parameters and of the order of the examples.",
}
"""Meanings of the columns that are parts of a path."""


def lake_columns(table: str) -> dg.TableSchema:
    """The columns of a lake table."""
    spec = LAKE[table]
    stored = (m.columns for m in load_models().values() if table in m.sources)
    own = (c.meanings for c in _commented() if c.schema is spec.schema)
    meanings = {**_anywhere(), **next(own, {}), **next(stored, {}), **HIVE}
    types = {**spec.schema, **dict.fromkeys(spec.keys, pl.String)}
    return dg.TableSchema(
        [
            dg.TableColumn(name, str(dtype), description=meanings.get(name))
            for name, dtype in types.items()
        ]
    )


def store_columns(model: SqlModel, types: Mapping[str, str]) -> dg.TableSchema:
    """The columns of a feature store table; ``types`` as DuckDB has them, if it is built."""
    meanings = {**_anywhere(), **model.columns}
    tests = {test.name for test in model.tests}
    return dg.TableSchema(
        [
            dg.TableColumn(
                name,
                types.get(name, "?"),
                description=meanings.get(name),
                constraints=dg.TableColumnConstraints(
                    nullable=f"not_null_{name}" not in tests, unique=f"unique_{name}" in tests
                ),
            )
            for name in types or model.columns
        ]
    )


class Commented:
    """A schema with the comments beside its columns."""

    def __init__(self, schema: schemas.Schema, entries: ast.Dict, comments: Mapping[int, str]):
        self.schema = schema
        lines = {
            key.value: value.end_lineno or 0
            for key, value in zip(entries.keys, entries.values, strict=True)
            if isinstance(key, ast.Constant)
        }
        self.meanings = {
            str(column): comments[line] for column, line in lines.items() if line in comments
        }


@cache
def _commented() -> tuple[Commented, ...]:
    modules = (schemas, text_schemas, profile_schemas, reranking_schemas)
    sources = [(module, inspect.getsource(module)) for module in modules]
    return tuple(
        Commented(getattr(module, node.target.id), node.value, comments)
        for module, source in sources
        for comments in [dict(_comments(source))]
        for node in ast.parse(source).body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(node.value, ast.Dict)
        and isinstance(node.annotation, ast.Name)
        and node.annotation.id == "Schema"
    )


def _comments(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            text = token.string.lstrip("# ").rstrip(".") + "."
            word = text.split(" ")[0].rstrip(",;:")
            yield token.start[0], text[:1].upper() + text[1:] if word.isalpha() else text


@cache
def _anywhere() -> dict[str, str]:
    """Column to its meaning in the first table that explains it, the feature store's before."""
    meanings: dict[str, str] = {}
    for table in (m.columns for m in load_models().values()):
        meanings = {name: text for name, text in table.items() if text} | meanings
    for commented in _commented():
        meanings = commented.meanings | meanings
    return meanings
