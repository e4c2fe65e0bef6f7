"""From stored answers to the fields of documents, and a new item from nothing but an id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import FIELDS
from recfeat_pipeline.text.identity.vote import identify, refused
from recfeat_pipeline.text.source import Progress, ScrapeSummary, Source
from recfeat_pipeline.text_schemas import IDENTITY, LANGUAGES


@dataclass(frozen=True)
class Collected:
    """What the sources have for some items."""

    fields: pl.DataFrame  # FIELDS of scraped sources, without those that the vote refused
    identity: pl.DataFrame  # IDENTITY: the vote
    languages: pl.DataFrame  # LANGUAGES of those fields, where their source says it


def collect(
    items: pl.DataFrame,
    sources: Sequence[Source],
    lake: Lake,
    excluded: Mapping[tuple[Any, str], str] | None = None,
) -> Collected:
    """Parse what is stored for the items; sends nothing. Meant for one shard at a time.

    Args:
        items: ``item_id, title, year, imdb_id, tmdb_id`` and, if known, ``creators``.
        sources: those whose text is wanted.
        lake: where their answers lie.
        excluded: (item, url) → why the user said that the page is not the item.
    """
    fields, evidence = [], []
    for source in sources:
        raw = source.raw(items, source.store(lake))
        fields.append(source.fields(raw))
        found_by = raw.select("item_id", found_by="how_found")
        evidence.append(source.evidence(raw).join(found_by, on="item_id", how="left"))
    item_id = items.schema["item_id"]
    if not fields:
        tables = (FIELDS, IDENTITY, LANGUAGES)
        return Collected(*(pl.DataFrame(schema={**t, "item_id": item_id}) for t in tables))
    weights = {source.name: source.weight for source in sources}
    identity = identify(items, evidence, weights, excluded)
    out = refused(identity).select("item_id", "source")
    found = pl.concat(fields, how="diagonal").join(
        out, on=["item_id", "source"], how="anti", maintain_order="left"
    )
    told = (
        found
        if "language" in found.columns
        else found.with_columns(language=pl.lit(None, pl.String))
    )
    languages = told.select(LANGUAGES.keys()).drop_nulls("language")
    return Collected(found.select(FIELDS.keys()), identity, languages)


CREATORS = (
    "Director",
    "Directors",
    "Author",
    "Authors",
    "Artist",
    "Artists",
    "Creator",
    "Creators",
)
"""Labels under which a catalogue names who made a work."""


CREATOR_IDS = ("author", "artist")
"""Names of ITEM_IDS that say who made a work."""


def with_ids(items: pl.DataFrame, ids: pl.DataFrame) -> pl.DataFrame:
    """Items with a column ``id_NAME`` for each name of ITEM_IDS that the catalogue gives.

    An author or artist is its creator, where its text names none.
    """
    for (name,), rows in ids.group_by("name", maintain_order=True):
        own = rows.select("item_id", pl.col("id").alias(f"id_{name}")).unique("item_id")
        items = items.join(own, on="item_id", how="left", maintain_order="left")
        if name in CREATOR_IDS and "creators" in items.columns:
            maker = pl.concat_list(f"id_{name}")
            known = pl.col("creators").is_not_null() | pl.col(f"id_{name}").is_null()
            items = items.with_columns(creators=pl.when(known).then("creators").otherwise(maker))
    return items


def with_creators(items: pl.DataFrame, catalog_fields: pl.DataFrame) -> pl.DataFrame:
    """Items with the directors, authors or artists that the catalogue's own text names."""
    creators = (
        catalog_fields.filter(pl.col("label").is_in(CREATORS))
        .group_by("item_id")
        .agg(pl.col("text").str.join(", ").str.split(", ").alias("creators"))
    )
    return items.join(creators, on="item_id", how="left")


def scrape_new_item(
    item_id: Any,
    tmdb_id: int,
    sources: Sequence[Source],
    lake: Lake,
    *,
    progress: Progress | None = None,
) -> tuple[pl.DataFrame, Collected, list[ScrapeSummary]]:
    """Scrape an item that the catalogue does not have, known by its TMDB id alone.

    TMDB is asked first and lends its title, year, directors and IMDb id to the other sources.

    Returns:
        The item (one row as :func:`collect` takes it), what was collected, and each scrape's
        summary.

    Raises:
        RecfeatError: TMDB is not enabled, does not know the id, or cannot be reached.
    """
    tmdb = next((source for source in sources if source.name == "tmdb"), None)
    if tmdb is None:
        raise RecfeatError(
            "Only TMDB knows what a TMDB id is: set TMDB_API_KEY, or give a title and text."
        )
    item = _item(item_id, tmdb_id, {})
    summaries = [tmdb.scrape(item, tmdb.store(lake), progress=progress)]
    known = tmdb.evidence(tmdb.raw(item, tmdb.store(lake)))
    if known.is_empty():
        if summaries[0].stopped:
            raise tmdb.given_up(summaries[0].stopped)
        why = ", ".join(summaries[0].reasons) or "no answer is stored"
        raise RecfeatError(f"TMDB has no film {tmdb_id}: {why}. Check the id, or try again later.")
    full = _item(item_id, tmdb_id, known.row(0, named=True))
    for source in sources:
        if source is not tmdb:
            summaries.append(source.scrape(full, source.store(lake), progress=progress))
    # TMDB's row was stored under the id alone: its key has no IMDb id yet.
    collected = collect(full, [source for source in sources if source is not tmdb], lake)
    own = tmdb.fields(tmdb.raw(item, tmdb.store(lake))).select(FIELDS.keys())
    fields = pl.concat([own, collected.fields])
    return full, replace(collected, fields=fields), summaries


def _item(item_id: Any, tmdb_id: int, known: dict[str, Any]) -> pl.DataFrame:
    years = known.get("years") or []
    return pl.DataFrame(
        {
            "item_id": [item_id],
            "title": [known.get("title")],
            "year": [min(years, default=None)],
            "imdb_id": [known.get("imdb_id")],
            "tmdb_id": [tmdb_id],
            "creators": [known.get("creators") or []],
        },
        schema_overrides={
            "title": pl.String,
            "year": pl.Int32,
            "imdb_id": pl.String,
            "tmdb_id": pl.Int64,
            "creators": pl.List(pl.String),
        },
    )
