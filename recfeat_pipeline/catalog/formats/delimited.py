"""Text with a delimiter: CSV and its relatives, read strictly.

Arrow parses, for it refuses a row with too few fields as well as one with too many. What it
forgives is looked for beforehand in files that quote: a quotation mark that is never closed, text
behind a closing one, and a pair of stray ones that would swallow the rows between them. Guessing
would move values between columns. All columns are text; ``""`` is null. Tab-separated files have no
quotes unless the catalogue file says so.
"""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv

from recfeat_pipeline.catalog.formats.form import Form
from recfeat_pipeline.errors import RecfeatError, first_line

SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".dat")
TABBED = (".tsv", ".tab")
LIKELY = (",", ";", "\t", "|")
LONGEST_CELL = 1 << 30  # characters; Python's own limit is 131,072
LOOKED_AT = 1 << 20  # bytes from which one guesses how a file is written
SAMPLE = 1000  # rows from which one learns what a column looks like
NUMBER = r"-?\d+([.,]\d+)?"


def delimiter_of(path: Path, form: Form) -> str:
    """The delimiter that is said, else the suffix's."""
    return form.delimiter or ("\t" if path.suffix in TABBED else ",")


def quote_of(path: Path, form: Form) -> str:
    """The quotation mark that is said, else the suffix's; empty for none."""
    if form.quote is not None:
        return form.quote
    return "" if path.suffix in TABBED else '"'


def columns(path: Path, form: Form, what: str) -> list[str]:
    """The names in the first line.

    Raises:
        RecfeatError: there is none, or it is UTF-16 that nobody said.
    """
    header = next(_rows(path, form), (0, []))[1]
    if not header:
        raise RecfeatError(f"{what}: {path} is empty; is it the right file?")
    if "\0" in "".join(header):
        raise RecfeatError(
            f'{what}: {path} looks like UTF-16; say encoding = "utf-16", or save it as UTF-8.'
        )
    return header


