"""Identical texts under several items: a sign that one of them is not its own."""

import polars as pl

MIN_CHARS = 80  # shorter texts ("Drama") repeat honestly


def duplicate_texts(fields: pl.DataFrame) -> pl.DataFrame:
    """Long texts that stand under several items.

    Args:
        fields: FIELDS rows.

    Returns:
        ``label, source, item_ids, n_items, excerpt``, most items first.
    """
    return (
        fields.filter(pl.col("text").str.len_chars() >= MIN_CHARS)
        .group_by("label", "source", "text")
        .agg(pl.col("item_id").unique().sort().alias("item_ids"))
        .with_columns(pl.col("item_ids").list.len().alias("n_items"))
        .filter(pl.col("n_items") > 1)
        .select(
            "label", "source", "item_ids", "n_items", pl.col("text").str.head(80).alias("excerpt")
        )
        .sort("n_items", "label", "excerpt", descending=[True, False, False])
    )
