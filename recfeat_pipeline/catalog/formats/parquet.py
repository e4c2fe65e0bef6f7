"""Parquet: columns keep their types."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pa_parquet

from recfeat_pipeline.catalog.formats.form import Form
from recfeat_pipeline.errors import RecfeatError, first_line

SUFFIXES = (".parquet", ".pq")


def columns(path: Path, form: Form, what: str) -> list[str]:
    """The column names.

    Raises:
        RecfeatError: it is no whole Parquet file.
    """
    try:
        return pa_parquet.read_schema(path).names
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, what, error) from error


def read(path: Path, wanted: list[str], form: Form, what: str) -> pl.DataFrame:
    """The wanted columns.

    Raises:
        RecfeatError: it is damaged.
    """
    try:
        return pl.read_parquet(path, columns=wanted)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _damaged(path, what, error) from error


def places(path: Path, rows: Iterable[int], form: Form) -> list[str]:
    """``row 6``, counted from 1."""
    return [f"row {row + 1}" for row in rows]


def _damaged(path: Path, what: str, error: Exception) -> RecfeatError:
    return RecfeatError(
        f"{what}: {path} is not a readable Parquet file ({first_line(error)}); "
        "was it copied whole? Write it again."
    )
