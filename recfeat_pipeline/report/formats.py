"""How numbers are written in the report, and how a frame becomes a CSV that is safe to open."""

import base64
import math
from typing import Any

import polars as pl

MISSING = "–"

Number = Any
"""A number or None, as a Polars aggregate returns it; also bool, Decimal and NaN."""


def metric(value: Number) -> str:
    """A ranking metric as the field prints it, without the leading zero: ``.1155``."""
    if value is None or math.isnan(value):
        return MISSING
    return _minus(f"{value:.4f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.4f}")


def signed(value: Number, digits: int = 4) -> str:
    """A difference, always with its sign: ``+.0034``."""
    if value is None or math.isnan(value):
        return MISSING
    text = f"{value:+.{digits}f}"
    return _minus(text.replace("0.", ".", 1) if abs(value) < 1 else text)


def percent(value: Number, digits: int = 1) -> str:
    """A share of 1 as a percentage: ``12.5 %``."""
    if value is None or math.isnan(value):
        return MISSING
    return _minus(f"{100 * value:.{digits}f}\u00a0%")


def change(value: Number) -> str:
    """A relative change of 1 with its sign: ``+3.0 %``; whole percents from 20 on: ``+63 %``."""
    if value is None or math.isnan(value):
        return MISSING
    digits = 1 if abs(value) < 0.2 else 0
    return _minus(f"{100 * value:+.{digits}f}\u00a0%")


def interval(low: Number, high: Number, *, of_change: bool = False) -> str:
    """``[+1.2 %, +4.9 %]`` for relative changes, ``[+.0012, +.0049]`` for differences."""
    if low is None or high is None:
        return MISSING
    write = change if of_change else signed
    return f"[{write(low)}, {write(high)}]"


def correlation(value: Number) -> str:
    """A correlation with two decimals: ``.59``."""
    return signed(value, 2).lstrip("+")


def plural(number: Number, one: str) -> str:
    """A count with its noun: ``1 arm``, ``3 arms``."""
    return f"{count(number)} {one if number == 1 else one + 's'}"


def count(value: Number) -> str:
    """A whole number with thousands separators."""
    return MISSING if value is None else _minus(f"{value:,.0f}")


def dollars(value: Number) -> str:
    """An amount with enough digits to be read: ``$0.0042``, ``$18.20``, ``$1,204``."""
    if value is None or math.isnan(value):
        return MISSING
    if value == 0:
        return "$0"
    if value < 0.1:
        return f"${value:.2g}"
    return f"${value:,.2f}" if value < 1000 else f"${value:,.0f}"


def duration(seconds: Number) -> str:
    """A time to two units at most: ``42 s``, ``3 min``, ``2 h 05 min``."""
    if seconds is None or math.isnan(seconds):
        return MISSING
    if seconds < 90:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def p_value(value: Number) -> str:
    """A p-value to three decimals: ``.003``, ``< .001``."""
    if value is None or math.isnan(value):
        return MISSING
    return "< .001" if value < 0.001 else f"{value:.3f}".replace("0.", ".", 1)


def words(name: str) -> str:
    """An identifier as prose: ``small_town`` becomes ``small town``."""
    return name.replace("_", " ")


def csv_text(frame: pl.DataFrame) -> str:
    """The frame as CSV; a text cell that a spreadsheet would run as a formula gets a quote before.

    Lists are joined with "; ". Source: OWASP, "CSV Injection".
    """
    frame = frame.with_columns(
        pl.col(name).cast(pl.List(pl.String)).list.join("; ")
        for name, dtype in frame.schema.items()
        if isinstance(dtype, pl.List)
    )
    risky = r"^[=+\-@\t\r\n]"
    return frame.with_columns(
        pl.when(pl.col(name).str.contains(risky))
        .then(pl.lit("'") + pl.col(name))
        .otherwise(pl.col(name))
        .alias(name)
        for name, dtype in frame.schema.items()
        if dtype == pl.String
    ).write_csv()


def csv_uri(frame: pl.DataFrame) -> str:
    """:func:`csv_text` as a ``data:`` URI, with a byte-order mark so that Excel reads UTF-8."""
    body = base64.b64encode(b"\xef\xbb\xbf" + csv_text(frame).encode()).decode()
    return f"data:text/csv;charset=utf-8;base64,{body}"


def _minus(text: str) -> str:
    return text.replace("-", "\u2212")
