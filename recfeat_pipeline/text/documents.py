"""Documents: what a prompt says about an item, one labelled field a line, cut at feed time.

Whole fields are kept beside the text (:mod:`recfeat_pipeline.rendering` cuts them for prompt
versions of their own). Build a large catalogue shard by shard to keep memory flat.
"""

import hashlib
from collections.abc import Sequence

import polars as pl

from recfeat_pipeline.rendering import DEFAULT_CUTS, clean, cut, render, without_markup
from recfeat_pipeline.schemas import DOCUMENTS, NEVER_FED

RULES = 2
"""Raised when documents are made in another way, so that a day on which they all change for that
reason is not held to be a suspicious one."""

SOURCES = ("tmdb", "wikipedia", "wikidata")
"""Of several sources that give one label, the first with text wins, after the catalogue."""

TITLE_LIMIT = 200  # characters; the longest film title in MovieLens has 160

ODD = r"[^\x20-\x7E]|  |^ | $"  # what cleaning might change; most text has none of it


def build_documents(
    items: pl.DataFrame, fields: pl.DataFrame, sources: Sequence[str] = SOURCES
) -> pl.DataFrame:
    """One document an item, rendered with :data:`DEFAULT_CUTS`.

    Args:
        items: ``item_id, title`` and, where known, ``year`` (ITEMS schema); one row per document.
        fields: the text of those items from any number of sources (FIELDS schema); rows of other
            items are ignored.
        sources: the order in which sources are preferred; unlisted ones come last.

    Returns:
        DOCUMENTS frame in the order of ``items``. An item without any text keeps its title.
    """
    kept = _chosen(items, fields, ("catalog", *sources))
    nested = kept.group_by("item_id", maintain_order=True).agg(
        fields=pl.struct("label", "source", "text")
    )
    frame = (
        items.select("item_id", title=_display_title(items))
        .join(nested, on="item_id", how="left", maintain_order="left")
        .with_columns(pl.col("fields").fill_null(pl.lit([], dtype=DOCUMENTS["fields"])))
    )
    text = render(frame, DEFAULT_CUTS)
    hashes = [hashlib.sha256(t.encode()).hexdigest() for t in text]
    return frame.select(
        "item_id",
        "title",
        text.alias("text"),
        pl.Series("content_hash", hashes, dtype=pl.String),
        text.str.len_chars().cast(pl.Int32).alias("n_chars"),
        "fields",
    )


def _chosen(items: pl.DataFrame, fields: pl.DataFrame, order: Sequence[str]) -> pl.DataFrame:
    """Clean, drop what is never fed, keep one source per label, order by position."""
    priority = pl.col("source").replace_strict(
        {source: rank for rank, source in enumerate(order)},
        default=len(order),
        return_dtype=pl.Int32,
    )
    fields = fields.with_columns(without_markup(fields["text"]))
    rows = fields.lazy().join(items.lazy().select("item_id"), on="item_id", how="semi")
    rows = rows.with_columns(label=clean(pl.col("label").str.replace_all(":", "")))
    odd = pl.col("text").str.contains(ODD)
    cleaned = [rows.filter(~odd), rows.filter(odd).with_columns(clean(pl.col("text")))]
    return (
        pl.concat(cleaned)
        .filter(
            pl.col("text").str.len_chars() > 0,
            pl.col("label").str.len_chars() > 0,
            ~pl.col("label").str.contains(NEVER_FED),
            pl.col("label") != "Title",
        )
        .sort("item_id", priority, "source", "position")
        .unique(["item_id", "label"], keep="first", maintain_order=True)
        .sort("item_id", "position", priority, "label")
        .select("item_id", "label", "source", "text")
        .collect()
    )


def _display_title(items: pl.DataFrame) -> pl.Expr:
    """The title with its year, as the identity echo expects it: "Alien (1979)"."""
    title = cut(clean(pl.col("title")), TITLE_LIMIT)
    title = pl.when(title.str.len_chars() > 0).then(title)
    title = pl.coalesce(title, "Item " + pl.col("item_id").cast(pl.String))
    if "year" not in items.columns:
        return title
    year = pl.col("year").cast(pl.String)
    dated = title.str.contains(r"\(\d{4}[^)]*\)\s*$") | year.is_null()
    return pl.when(dated).then(title).otherwise(title + " (" + year + ")")
