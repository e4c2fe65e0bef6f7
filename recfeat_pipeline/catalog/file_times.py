"""When events took place, or at least in which order."""

import polars as pl

from recfeat_pipeline.catalog import clean
from recfeat_pipeline.catalog.section import Section
from recfeat_pipeline.catalog.types import Note

A_COUNT = 10_000_000
"""Numbers up to this are no Unix seconds of anybody's clicks: April 1970."""
MOST_USERS = 0.9
AMBIGUOUS = r"^\s*\d{1,2}[/.-]\d{1,2}[/.-](\d{4}|\d{2})\b"


def read_times(section: Section) -> None:
    """Put Unix seconds in ``timestamp`` and the place in a user's history in ``position``.

    A row whose time cannot be read stays, without order. A timestamp column that merely counts is
    taken for positions.

    Raises:
        RecfeatError: a column that mostly holds no times or whole numbers, or days and months in
            an order that nobody can tell.
    """
    nothing = pl.lit(None, dtype=pl.Int64)
    if "position" in section.columns:
        parsed = clean.integer(section.frame["position"])
        _refuse_unread(section, "position", parsed, "no whole number")
        section.frame = section.frame.with_columns(position=parsed)
    else:
        section.frame = section.frame.with_columns(position=nothing)
    if "timestamp" not in section.columns:
        section.frame = section.frame.with_columns(timestamp=nothing)
        return
    _refuse_ambiguous(section)
    parsed, units = clean.seconds(section.frame["timestamp"], section.form.date_format)
    if "position" not in section.columns and _counts(section.frame, parsed):
        section.notes.append(
            Note(
                "timestamp_counts",
                section.frame.height,
                f"{section.path.name}: {section.columns['timestamp']!r} counts rather than tells "
                "the time; read as the order of a user's events (name it `position`)",
            )
        )
        section.frame = section.frame.with_columns(position=parsed, timestamp=nothing)
        return
    for unit, n in units.items():
        message = f"{section.path.name}: {n:,} times are in {unit}; converted to seconds"
        section.notes.append(Note("timestamp_unit", n, message))
    _refuse_unread(section, "timestamp", parsed, "not a time")
    outside = ((parsed <= 0) | (parsed >= clean.MAX_TIMESTAMP)).fill_null(False)
    section.refuse_if_most(outside, "timestamp", "no time between 1970 and 2100")
    section.note(
        "timestamps_out_of_range",
        section.frame.filter(outside),
        "timestamps outside 1970-2099 read as unknown",
    )
    section.frame = section.frame.with_columns(timestamp=parsed.set(outside, None))


def _counts(frame: pl.DataFrame, parsed: pl.Series) -> bool:
    """Whether numbers from 0 or 1 go up one by one, over all rows or within nearly every user."""
    if frame["timestamp"].dtype.is_temporal() or parsed.null_count():
        return False
    low, high = pl.col("at").min(), pl.col("at").max()
    up = low.is_between(0, 1) & (high - low + 1 == pl.len()) & (high <= A_COUNT)
    numbered = pl.DataFrame({"user": frame["user_id"], "at": parsed})
    if numbered.select(up).item():
        return True
    of_users = numbered.group_by("user").agg(up.alias("up"), pl.len())
    several = of_users.filter(pl.col("len") > 1)["up"]
    return int(several.sum()) > MOST_USERS * len(several)


def _refuse_unread(section: Section, ours: str, parsed: pl.Series, problem: str) -> None:
    bad = clean.given(section.frame[ours]) & parsed.is_null()
    section.refuse_if_most(bad, ours, problem)
    section.note(
        f"unparsable_{ours}",
        section.frame.filter(bad),
        f"rows whose {ours} is {problem}: kept, without order",
    )


def _refuse_ambiguous(section: Section) -> None:
    values = section.frame["timestamp"]
    if values.dtype != pl.String or section.form.date_format:
        return
    unclear = section.frame.filter(values.str.contains(AMBIGUOUS).fill_null(False))
    if unclear.is_empty():
        return
    value = str(unclear["timestamp"][0]).strip()
    mark = next(c for c in value if not c.isdigit())
    year = "%Y" if len(value.split()[0].split(mark)[-1][:4]) == 4 else "%y"
    rest = " %H:%M:%S" if value.count(":") == 2 else " %H:%M" if ":" in value else ""
    day_first, month_first = (
        f'date_format = "{mark.join((*parts, year))}{rest}"'
        for parts in (("%d", "%m"), ("%m", "%d"))
    )
    raise section.error(
        unclear,
        "timestamp",
        f"{value!r} may begin with the day or the month; say which under [interactions]: "
        f"{day_first} or {month_first}. Read without saying: 2024-03-31, 2024-03-31T18:05:00Z and "
        "Unix seconds.",
    )
