"""Read a Parquet or CSV table strictly: a fault names the file, the column and the line.

CSV goes through Arrow rather than Polars because it refuses a row with too few fields as well as
one with too many; either is a :class:`RecfeatError`, for it is a sign of an unquoted comma or a cut
file, and guessing would move values between columns. Only the columns asked for are kept, all as
text (``""`` is null); the caller casts, and counts what does not cast.
"""

import csv
import difflib
import io
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
from polars._typing import PolarsDataType

from recfeat_pipeline.errors import RecfeatError

DELIMITERS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class Table:
    """A table as it lies on disk: CSV columns are ``String``, Parquet columns keep their type."""

    path: Path
    frame: pl.DataFrame

    def places(self, rows: Iterable[int]) -> list[str]:
        """Where 0-based rows stand: ``"line 7"`` of a CSV file, ``"row 6"`` of a Parquet file."""
        rows = list(rows)
        if self.path.suffix not in DELIMITERS:
            return [f"row {row + 1}" for row in rows]
        wanted, found = set(rows), {}
        for row, (line, _) in enumerate(_csv_rows(self.path)):
            if row - 1 in wanted:  # row 0 is the header
                found[row - 1] = line
            if len(found) == len(wanted):
                break
        return [f"line {found[row]}" for row in rows]


def did_you_mean(name: str, known: Collection[str]) -> str:
    """`` Did you mean "x"?``, or what there is to choose from."""
    near = difflib.get_close_matches(name.lower(), [k.lower() for k in known], n=1)
    if near:
        best = next(k for k in known if k.lower() == near[0])
        return f"did you mean {best!r}?"
    return f"there is {', '.join(map(repr, known))}."


def read_table(path: Path, columns: Iterable[str], what: str) -> Table:
    """Read the named columns of a ``.parquet``, ``.csv`` or ``.tsv`` file.

    Args:
        path: the file.
        columns: names wanted; repeats are fine.
        what: who asks, for the error: ``"[items] of catalog.toml"``.

    Raises:
        RecfeatError: no such file, unknown kind, empty, a column missing, or damaged rows.
    """
    if not path.is_file():
        near = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        hint = f" {did_you_mean(path.name, near)}" if near else ""
        raise RecfeatError(f"{what}: the file {path} does not exist;{hint or ' check the path.'}")
    if path.suffix not in {".parquet", *DELIMITERS}:
        raise RecfeatError(
            f"{what}: {path} is neither .parquet nor .csv nor .tsv; convert it to one of these."
        )
    wanted = list(dict.fromkeys(columns))
    frame = (_read_parquet if path.suffix == ".parquet" else _read_csv)(path, wanted, what)
    if frame.is_empty():
        raise RecfeatError(f"{what}: {path} has no rows; is it the right file?")
    return Table(path, frame)


def read_numbers(path: Path, schema: Mapping[str, PolarsDataType], what: str) -> pl.DataFrame:
    """Read a CSV file of numbers only, fast: its columns are these, and no value is missing.

    Raises:
        RecfeatError: as :func:`read_table`, and for a value that is not a number of the type.
    """
    header = _csv_header(path, what)
    if header != list(schema):
        raise RecfeatError(
            f"{what}: {path} has the columns {', '.join(header)}, where {', '.join(schema)} "
            "are expected; is it the right file?"
        )
    try:
        frame = pl.read_csv(path, schema=schema)
    except pl.exceptions.PolarsError as error:
        raise _bad_number(path, schema, what) from error
    if frame.is_empty() or sum(frame.null_count().row(0)):
        raise _bad_number(path, schema, what)
    return frame


def _bad_number(path: Path, schema: Mapping[str, PolarsDataType], what: str) -> RecfeatError:
    """Find the value that the fast reading stumbled over, by a slow and strict one."""
    table = read_table(path, schema, what)
    for name, dtype in schema.items():
        bad = table.frame[name].cast(dtype, strict=False).is_null()
        if bad.any():
            row = int(bad.arg_true()[0])
            value = table.frame[name][row]
            problem = "is empty" if value is None else f"{value!r} is not a number"
            return RecfeatError(
                f"{what}: {path}, {table.places([row])[0]}, column {name!r}: {problem}; "
                "mend the line, or fetch the file again."
            )
    return RecfeatError(f"{what}: {path} cannot be parsed as numbers.")


def _csv_header(path: Path, what: str) -> list[str]:
    header = next(_csv_rows(path), (0, []))[1]
    if not header:
        raise RecfeatError(f"{what}: {path} is empty; is it the right file?")
    return header


def _check_columns(path: Path, wanted: list[str], present: list[str], what: str) -> None:
    for name in wanted:
        if name not in present:
            raise RecfeatError(
                f"{what}: {path} has no column {name!r}; {did_you_mean(name, present)}"
            )
        if present.count(name) > 1:
            raise RecfeatError(f"{what}: {path} has two columns named {name!r}; rename one.")


def _read_parquet(path: Path, wanted: list[str], what: str) -> pl.DataFrame:
    try:
        _check_columns(path, wanted, pa_parquet.read_schema(path).names, what)
        return pl.read_parquet(path, columns=wanted)
    except (pl.exceptions.PolarsError, pa.ArrowException, OSError) as error:
        raise RecfeatError(
            f"{what}: {path} is not a readable Parquet file ({_first_line(error)}); "
            "was it copied whole? Write it again."
        ) from error


def _read_csv(path: Path, wanted: list[str], what: str) -> pl.DataFrame:
    header = _csv_header(path, what)
    _check_columns(path, wanted, header, what)
    try:
        table = pa_csv.read_csv(
            path,
            parse_options=pa_csv.ParseOptions(
                delimiter=DELIMITERS[path.suffix], newlines_in_values=True
            ),
            convert_options=pa_csv.ConvertOptions(
                include_columns=wanted,
                column_types={name: pa.large_string() for name in wanted},
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except (pa.ArrowException, OSError) as error:
        raise RecfeatError(f"{what}: {path}, {_locate_fault(path, len(header), error)}") from error
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Non-blank rows with the line they start on; bytes that are not UTF-8 become U+FFFD."""
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=DELIMITERS[path.suffix])
        start = 1
        for row in reader:
            if row:
                yield start, row
            start = reader.line_num + 1


def _locate_fault(path: Path, width: int, error: Exception) -> str:
    """The first damaged row, found again by a slow second reading."""
    limit = csv.field_size_limit(1 << 30)  # an unclosed quote swallows the rest of the file
    try:
        for line, row in _csv_rows(path):
            if len(row) != width:
                return (
                    f"line {line}: {len(row)} fields where the header has {width}; is a comma or "
                    "a quotation mark not quoted, or the file cut short?"
                )
            if any("\ufffd" in value for value in row):
                return f"line {line}: the text is not UTF-8; save the file as UTF-8."
    finally:
        csv.field_size_limit(limit)
    return f"cannot be parsed ({_first_line(error)})."


def _first_line(error: Exception) -> str:
    return io.StringIO(str(error)).readline().strip().rstrip(".")
