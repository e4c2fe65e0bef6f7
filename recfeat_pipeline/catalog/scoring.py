"""Which items get features: another question than which are evaluated.

What is new or rare can hardly be evaluated, and has the most use for features.
"""

import polars as pl

from recfeat_pipeline.catalog.types import CorpusRules
from recfeat_pipeline.schemas import NEVER_FED

RECENT = 0.9  # quantile of event times from which an item that is first met counts as new


def scored_items(
    items: pl.DataFrame, fields: pl.DataFrame, interactions: pl.DataFrame, rules: CorpusRules
) -> pl.DataFrame:
    """Ids of the items that get a document and features, in the order of ``items``.

    ``corpus``: those that are evaluated. ``all``: those as well that have text beside the title.
    ``corpus_and_newer``: of these, the ones no older than the corpus: of its latest year or later;
    without a year, first met in the last tenth of events, or never.

    Args:
        items: ITEMS, every item of the catalogue.
        fields: FIELDS.
        interactions: INTERACTIONS, as read.
        rules: whose ``scored`` decides.
    """
    inside = pl.col("in_corpus")
    if rules.scored == "corpus":
        return items.filter(inside).select("item_id")
    told = fields.filter(
        pl.col("label") != "Title",
        ~pl.col("label").str.contains(NEVER_FED),
        pl.col("text").str.len_chars() > 0,
    )
    has_text = pl.col("item_id").is_in(told["item_id"].implode())
    if rules.scored == "all":
        return items.filter(inside | has_text).select("item_id")
    latest = pl.lit(items.filter(inside)["year"].max())
    recent = pl.lit(interactions["timestamp"].quantile(RECENT))
    met = interactions.group_by("item_id").agg(first=pl.col("timestamp").min(), met=pl.lit(True))
    undated = pl.col("year").is_null() & (
        pl.col("met").is_null() | (pl.col("first") >= recent).fill_null(False)
    )
    newer = (pl.col("year") >= latest).fill_null(False) | undated
    return (
        items.join(met, on="item_id", how="left", maintain_order="left")
        .filter(inside | (has_text & newer))
        .select("item_id")
    )
