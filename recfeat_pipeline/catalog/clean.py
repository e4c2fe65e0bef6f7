"""Columns as users have them, turned into ours; what does not convert is null and counted.

Every function is pure and takes a Series of text, numbers, dates or date-times; :func:`plain` makes
one of these of whatever else a Parquet file holds.
"""

import polars as pl

NULL_WORDS = ("", "na", "nan", "null", "none", "\\n")  # nulls as CSV writers spell them
INTEGER = r"^(0|-?[1-9]\d{0,17})(\.0+)?$"  # "7", "7.0"; not "007", which would lose its zeros
YEAR_IN_TITLE = r"\((\d{4})(?:[-–]\d{0,4})?\)\s*$"  # "Title (1995)", "Series (2006-2007)"
SHORT_LIST = r"^[^|]{1,60}(\|[^|]{1,60})+$"  # "Action|Drama", but not a paragraph with a bar in it
NO_GENRES = "(no genres listed)"

MAX_TIMESTAMP = 4_102_444_800  # 2100-01-01


def plain(values: pl.Series) -> pl.Series:
    """Decimals as floats; categories, booleans, times, durations and nothing but nulls as text."""
    dtype = values.dtype
    if dtype.is_decimal():
        return values.cast(pl.Float64)
    if dtype.is_numeric() or dtype.is_nested() or dtype in (pl.String, pl.Date, pl.Datetime):
        return values
    if dtype == pl.Duration:
        return values.dt.to_string()
    return values.cast(pl.String)


def text(values: pl.Series) -> pl.Series:
    """Stripped text; empty is null. "NA" stays, for it may be a title or a tag."""
    values = values.cast(pl.String).str.strip_chars()
    return values.set(values == "", None)


def given(values: pl.Series) -> pl.Series:
    """Whether a value is there at all: neither null, nor NaN, nor a spelling of null."""
    if values.dtype.is_float():
        return values.is_not_null() & values.is_not_nan()
    if values.dtype == pl.String:
        return ~values.fill_null("").str.strip_chars().str.to_lowercase().is_in(NULL_WORDS)
    return values.is_not_null()


def ids(values: pl.Series) -> pl.Series:
    """``Int64`` when every id is an integer, else stripped text; empty is null."""
    values = _without_nan(values)
    integers = _integers(values)
    if integers.null_count() == values.null_count():  # spares large tables the text
        return integers
    spelled = text(values)
    return integers if integers.null_count() == spelled.null_count() else spelled


