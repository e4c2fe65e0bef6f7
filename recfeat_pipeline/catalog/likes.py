"""What counts as a like: which rows are events, and what their ratings mean."""

from dataclasses import dataclass

import polars as pl

from recfeat_pipeline.catalog import clean
from recfeat_pipeline.catalog.section import Section
from recfeat_pipeline.catalog.types import Note

REPEATS = ("first", "last")
TRUE, FALSE = ("true", "t", "yes", "y"), ("false", "f", "no", "n")


@dataclass(frozen=True)
class Likes:
    """Keys of [interactions] that say what a like is."""

    positive_from: float | None = None  # a rating or count below it is no event; then none weighs
    not_rated: tuple[float, ...] = ()  # ratings that mean there is none, such as 0 or -1
    kinds: tuple[str, ...] = ()  # the kinds of event that count; none named: all
    repeats: str = REPEATS[0]  # which row of a repeated (user, item) is kept


def select_kinds(section: Section, likes: Likes) -> None:
    """Keep the kinds of event that count, and say how many there are of each."""
    if "kind" not in section.columns:
        return
    kinds = clean.text(section.frame["kind"])
    counts = kinds.fill_null("(none)").value_counts(sort=True).head(8)
    listed = ", ".join(f"{kind} {n:,}" for kind, n in counts.iter_rows())
    message = f"{section.path.name}: kinds of event: {listed}"
    section.notes.append(Note("kinds_of_event", 0, message))
    if likes.kinds:
        other = ~kinds.is_in(likes.kinds).fill_null(False)
        section.drop("other_kinds", other, f"rows of other kinds than {', '.join(likes.kinds)}")


def select_likes(section: Section, likes: Likes) -> None:
    """Put numbers in ``rating``; drop rows that are no likes.

    A count says how often: a row with none is no event, and counts do not weigh histories, since
    a low one is no dislike. A boolean says yes or no: a no is no event. Where a threshold parts
    likes from the rest, all that stays is liked alike.

    Raises:
        RecfeatError: the column mostly holds no numbers, or no row is a like.
    """
    ours = next((key for key in ("rating", "count") if key in section.columns), None)
    if ours is None:
        section.frame = section.frame.with_columns(rating=pl.lit(None, dtype=pl.Float32))
        return
    flags = _flags(section.frame[ours])
    threshold = likes.positive_from
    if threshold is None and (flags is not None or ours == "count"):
        threshold = 1
    parsed = clean.number(section.frame[ours], section.form.decimal) if flags is None else flags
    section.replace(ours, parsed.cast(pl.Float32), "not a number", f"unparsable_{ours}")
    rating = section.frame[ours]
    if likes.not_rated:
        unrated = (
            rating.cast(pl.Float64)
            .is_in(pl.Series(likes.not_rated, dtype=pl.Float64).implode())
            .fill_null(False)
        )
        listed = ", ".join(f"{value:g}" for value in likes.not_rated)
        section.note(
            "not_rated", section.frame.filter(unrated), f"ratings of {listed} read as none"
        )
        rating = rating.set(unrated, None)
    if threshold is not None:
        below = (rating < threshold).fill_null(False)
        rating = rating.set(rating.is_not_null(), None)
        section.frame = section.frame.with_columns(rating=rating)
        section.drop(
            "no_likes", below, f"rows whose {section.columns[ours]} is below {threshold:g}"
        )
    else:
        section.frame = section.frame.with_columns(rating=rating)


def _flags(values: pl.Series) -> pl.Series | None:
    """1 and 0 for a column of true and false; None for any other."""
    if values.dtype != pl.String:
        return None
    words = clean.text(values).str.to_lowercase()
    words = words.set(~clean.given(words), None)
    known = [*TRUE, *FALSE]
    if words.null_count() == len(words) or not words.drop_nulls().is_in(known).all():
        return None
    return words.is_in(TRUE).cast(pl.Float64)
