"""Schemas of what text sources answer, beside those that every stage shares."""

import polars as pl

from recfeat_pipeline.schemas import ID, Schema

ITEM_IDS: Schema = {
    "item_id": ID,
    "name": pl.String,  # "isbn", "page", "musicbrainz", …: what a text source knows an item by
    "id": pl.String,
}
"""One row per item and id, author or address that the catalogue gives for text sources."""

RAW: Schema = {
    "item_id": ID,
    "key": pl.String,  # the id it was asked for: "tmdb:862"; another key makes the row void
    "fetched_at": pl.Datetime("us", "UTC"),  # when it was asked
    "status": pl.String,  # "ok" | "partial" | "missing" | "failed"
    "reason": pl.String,  # why not ok; null when ok
    "how_found": pl.String,  # by "id", "find", "imdb_id", "tmdb_id", "search"; or "unchanged"
    "revision": pl.String,  # the source's own version of the body
    "url": pl.String,  # for people and attribution; holds no secret
    "body": pl.String,  # whole, as it came; null with "ok": the stored revision is still current
}
"""One row per answer of a text source about an item; append-only, the newest answer wins."""

CHANGES: Schema = {
    "url": pl.String,
    "noted_at": pl.Datetime("us", "UTC"),
}
"""One row per page or record that a source's change feed has named; append-only."""

LEFT: Schema = {
    "item_id": ID,
    "left_at": pl.Datetime("us", "UTC"),
}
"""One row per item that the catalogue lists no longer, and that is kept for a while."""

LANGUAGES: Schema = {
    "item_id": ID,
    "source": pl.String,
    "label": pl.String,
    "language": pl.String,  # ISO 639-1
}
"""One row per field whose source says in which language it is: as asked for, or a fall-back."""

IDENTITY: Schema = {
    "item_id": ID,
    "source": pl.String,
    "used": pl.Boolean,  # the page is about the item, as far as the vote can tell
    "score": pl.Float64,  # what speaks for it less what speaks against it
    "doubt": pl.Float64,  # 1: a toss-up; towards 0 the surer
    "reason": pl.String,  # what speaks against it; null: nothing
    "found_by": pl.String,  # RAW's how_found
    "title": pl.String,  # as the source has it
    "years": pl.List(pl.Int32),
    "creators": pl.List(pl.String),
    "url": pl.String,
}
"""One row per item × source that has a page for it: the vote on whether it is the item."""
