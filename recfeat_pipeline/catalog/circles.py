"""Fields that spell the curated tags out: agreement with the tags is then reading them back."""

from collections.abc import Iterator, Sequence

import polars as pl

from recfeat_pipeline.schemas import NEVER_FED

SAMPLE = 1_000  # items looked at
A_CIRCLE, LEAST_PAIRS = 0.7, 20  # share of tags that a field repeats; pairs that can tell


def circles(
    tags: pl.DataFrame | None,
    fields: pl.DataFrame,
    items: pl.DataFrame,
    shown: Sequence[str] | None = None,
) -> Iterator[str]:
    """A sentence for each field that is fed and spells out most of its items' tags.

    Args:
        tags: TAGS; None or empty: there is nothing to agree with.
        fields: FIELDS of the catalogue.
        items: those compared, by ``item_id``.
        shown: labels of the fields that a prompt version shows; None: all.
    """
    if tags is None or tags.is_empty():
        return
    fed = ~pl.col("label").str.contains(NEVER_FED) & (pl.col("label") != "Title")
    if shown is not None:
        fed &= pl.col("label").is_in(list(shown))
    some = items.select("item_id").gather_every(max(items.height // SAMPLE, 1))
    told = fields.filter(fed).with_columns(pl.col("text").str.to_lowercase())
    tag = pl.col("tag").str.strip_chars().str.to_lowercase()
    pairs = tags.join(some, on="item_id", how="semi").select("item_id", tag)
    for (label,), rows in told.group_by("label", maintain_order=True):
        met = pairs.join(rows.unique("item_id").select("item_id", "text"), on="item_id")
        if met.height < LEAST_PAIRS:
            continue
        share = met.select(pl.col("text").str.contains(pl.col("tag"), literal=True).mean()).item()
        if share >= A_CIRCLE:
            yield (
                f"The field {label!r} spells out {share:.0%} of its items' curated tags: agreement "
                "with the tags then shows that the text was read, and nothing more. Leave the "
                "field out of [items.document] to measure agreement."
            )