def read(path: Path, wanted: list[str], form: Form, what: str) -> pl.DataFrame:
    """The wanted columns, as text.

    Raises:
        RecfeatError: a row of another width, a quotation mark that is out of place, or bytes that
            are no text: with the line.
    """
    header, quote = columns(path, form, what), quote_of(path, form)
    if quote and _has(path, quote):
        _check_quotes(path, form, header, what)
    try:
        table = pa_csv.read_csv(
            path,
            parse_options=pa_csv.ParseOptions(
                delimiter=delimiter_of(path, form),
                quote_char=quote or False,
                newlines_in_values=bool(quote),
            ),
            convert_options=pa_csv.ConvertOptions(
                include_columns=wanted,
                column_types={name: pa.large_string() for name in wanted},
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except (pa.ArrowException, OSError) as error:
        fault = _locate_fault(path, form, len(header), error)
        raise RecfeatError(f"{what}: {path}, {fault}") from error
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def places(path: Path, rows: Iterable[int], form: Form) -> list[str]:
    """``line 7``: where the rows start."""
    rows = list(rows)
    wanted, found = set(rows), {}
    for row, (line, _) in enumerate(_rows(path, form)):
        if row - 1 in wanted:  # row 0 is the header
            found[row - 1] = line
        if len(found) == len(wanted):
            break
    return [f"line {found[row]}" for row in rows]


def guess(path: Path) -> Form:
    """The delimiter, the encoding and the decimal comma, as the first lines suggest them."""
    with open(path, "rb") as file:
        start = file.read(LOOKED_AT)
    encoding = _encoding(start)
    text = start.decode(encoding or "utf-8-sig", errors="replace")
    own = "\t" if path.suffix in TABBED else ","

    def evenness(delimiter: str) -> tuple[bool, float, bool]:
        rows = _first_rows(text, delimiter)
        width = len(rows[0]) if rows else 0
        share = sum(len(row) == width for row in rows) / max(len(rows), 1)
        return width > 1, share, delimiter == own

    best = max(LIKELY, key=evenness) if any(evenness(mark)[0] for mark in LIKELY) else own
    cells = [cell.strip() for row in _first_rows(text, best)[1:] for cell in row]
    with_comma = [cell for cell in cells if re.fullmatch(r"-?\d+,\d+", cell)]
    return Form(
        delimiter=None if best == own else best,
        encoding=encoding,
        decimal="," if best != "," and with_comma else None,
    )


def _first_rows(text: str, delimiter: str) -> list[list[str]]:
    csv.field_size_limit(LONGEST_CELL)
    rows = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    return [row for row, _ in zip(rows, range(50), strict=False) if row]


def _encoding(start: bytes) -> str | None:
    """None for UTF-8, else the likeliest of the encodings that spreadsheets write."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return "cp1252"
    return None


def _has(path: Path, quote: str) -> bool:
    with open(path, "rb") as file:
        return any(quote.encode() in block for block in iter(lambda: file.read(1 << 20), b""))


def _rows(path: Path, form: Form, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Non-blank rows with the line they start on; bytes that are not UTF-8 become U+FFFD."""
    quote = quote_of(path, form)
    csv.field_size_limit(LONGEST_CELL)
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(
            file,
            delimiter=delimiter_of(path, form),
            quotechar=quote or None,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
            strict=strict,
        )
        start = 1
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                raise _QuoteFault(start, str(error)) from error
            if row is None:
                return
            if row:
                yield start, row
            start = reader.line_num + 1


class _QuoteFault(Exception):
    def __init__(self, line: int, problem: str):
        self.line, self.problem = line, problem


def _check_quotes(path: Path, form: Form, header: list[str], what: str) -> None:
    """Refuse quotation marks that are not closed, or closed in another row than their own."""
    remedy = (
        'close it, write it twice within a quoted value, or say quote = "" if the file has no '
        "quoted values"
    )
    seen: list[list[str]] = []  # rows of one line, from which a column's look is learnt
    spread: list[tuple[int, list[str]]] = []
    try:
        for line, row in _rows(path, form, strict=True):
            if any("\n" in value for value in row):
                spread.append((line, row))
            elif len(seen) <= SAMPLE:
                seen.append(row)
    except _QuoteFault as fault:
        ends = "unexpected end" in fault.problem
        problem = (
            "a quotation mark is opened and never closed (or the file is cut short)"
            if ends
            else "text stands behind a closing quotation mark"
        )
        raise RecfeatError(f"{what}: {path}, line {fault.line}: {problem}; {remedy}.") from None
    delimiter = delimiter_of(path, form)
    plain = seen[1:] if seen and seen[0] == header else seen
    if not plain:  # the marks may have swallowed every row: learn from what lies between them
        plain = [fields for _, row in spread[:SAMPLE] for fields in _within(row, delimiter)]
    looks = _looks(header, plain)
    for line, row in spread:
        if _swallows(row, looks, len(header), delimiter):
            raise RecfeatError(
                f"{what}: {path}, line {line}: a quotation mark is opened that is closed only in a "
                f"later row, so {sum(value.count(chr(10)) for value in row)} rows would become "
                f"one value; {remedy}."
            )


def _looks(header: list[str], rows: list[list[str]]) -> list[str]:
    """Of each column, what nearly all of its values look like: numbers, single words, anything."""
    looks = []
    for column in range(len(header)):
        values = pl.Series(
            [row[column] for row in rows if len(row) == len(header)], dtype=pl.String
        )
        most = max(0.95 * len(values), 1)
        for pattern in (rf"^(?:{NUMBER})?$", r"^\S*$"):
            if int(values.str.contains(pattern).sum()) >= most:
                looks.append(pattern)
                break
        else:
            looks.append("")
    return looks


def _swallows(row: list[str], looks: Sequence[str], width: int, delimiter: str) -> bool:
    """Whether each line within a row could be a row of its own, by its fields and their looks.

    A column's look must tell something: where every column is free text, nothing is refused.
    """
    if len(row) != width or not any(looks):
        return False
    return all(
        len(fields) == width and all(map(re.match, looks, fields))
        for fields in _within(row, delimiter)
    )


def _within(row: list[str], delimiter: str) -> list[list[str]]:
    """The lines of a row that spans several, each as if it were a row."""
    lines = delimiter.join(row).split("\n")
    return [[field.strip('"\r') for field in line.split(delimiter)] for line in lines]


def _locate_fault(path: Path, form: Form, width: int, error: Exception) -> str:
    """The first damaged row, found again by a slow second reading."""
    for line, row in _rows(path, form):
        if len(row) != width:
            return (
                f"line {line}: {len(row)} fields where the header has {width}; is a comma or "
                "a quotation mark not quoted, or the file cut short?"
            )
        if any("\ufffd" in value for value in row):
            return (
                f"line {line}: the text is not UTF-8; save the file as UTF-8, or say which "
                'encoding it has (encoding = "cp1252").'
            )
    return f"cannot be parsed ({first_line(error)})."
