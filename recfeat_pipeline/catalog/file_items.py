"""The [items] section of a catalogue file: items and the text that makes their documents."""

from collections.abc import Callable

import polars as pl
from polars._typing import PolarsDataType

from recfeat_pipeline.catalog import clean
from recfeat_pipeline.catalog.section import DOCUMENT, IDS, ROW, Section
from recfeat_pipeline.catalog.types import Note
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.rendering import MARKUP, without_markup
from recfeat_pipeline.schemas import FIELDS
from recfeat_pipeline.text_schemas import ITEM_IDS


def read_items(section: Section) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Items in item_id order, and their fields; see :mod:`~recfeat_pipeline.catalog.files`.

    Raises:
        RecfeatError: an id stands for two titles, or no row has an id.
    """
    raw = section.frame
    section.frame = raw.with_columns(
        item_id=clean.ids(raw["id"]),
        title=clean.text(without_markup(clean.text(raw["title"]))),
    )
    section.drop("items_without_id", section.frame["item_id"].is_null(), "rows without id")
    _drop_repeated(section)
    untitled = section.frame["title"].is_null()
    section.note(
        "items_without_title",
        section.frame.filter(untitled),
        'items without title, titled "item <id>"',
    )
    section.frame = section.frame.with_columns(
        title=pl.coalesce("title", pl.format("item {}", "item_id"))
    ).sort("item_id")
    frame = section.frame
    year = _optional(section, "year", clean.year, pl.Int32)
    items = frame.select(
        "item_id",
        "title",
        year=pl.coalesce(year, clean.year_in_title(frame["title"])),
        genres=_genres(section),
        imdb_id=_optional(section, "imdb_id", clean.imdb_id, pl.String),
        tmdb_id=_optional(section, "tmdb_id", clean.integer, pl.Int64),
    )
    return items, _fields(section)


def read_ids(section: Section) -> pl.DataFrame:
    """What text sources find the items by, once :func:`read_items` has cleaned them."""
    frame = section.frame
    parts = [
        frame.select("item_id", name=pl.lit(name), id=clean.text(frame[f"{IDS}{name}"]))
        for name in section.spec.ids
    ]
    empty = pl.DataFrame(schema={**ITEM_IDS, "item_id": frame.schema["item_id"]})
    return pl.concat([empty, *parts]).drop_nulls("id")


def _drop_repeated(section: Section) -> None:
    """Drop an item's further rows; two titles under one id are two items mixed up."""
    section.frame = section.frame.sort(pl.col("title").is_null(), ROW)  # a titled row is kept
    titled = section.frame.drop_nulls("title")
    clash = titled.filter(pl.col("title").n_unique().over("item_id") > 1).sort("item_id", ROW)
    if clash.height:
        # The first row of the first such id, and its first row of another title.
        of_id = clash.filter(pl.col("item_id") == clash["item_id"][0])
        two = of_id.unique("title", keep="first", maintain_order=True).head(2)
        first, second = section.places(two)
        raise RecfeatError(
            f"{section.path}, {first} and {second}: item id {two['item_id'][0]!r} stands for "
            f"{two['title'][0]!r} and {two['title'][1]!r}; give each item an id of its own."
        )
    section.drop(
        "repeated_items", ~section.frame["item_id"].is_first_distinct(), "repeated item rows"
    )


def _optional(
    section: Section, ours: str, parse: Callable[[pl.Series], pl.Series], dtype: PolarsDataType
) -> pl.Series:
    """A parsed optional column; what does not parse is null, and counted."""
    frame = section.frame
    if ours not in frame.columns:
        return pl.Series(ours, [None], dtype=dtype).new_from_index(0, frame.height)
    parsed = parse(frame[ours])
    bad = frame.filter(clean.given(frame[ours]) & parsed.is_null()).sort(ROW)
    section.note(f"unparsable_{ours}", bad, f"items whose {ours} does not parse: null")
    return parsed.cast(dtype)


def _genres(section: Section) -> pl.Series:
    """From [items] genres, else from the document column labelled "Genres"."""
    labels = {label.lower(): f"{DOCUMENT}{label}" for label in section.spec.document}
    column = "genres" if "genres" in section.frame.columns else labels.get("genres")
    if column is None:
        return pl.Series([[]], dtype=pl.List(pl.String)).new_from_index(0, section.frame.height)
    return clean.genres(section.frame[column])


def _fields(section: Section) -> pl.DataFrame:
    """Title first, unless the file labels one of its own; then its labels in their order."""
    columns = {label: f"{DOCUMENT}{label}" for label in section.spec.document}
    if "Title" not in columns:
        columns = {"Title": "title", **columns}
    parts = [
        section.frame.select(
            "item_id",
            source=pl.lit("catalog"),
            label=pl.lit(label),
            position=pl.lit(position, dtype=pl.Int32),
            text=clean.document_text(section.frame[column]),
        )
        for position, (label, column) in enumerate(columns.items())
    ]
    fields = pl.concat(parts).drop_nulls("text").sort("item_id", "position")
    if n := int(fields["text"].str.contains(MARKUP).sum()):
        message = f"{section.path.name}: {n:,} texts hold HTML; its tags are never fed"
        section.notes.append(Note("html", n, message))
    return fields.select(FIELDS.keys())
