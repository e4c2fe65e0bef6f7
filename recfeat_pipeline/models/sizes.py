"""How large an arm is, counted on its towers as they are built, without training."""

from collections.abc import Mapping

import polars as pl
import torch

from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.models.content import MIN_TAG_ITEMS
from recfeat_pipeline.models.metadata import Metadata
from recfeat_pipeline.models.sasrec import SasRec
from recfeat_pipeline.models.tower import TwoTower, count_parameters


def source_widths(
    items: pl.DataFrame, dimensions: pl.DataFrame, tags: pl.DataFrame, profile_width: int
) -> dict[str, list[str]]:
    """Column names of each content source on a corpus.

    Args:
        items: ITEMS.
        dimensions: DIMENSIONS.
        tags: TAGS.
        profile_width: of an embedded profile; 0 where there is none.
    """
    corpus = items.filter("in_corpus")
    used = tags.join(corpus.select("item_id"), on="item_id", how="semi")
    used = used.filter(pl.col("relevance") > 0).group_by("tag").len()
    return {
        "llm": dimensions["dimension"].to_list(),
        "curated": used.filter(pl.col("len") >= MIN_TAG_ITEMS)["tag"].to_list(),
        "profile": [str(column) for column in range(profile_width)],
        "genres": corpus["genres"].explode().drop_nulls().unique().to_list(),
    }


def content_width(
    arm: Arm, sources: Mapping[str, list[str]], dimensions: pl.DataFrame
) -> int | None:
    """Columns of the arm's content slot; None where a source that it needs is not there."""
    if any(not sources[source] for source in arm.content):
        return None
    columns = [(source, name) for source in arm.content for name in sources[source]]
    for group in arm.groups_left_out:
        left_out = set(dimensions.filter(group=group)["dimension"])
        columns = [(s, name) for s, name in columns if s != "llm" or name not in left_out]
    if arm.control == "mapped_tags":
        mapped = set(dimensions["genome_tags"].explode())
        columns = [(s, name) for s, name in columns if name in mapped]
    if arm.control == "pca":
        return min(len(columns), dimensions.height)
    return len(columns)


def parameters(arm: Arm, n_items: int, width: int, metadata: Metadata | None = None) -> int | None:
    """Trained numbers of the arm's model; None for one that is counted, or that lacks metadata.

    Args:
        arm: the arm.
        n_items: N.
        width: of its content slot.
        metadata: of the corpus, for the rich arms; its numbers of columns count.
    """
    if not arm.is_trained or (arm.metadata and metadata is None):
        return None
    if arm.model == "sasrec":
        return count_parameters(SasRec(n_items))
    tower = TwoTower(
        n_items,
        torch.empty(0, width) if width else None,
        four_pools=arm.four_pools,
        recency=arm.recency,
        metadata=metadata if arm.metadata else None,
    )
    return count_parameters(tower)