def ids_like(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Ids cast to the type that another table's ids have; null where one is not of that type."""
    values = _without_nan(values)
    if dtype == pl.Int64:
        return _integers(values)
    return text(ids(values))


def _without_nan(values: pl.Series) -> pl.Series:
    return values.fill_nan(None) if values.dtype.is_float() else values


def _integers(values: pl.Series) -> pl.Series:
    """``Int64``, null where a value is not the plain spelling of a whole number."""
    if values.dtype.is_integer():
        return values.cast(pl.Int64, strict=False)
    if values.dtype.is_float():
        whole = (values == values.floor()) & (values.abs() <= 2**53)
        return values.set(~whole.fill_null(False), None).cast(pl.Int64)
    spelled = values.cast(pl.String).str.strip_chars()
    spelled = spelled.set(~spelled.str.contains(INTEGER).fill_null(False), None)
    return spelled.str.replace(r"\.0+$", "").cast(pl.Int64)


def number(values: pl.Series, decimal: str | None = None) -> pl.Series:
    """``Float64``; null where there is none, or where it is not a finite number.

    ``decimal`` is the mark that text uses: "," for ``4,5``.
    """
    if not values.dtype.is_numeric():
        values = text(values)
        if decimal == ",":
            values = values.str.replace(",", ".", literal=True)
    out = values.cast(pl.Float64, strict=False)
    return pl.select(pl.when(out.is_finite()).then(out)).to_series()


def integer(values: pl.Series) -> pl.Series:
    """``Int64``; null where there is none, or where it is not a whole number."""
    if values.dtype.is_integer():
        return values.cast(pl.Int64, strict=False)
    out = number(values)
    return pl.select(pl.when(out == out.floor()).then(out).cast(pl.Int64, strict=False)).to_series()


UNITS = (  # numbers above the limit are in the unit, for they would be after the year 5000 else
    (1e17, 10**9, "nanoseconds"),
    (1e14, 10**6, "microseconds"),
    (1e11, 10**3, "milliseconds"),
)


def seconds(values: pl.Series, date_format: str | None = None) -> tuple[pl.Series, dict[str, int]]:
    """Unix seconds, and how many values were in another unit (``{"milliseconds": 7}``).

    Takes dates, date-times, numbers (each one's unit is told by its size) and text of either kind
    (``date_format``, else ISO 8601; UTC where it names no zone). Out-of-range values are left for
    the caller to judge.
    """
    if values.dtype.is_temporal():
        return values.cast(pl.Datetime("us")).dt.epoch("s"), {}
    out = number(values).cast(pl.Int64, strict=False)
    if date_format and values.dtype == pl.String:
        return _dated(values, date_format), {}
    if values.dtype == pl.String and out.null_count() > values.null_count():
        iso = values.str.strip_chars().str.replace(r"^(\d{4}-\d\d-\d\d) ", "${1}T")
        naive = iso.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us")
        minutes = iso.str.to_datetime("%Y-%m-%dT%H:%M", strict=False, time_unit="us")
        zoned = iso.str.to_datetime("%+", strict=False, time_unit="us")
        day = iso.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
        out = pl.select(
            pl.coalesce(out, *(parsed.dt.epoch("s") for parsed in (naive, minutes, zoned, day)))
        ).to_series()
    found = {}
    for limit, divisor, unit in UNITS:  # a value that is scaled is below the further limits
        above = (out.abs() > limit).fill_null(False)
        if n := int(above.sum()):
            found[unit] = n
            out = pl.select(pl.when(above).then(out // divisor).otherwise(out)).to_series()
    return out, found


def _dated(values: pl.Series, date_format: str) -> pl.Series:
    """Unix seconds of text in one format, of a day or of a moment."""
    stripped = values.str.strip_chars()
    if any(mark in date_format for mark in ("%H", "%I", "%T", "%R", "%X", "%c", "%+")):
        return stripped.str.to_datetime(date_format, strict=False, time_unit="us").dt.epoch("s")
    day = stripped.str.to_date(date_format, strict=False)
    return day.cast(pl.Datetime("us")).dt.epoch("s")


def year(values: pl.Series) -> pl.Series:
    """A year from a number, a date or text that starts with four digits ("1995-11-22")."""
    if values.dtype.is_temporal():
        return values.dt.year().cast(pl.Int32)
    digits = text(values).str.extract(r"^(\d{4})(?:\D|$)")
    return digits.cast(pl.Int32)


def year_in_title(titles: pl.Series) -> pl.Series:
    """The year at the end of "Title (1995)"; null where there is none."""
    return titles.str.extract(YEAR_IN_TITLE).cast(pl.Int32)


def genres(values: pl.Series) -> pl.Series:
    """A list of genres from a list, ``"A|B"`` or ``"A, B"``; never null."""
    if not values.dtype.is_nested():
        values = (
            values.cast(pl.String).fill_null("").str.replace_all(r"\s*[|,]\s*", "|").str.split("|")
        )
    values = values.cast(pl.List(pl.String)).fill_null([])
    element = pl.element().str.strip_chars()
    return values.list.eval(element.filter((element != "") & (element != NO_GENRES)))


def document_text(values: pl.Series) -> pl.Series:
    """Text for the prompt: lists and ``"A|B"`` become ``"A, B"``; null where there is nothing."""
    if values.dtype.is_nested():
        lists = values.cast(pl.List(pl.String))
        values = lists.list.eval(pl.element().drop_nulls()).list.join(", ")
    if values.dtype.is_float() and (values.drop_nulls() % 1 == 0).all():
        values = values.cast(pl.Int64, strict=False)
    values = values.cast(pl.String).str.strip_chars()
    return pl.select(
        pl.when(values.is_in(["", NO_GENRES]))
        .then(None)
        .when(values.str.contains(SHORT_LIST))
        .then(values.str.replace_all(r"\s*\|\s*", ", "))
        .otherwise(values)
    ).to_series()


def imdb_id(values: pl.Series) -> pl.Series:
    """``"tt0114709"`` from 114709, "0114709" or "tt0114709"; null where it is none of these."""
    digits = text(values).str.replace(r"\.0$", "").str.extract(r"^(?:tt)?0*(\d{1,8})$")
    return "tt" + digits.str.zfill(7)
