"""Scores that were made elsewhere, as a version beside those that were asked for here."""

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.keys import sha256_of_rows
from recfeat_pipeline.extraction.types import IMPORTED, now
from recfeat_pipeline.lake import Lake, shard_of
from recfeat_pipeline.schemas import SCORES
from recfeat_pipeline.taxonomy import Taxonomy


def import_scores(given: pl.DataFrame, taxonomy: Taxonomy, name: str) -> tuple[str, pl.DataFrame]:
    """Scores on a taxonomy, complete: a dimension that is not given for an item is 0.

    Args:
        given: ``item_id, dimension, score``, one row per item and dimension. An item without any
            row is not scored.
        taxonomy: names the dimensions, and gives their groups and order.
        name: of the version; its key carries a hash of scores and taxonomy, as a prompt version's
            carries one of its prompts.

    Returns:
        (version key, :data:`~recfeat_pipeline.schemas.SCORES`), items × dimensions rows.

    Raises:
        RecfeatError: a dimension that the taxonomy lacks, two scores of one, a score that is no
            number in [0, 1].
    """
    told = taxonomy.frame().select("group", "dimension", "position")
    strange = given.join(told, on="dimension", how="anti")
    if strange.height:
        raise RecfeatError(
            f"The scores to import name the dimension {strange['dimension'][0]!r}, which the "
            f"taxonomy {taxonomy.name!r} does not have: is it another taxonomy's file?"
        )
    twice = given.filter(pl.struct("item_id", "dimension").is_duplicated())
    if twice.height:
        item, dimension = twice.select("item_id", "dimension").row(0)
        raise RecfeatError(f"The scores to import score item {item} twice on {dimension!r}.")
    score = pl.col("score").cast(pl.Float32, strict=False)
    wrong = given.filter(~score.is_between(0, 1).fill_null(False) | score.is_nan())
    if wrong.height:
        item, dimension, value = wrong.select("item_id", "dimension", "score").row(0)
        raise RecfeatError(
            f"The scores to import give item {item} {value!r} on {dimension!r}; a score is a "
            "number from 0 to 1."
        )
    items = given.select("item_id").unique().sort("item_id")
    frame = (
        items.join(told, how="cross")
        .join(given.select("item_id", "dimension", score), on=["item_id", "dimension"], how="left")
        .sort("item_id", "position")
        .with_columns(
            pl.col("score").fill_null(0.0),
            model=pl.lit(IMPORTED),
            cache_key=pl.lit(None, pl.String),
            generated_at=pl.lit(now(), SCORES["generated_at"]),
        )
        .select(list(SCORES))
    )
    digest = sha256_of_rows(frame.select("item_id", "dimension", "score"), taxonomy.frame())
    return f"{name}@{digest[:8]}", frame


def write_scores(lake: Lake, key: str, taxonomy: Taxonomy, frame: pl.DataFrame) -> None:
    """Put the SCORES of one version into the lake, shard by shard, with what they mean."""
    lake.write("dimensions", taxonomy.frame(), version=key)
    for (shard,), part in frame.group_by(shard_of(frame["item_id"], lake.n_shards)):
        lake.write("scores", part, version=key, shard=str(shard))
