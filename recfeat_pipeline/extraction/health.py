"""What the stored scores of a version look like: enough of them to judge, in bounded memory."""

import polars as pl

from recfeat_pipeline.extraction.reliability import (
    KNOWN_SIMILAR,
    calibration,
    calibration_problems,
    nearest_rank,
    sample,
    similarity_problems,
)
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import SCORES

ENOUGH = 20_000  # items; of a larger catalogue a sample is judged


def stored_scores(lake: Lake, version_key: str, titles: pl.DataFrame) -> pl.DataFrame:
    """SCORES of a version in the lake.

    Of more than 20,000 items a fixed sample, with the items of
    :data:`~recfeat_pipeline.extraction.reliability.KNOWN_SIMILAR`.
    """
    known = titles.filter(pl.col("title").is_in([t for pair in KNOWN_SIMILAR for t in pair]))
    share = min(ENOUGH / max(titles.height, 1), 1.0)
    frames = [pl.DataFrame(schema=SCORES | {"item_id": titles.schema["item_id"]})]
    for frame in lake.each("scores", version=version_key):
        some = sample(frame.select("item_id").unique(), share)
        wanted = pl.concat([some, known.select("item_id")]).unique()
        frames.append(frame.join(wanted, on="item_id", how="semi"))
    return pl.concat(frames)


def scale_problems(scores: pl.DataFrame) -> list[str]:
    """How a version's scores misuse the scale from 0 to 1, as sentences; lexical ones are exempt.

    The embedded extractor counts words; it judges nothing.
    """
    judged = scores.filter(~pl.col("model").str.starts_with("lexical"))
    return calibration_problems(calibration(judged)) if judged.height else []


def pair_problems(scores: pl.DataFrame, titles: pl.DataFrame) -> list[str]:
    """Films that anyone would call alike and that the scores hold apart, as sentences."""
    known = titles.filter(pl.col("title").is_in([t for pair in KNOWN_SIMILAR for t in pair]))
    judged = scores.filter(~pl.col("model").str.starts_with("lexical"))
    if known.height < 2 or judged.is_empty():
        return []
    return similarity_problems(nearest_rank(judged, titles))
