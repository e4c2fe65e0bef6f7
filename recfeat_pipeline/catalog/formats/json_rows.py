"""JSON: a row a line (``.jsonl``), or one list of rows (``.json``). Values keep their types."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from recfeat_pipeline.catalog.formats.form import Form
from recfeat_pipeline.errors import RecfeatError, first_line

SUFFIXES = (".jsonl", ".ndjson", ".json")
LISTED = ".json"
SAMPLE = 1000  # rows whose keys are offered as columns


def columns(path: Path, form: Form, what: str) -> list[str]:
    """Keys of the first rows.

    Raises:
        RecfeatError: it is no JSON, or no list of objects.
    """
    keys: dict[str, None] = {}
    for (_, row), _ in zip(_rows(path, what), range(SAMPLE), strict=False):
        keys |= dict.fromkeys(row)
    return list(keys)


def read(path: Path, wanted: list[str], form: Form, what: str) -> pl.DataFrame:
    """The wanted keys of each row; a key that a row lacks is null.

    Raises:
        RecfeatError: a row that is no JSON object, with its line; or a key that holds now a list,
            now none.
    """
    rows = [[row.get(name) for name in wanted] for _, row in _rows(path, what)]
    cells = zip(*rows, strict=True) if rows else [()] * len(wanted)
    named = zip(wanted, cells, strict=True)
    return pl.DataFrame([_column(name, list(values), path, what) for name, values in named])


def places(path: Path, rows: Iterable[int], form: Form) -> list[str]:
    """``line 7`` of a file of lines, ``row 7`` of a list."""
    if path.suffix == LISTED:
        return [f"row {row + 1}" for row in rows]
    lines = [line for line, _ in _rows(path, "")]
    return [f"line {lines[row]}" for row in rows]


def _rows(path: Path, what: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each row and the line it stands on."""
    try:
        if path.suffix != LISTED:
            with open(path, encoding="utf-8-sig") as file:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield number, _object(json.loads(line), path, f"line {number}", what)
            return
        whole = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise RecfeatError(f"{what}: {path} is not UTF-8 text; save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        at = f"line {number}" if path.suffix != LISTED else f"line {error.lineno}"
        raise RecfeatError(
            f"{what}: {path}, {at}: not valid JSON ({error.msg}); is the file cut short?"
        ) from error
    lists = [whole] if isinstance(whole, list) else []
    if isinstance(whole, dict):
        lists = [value for value in whole.values() if isinstance(value, list)]
    if len(lists) != 1:
        raise RecfeatError(
            f"{what}: {path} holds {len(lists)} lists of rows, where one is needed: write one JSON "
            "object a line (.jsonl), or one list of objects."
        )
    for number, row in enumerate(lists[0], 1):
        yield number, _object(row, path, f"row {number}", what)


def _object(row: Any, path: Path, place: str, what: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise RecfeatError(
            f"{what}: {path}, {place}: {str(row)[:40]!r} is no object with a key per column."
        )
    return row


def _column(name: str, values: list[Any], path: Path, what: str) -> pl.Series:
    """Values of one kind keep it; numbers and text side by side become text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        values = [None if value is None else float(value) for value in values]
    elif len(kinds) > 1 and not kinds & {list, dict}:
        values = [None if value is None else _spelled(value) for value in values]
    try:
        return pl.Series(name, values, strict=True)
    except (pl.exceptions.PolarsError, TypeError, OverflowError) as error:
        raise RecfeatError(
            f"{what}: {path}, key {name!r}: rows hold values of different kinds "
            f"({first_line(error)}); make them one kind."
        ) from error


def _spelled(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)
