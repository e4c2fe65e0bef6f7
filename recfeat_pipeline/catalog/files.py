"""Read the user's own tables, as a catalogue file (TOML) describes them.

Data files are read, never executed; their paths are relative to the catalogue file. What happens
to each mistake:

=========================================================  ======================================
mistake                                                    what happens
=========================================================  ======================================
invalid TOML, unknown or missing key, wrong type           error: file, line, did-you-mean
missing file or column; empty file; unknown kind of file   error: file, nearest name
CSV row with too many or too few fields; text not UTF-8    error: file, line
quotation mark not closed, or closed in a later row        error: file, line
a day or a month first: cannot be told                     error: file, line, both formats
a column of lists, structs or bytes where values belong    error: file, column
one item id with two titles                                error: file, both lines
a split that is not train, valid or test                   error: file, line
no interaction, or no tag, of a known item                 error: file, first line
more than half of a column does not parse                  error: file, column, first line
an item row repeated; an item, user or tag without id      row dropped, note
an item without title                                      titled "item <id>", note
year, IMDb or TMDB id that does not parse                  null, note
rating, count or relevance that does not parse             row dropped, note with lines
timestamp or position that does not parse                  null (unordered), note with lines
timestamp at or before 1970, or after 2099                 null (unordered), note with lines
timestamps in milli-, micro- or nanoseconds, row by row    converted, note
timestamps that count 0, 1, 2, … (an order, no time)       read as position, note
a (user, item) pair repeated                               first kept (by split, then time), note
an (item, tag) pair repeated                               the largest relevance kept
interaction or tag of an item that is not in [items]       row dropped, note
no split where other rows have one                         train, note
no rating, no timestamp, no relevance (empty, "NA", NaN)   implicit, unordered, 1.0
=========================================================  ======================================

Ids are integers when every id of their kind is one; items decide for item ids, so that one stray
id among the interactions is an unknown item, not a change of type.
"""

from pathlib import Path

import polars as pl

from recfeat_pipeline.catalog import clean
from recfeat_pipeline.catalog.fetch import Progress
from recfeat_pipeline.catalog.file_interactions import read_interactions
from recfeat_pipeline.catalog.file_items import read_ids, read_items
from recfeat_pipeline.catalog.section import Section, select_known
from recfeat_pipeline.catalog.spec import read_spec
from recfeat_pipeline.catalog.types import Catalog, Note
from recfeat_pipeline.schemas import TAGS


def read_files(file: Path, progress: Progress | None = None) -> Catalog:
    """Read the catalogue that a TOML file describes; ``progress`` is told of downloads.

    Raises:
        RecfeatError: a mistake that cannot be repaired (see the table above).
    """
    spec, notes = read_spec(file), list[Note]()
    sections = {name: Section(spec, name, notes, progress) for name in spec.paths}
    items, fields = read_items(sections["items"])
    ids = read_ids(sections["items"])
    interactions = read_interactions(sections["interactions"], items, sections["items"], spec.likes)
    tags = _read_tags(sections["tags"], items, sections["items"]) if "tags" in sections else None
    return Catalog(
        name=spec.name,
        items=items,
        fields=fields,
        interactions=interactions,
        tags=tags,
        rules=spec.rules,
        notes=tuple(notes),
        source=str(file),
        ids=ids,
    )


def _read_tags(section: Section, items: pl.DataFrame, items_section: Section) -> pl.DataFrame:
    raw = section.frame
    section.frame = raw.with_columns(
        item_id=clean.ids_like(raw["item"], items["item_id"].dtype), tag=clean.text(raw["tag"])
    )
    no_item = ~clean.given(section.frame["item"])
    section.drop("tags_without_item", no_item, "rows without item")
    section.drop("tags_without_name", section.frame["tag"].is_null(), "rows without tag")
    if "relevance" in section.frame.columns:
        parsed = clean.number(section.frame["relevance"], section.form.decimal)
        section.replace("relevance", parsed, "not a number", "unparsable_relevance")
        relevance = pl.col("relevance").fill_null(1.0)
    else:
        relevance = pl.lit(1.0)
    select_known(section, items.select("item_id"), "tags_of_unknown_items", items_section)
    return (
        section.frame.group_by("item_id", "tag")
        .agg(relevance=relevance.max().cast(pl.Float32))
        .sort("item_id", "tag")
        .select(TAGS.keys())
    )
