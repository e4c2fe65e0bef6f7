"""How far the scores can be trusted: repeats, other versions and models, position, known answers.

Pure functions over SCORES frames; nothing here asks a model.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import shard_of

RETEST_SEED = 1000  # added to the version's seed, so that a retest is a call of its own

KNOWN_SIMILAR = (
    ("Toy Story (1995)", "Toy Story 2 (1999)"),
    ("Godfather, The (1972)", "Godfather: Part II, The (1974)"),
    ("Alien (1979)", "Aliens (1986)"),
    ("Die Hard (1988)", "Die Hard 2 (1990)"),
    (
        "Star Wars: Episode IV - A New Hope (1977)",
        "Star Wars: Episode V - The Empire Strikes Back (1980)",
    ),
    ("Scream (1996)", "Scream 2 (1997)"),
)
"""Films that anyone would call alike; pairs that the catalogue lacks are passed over."""


# What healthy scores keep within; breaking one is worth a look, not an error.
LEAST_ZERO = 0.3  # share of scores that are 0
MOST_HALF = 0.4  # share of the scores above 0 that lie within 0.05 of 0.5
NEAREST_SHARE = 0.05  # a known partner is among this share of the nearest items
LEAST_R = 0.7  # median correlation of a retest


def retest_version(version: PromptVersion) -> PromptVersion:
    """The same questions with another seed: other keys, so a ledger holds both answers."""
    seed = int(version.params.get("seed", 0)) + RETEST_SEED
    name = f"{version.name}-retest"
    return replace(version, name=name, params={**version.params, "seed": seed})


def sample(documents: pl.DataFrame, share: float) -> pl.DataFrame:
    """A share of the documents, chosen by id: the same ones on every run."""
    marks = shard_of(documents["item_id"].cast(pl.String) + "/sample", 10_000).cast(pl.Int64)
    return documents.filter(marks < share * 10_000)


def agreement(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """Agreement per dimension of two SCORES frames over the items they share.

    Serves test-retest (one version twice), version against version, and model against model.

    Returns:
        ``group, dimension, n_items, pearson_r, mean_difference, mean_abs_difference, share_equal``;
        r is null where a side is constant.
    """
    both = first.select("item_id", "group", "dimension", "score").join(
        second.select("item_id", "dimension", other="score"), on=["item_id", "dimension"]
    )
    gap = pl.col("other").cast(pl.Float64) - pl.col("score").cast(pl.Float64)
    r = pl.corr(pl.col("score").cast(pl.Float64), pl.col("other").cast(pl.Float64))
    return (
        both.group_by("group", "dimension", maintain_order=True)
        .agg(
            n_items=pl.len(),
            pearson_r=r,
            mean_difference=gap.mean(),
            mean_abs_difference=gap.abs().mean(),
            share_equal=(gap.abs() < 0.05).mean(),
        )
        .with_columns(pl.col("pearson_r").fill_nan(None))
    )


def retest_problems(table: pl.DataFrame) -> list[str]:
    """What is wrong with the :func:`agreement` of a version with its retest, as sentences."""
    least = LEAST_R
    r = table["pearson_r"].drop_nulls()
    median = r.median()
    if not isinstance(median, float) or median >= least:
        return []
    worst = ", ".join(table.sort("pearson_r", nulls_last=True)["dimension"].head(5))
    return [f"Asked twice, the scores correlate at {median:.2f} only (median); worst: {worst}."]


def drift(scores: pl.DataFrame, order: Sequence[str]) -> pl.DataFrame:
    """How scores move towards 0.5 with a dimension's position in the call.

    Asked in one call of 132, late dimensions slide to 0.5; asked in six, they should not.

    Args:
        scores: SCORES of one version.
        order: the dimensions as the call lists them.

    Returns:
        ``position, dimension, mean_score, share_half`` (within 0.05 of 0.5, of all scores).
    """
    positions = pl.DataFrame({"dimension": list(order)}).with_row_index("position", 1)
    half = (pl.col("score") - 0.5).abs() <= 0.0501
    by_dimension = scores.group_by("dimension").agg(
        mean_score=pl.col("score").cast(pl.Float64).mean(), share_half=half.mean()
    )
    return positions.join(by_dimension, on="dimension", maintain_order="left")


def drift_slope(drifted: pl.DataFrame) -> float:
    """Rise of ``share_half`` from the first position to the last, by least squares."""
    if drifted.height < 2:
        return 0.0
    x = np.linspace(0, 1, drifted.height)
    return float(np.polyfit(x, drifted["share_half"].to_numpy(), 1)[0])


def calibration(scores: pl.DataFrame) -> pl.DataFrame:
    """How each dimension uses the scale.

    Returns:
        ``group, dimension, n_items, mean, sd, share_zero, share_half, share_high`` (0.7 or more).
    """
    score = pl.col("score").cast(pl.Float64)
    return scores.group_by("group", "dimension", maintain_order=True).agg(
        n_items=pl.len(),
        mean=score.mean(),
        sd=score.std(),
        share_zero=(score == 0).mean(),
        share_half=((score - 0.5).abs() <= 0.0501).mean(),
        share_high=(score >= 0.6999).mean(),
    )


def calibration_problems(table: pl.DataFrame) -> list[str]:
    """What is wrong with a :func:`calibration`, as sentences; nothing for healthy scores."""
    problems = []
    if table.is_empty():
        return ["There are no scores."]
    zero, half = table["share_zero"].mean(), table["share_half"].mean()
    assert isinstance(zero, float)
    assert isinstance(half, float)
    if zero < LEAST_ZERO:
        problems.append(
            f"{zero:.0%} of the scores are 0, fewer than {LEAST_ZERO:.0%}: the model gives "
            "a little of everything."
        )
    if zero < 1 and half / (1 - zero) > MOST_HALF:
        problems.append(
            f"{half / (1 - zero):.0%} of the scores above 0 lie at 0.5: the model is hedging."
        )
    full = table.filter(pl.col("share_zero") == 0)
    if full.height:
        names = ", ".join(full["dimension"].head(5))
        problems.append(f"{full.height} dimensions are never 0: {names}.")
    return problems


def nearest_rank(
    scores: pl.DataFrame, titles: pl.DataFrame, pairs: Sequence[tuple[str, str]] = KNOWN_SIMILAR
) -> pl.DataFrame:
    """Where the known partner of an item stands among its nearest items, by cosine.

    Args:
        scores: SCORES of one version, or several shards of it.
        titles: ``item_id, title``.
        pairs: titles of items that should be near each other.

    Returns:
        One row per pair that the scores hold, both ways: ``title, partner, rank`` (1 is nearest),
        ``n_items, cosine``.
    """
    wide = scores.pivot("dimension", index="item_id", values="score").fill_null(0).sort("item_id")
    ids = wide["item_id"]
    matrix = wide.drop("item_id").to_numpy().astype(np.float64)
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    matrix = matrix / np.where(norms == 0, 1, norms)
    row_of = dict(
        titles.join(
            pl.DataFrame({"item_id": ids}).with_row_index("row"), on="item_id"
        ).select("title", "row").iter_rows()
    )  # fmt: skip
    rows = []
    for pair in pairs:
        for title, partner in (pair, pair[::-1]):
            if title in row_of and partner in row_of:
                cosine = matrix @ matrix[row_of[title]]
                theirs = cosine[row_of[partner]]
                rank = int((np.delete(cosine, row_of[title]) > theirs).sum()) + 1
                rows.append((title, partner, rank, len(ids) - 1, float(theirs)))
    schema = ["title", "partner", "rank", "n_items", "cosine"]
    dtypes = [pl.String, pl.String, pl.Int64, pl.Int64, pl.Float64]
    return pl.DataFrame(rows, schema=dict(zip(schema, dtypes, strict=True)), orient="row")


def similarity_problems(ranks: pl.DataFrame) -> list[str]:
    """Known pairs that are far apart, as sentences."""
    far = ranks.filter(
        pl.col("rank") > pl.max_horizontal(3, (pl.col("n_items") * NEAREST_SHARE).ceil())
    )
    return [
        f"{row['partner']} is only number {row['rank']:,} of {row['n_items']:,} nearest to "
        f"{row['title']}."
        for row in far.to_dicts()
    ]
