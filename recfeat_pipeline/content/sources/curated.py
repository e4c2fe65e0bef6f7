"""Curated tags (the genome, crowd tags): relevance in [0, 1].

A tag on fewer than MIN_TAG_ITEMS corpus items is dropped: it names items rather than describing
them.
"""

import polars as pl

from recfeat_pipeline.content.source import Source

MIN_TAG_ITEMS = 5
PUBLISHED_TAGS = 1_128


def _scale(rows: pl.DataFrame) -> pl.DataFrame:
    """Relevance as it is; counts of people who applied a tag as logs over the item's largest.

    Any value above 1 is a count: log(1 + count), so that a much-tagged item is not a larger one.
    """
    if not rows.height or rows["value"].max() <= 1:  # type: ignore[operator]
        return rows
    logs = pl.col("value").log1p()
    return rows.with_columns(logs / logs.max().over("item_id"))


def _example(dimensions: pl.DataFrame) -> list[str]:
    mapped = dimensions["genome_tags"].explode().unique().to_list()
    return [*mapped, *(f"tag {number}" for number in range(PUBLISHED_TAGS - len(mapped)))]


source = Source(
    columns=f"""
        SELECT tag AS name FROM features.genome JOIN catalog.items USING (item_id)
        WHERE in_corpus AND relevance > 0
        GROUP BY tag HAVING count(*) >= {MIN_TAG_ITEMS} ORDER BY tag
    """,
    rows="""
        SELECT item_id, tag AS name, relevance AS value FROM features.genome WHERE relevance > 0
    """,
    scale=_scale,
    example=_example,
)
