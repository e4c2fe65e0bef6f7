"""Tests that the YAML of an SQL model may ask for: each a SELECT of the rows that break it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from recfeat_pipeline.errors import RecfeatError


@dataclass(frozen=True)
class SqlTest:
    """A YAML test on a model: ``query`` selects the offending rows (``{table}`` is the model)."""

    name: str
    description: str
    query: str
    blocking: bool


def tests_of(column: str, specs: list[Any]) -> Iterator[SqlTest]:
    """The tests that a model's YAML asks of a column, or of all of it (``column`` is empty).

    Raises:
        RecfeatError: there is no test of that name.
    """
    for spec in specs:
        name, options = (spec, {}) if isinstance(spec, str) else next(iter(spec.items()))
        options = dict(options) if isinstance(options, dict) else {"columns": options}
        blocking = options.pop("severity", "error") == "error"
        if name not in _TESTS:
            raise RecfeatError(f"dbt_like_sql: unknown test {name!r}; there are {sorted(_TESTS)}.")
        description, condition = _TESTS[name](quote(column), **options)
        yield SqlTest("_".join(filter(None, (name, column))), description, condition, blocking)


def _not_null(column: str) -> tuple[str, str]:
    return f"{column} is never missing", f"SELECT 1 FROM {{table}} WHERE {column} IS NULL"


def _unique(column: str, columns: list[str] | None = None) -> tuple[str, str]:
    key = ", ".join(map(quote, columns)) if columns else column
    query = f"SELECT 1 FROM {{table}} GROUP BY {key} HAVING count(*) > 1"
    return f"one row per {key}", query


def _accepted_values(column: str, values: list[Any]) -> tuple[str, str]:
    allowed = ", ".join(literal(value) for value in values)
    query = f"SELECT 1 FROM {{table}} WHERE {column} NOT IN ({allowed})"
    return f"{column} is one of {allowed}", query


def _range(column: str, min: float | None = None, max: float | None = None) -> tuple[str, str]:
    low, high = [f"{column} < {min}"] * (min is not None), [f"{column} > {max}"] * (max is not None)
    query = f"SELECT 1 FROM {{table}} WHERE {' OR '.join(low + high)}"
    bounds = [f"at least {min}"] * (min is not None) + [f"at most {max}"] * (max is not None)
    return f"{column} is {' and '.join(bounds)}", query


def _relationships(
    column: str, to: str, field: str = "", columns: list[str] | None = None
) -> tuple[str, str]:
    if columns:
        key = ", ".join(map(quote, columns))
        return f"every {key} is in {to}", f"SELECT 1 FROM {{table}} ANTI JOIN {to} USING ({key})"
    query = (
        f"SELECT 1 FROM {{table}} WHERE {column} IS NOT NULL "
        f"AND {column} NOT IN (SELECT {quote(field)} FROM {to})"
    )
    return f"every {column} is in {to}", query


def _unique_where_present(column: str) -> tuple[str, str]:
    query = (
        f"SELECT 1 FROM {{table}} WHERE {column} IS NOT NULL GROUP BY {column} HAVING count(*) > 1"
    )
    return f"no two rows share a {column}", query


def _not_empty(column: str) -> tuple[str, str]:
    return "the table has rows", "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM {table})"


_TESTS: dict[str, Callable[..., tuple[str, str]]] = {
    "not_null": _not_null,
    "unique": _unique,
    "unique_where_present": _unique_where_present,
    "accepted_values": _accepted_values,
    "range": _range,
    "relationships": _relationships,
    "not_empty": _not_empty,
}


def literal(value: Any) -> str:
    """A value as SQL writes it."""
    return (
        str(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"
    )


def quote(name: str) -> str:
    """A name as SQL writes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"' if name else ""
