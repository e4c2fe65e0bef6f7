"""Excel workbooks: the only sheet, or the one that ``table`` names; its first row is a header."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from recfeat_pipeline.catalog.formats.form import Form
from recfeat_pipeline.errors import RecfeatError, first_line

SUFFIXES = (".xlsx", ".xls", ".xlsb", ".ods")


def columns(path: Path, form: Form, what: str) -> list[str]:
    """The names in the sheet's first row.

    Raises:
        RecfeatError: as :func:`read`.
    """
    return _sheet(path, form, what).columns


def read(path: Path, wanted: list[str], form: Form, what: str) -> pl.DataFrame:
    """The wanted columns with the sheet's types.

    Raises:
        RecfeatError: it is no workbook, has no such sheet, or several and none is named; or its
            reader is not installed.
    """
    return _sheet(path, form, what).select(wanted)


def places(path: Path, rows: Iterable[int], form: Form) -> list[str]:
    """``row 7``, as the sheet numbers it: the header is row 1."""
    return [f"row {row + 2}" for row in rows]


def tables(path: Path) -> list[str]:
    """Names of the sheets.

    Raises:
        RecfeatError: as :func:`read`.
    """
    return _open(path, "").sheet_names


def _sheet(path: Path, form: Form, what: str) -> pl.DataFrame:
    book = _open(path, what)
    if not form.table and len(book.sheet_names) > 1:
        raise RecfeatError(
            f"{what}: {path} has {len(book.sheet_names)} sheets; name one of "
            f'{", ".join(book.sheet_names)} with table = "…".'
        )
    name = form.table or book.sheet_names[0]
    if name not in book.sheet_names:
        raise RecfeatError(
            f"{what}: {path} has no sheet {name!r}; it has {', '.join(book.sheet_names)}."
        )
    return book.load_sheet(name).to_polars()


def _open(path: Path, what: str) -> Any:
    try:
        import fastexcel
    except ImportError as error:
        raise RecfeatError(
            f"{what}: reading {path} needs a further package: pip install "
            "'recfeat_pipeline[excel]', or save the sheet as CSV."
        ) from error
    try:
        return fastexcel.read_excel(path)
    except fastexcel.FastExcelError as error:
        raise RecfeatError(
            f"{what}: {path} is no readable workbook ({first_line(error)}); save it again."
        ) from error
