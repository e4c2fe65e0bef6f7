import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.evaluation.agreement import (
    agreement_contrasts,
    agreement_intervals,
    correlate,
    version_agreement,
)
from recfeat_pipeline.schemas import AGREEMENT_CONTRASTS, AGREEMENT_INTERVALS, VERSION_AGREEMENT

N = 200
DIMENSIONS = pl.DataFrame(
    {
        "dimension": ["war", "love", "flat", "unmapped"],
        "group": ["themes", "themes", "tone", "tone"],
        "genome_tags": [["war", "battle"], ["love"], ["dark"], ["nowhere"]],
        "position": [0, 1, 2, 3],
    }
).join(pl.DataFrame({"version": ["also good", "good", "noise"]}), how="cross")


@pytest.fixture(scope="module")
def world() -> dict[str, pl.DataFrame]:
    """Version ``good`` follows the tags, ``noise`` does not; ``love`` follows popularity only."""
    rng = np.random.default_rng(0)
    popularity = rng.integers(10, 10_000, N)
    prestige = np.log1p(popularity) / 10
    truth = {"war": rng.random(N), "love": prestige + rng.normal(0, 0.01, N), "dark": rng.random(N)}
    truth["battle"] = np.clip(truth["war"] + rng.normal(0, 0.05, N), 0, 1)
    tags = pl.DataFrame({"item_id": np.arange(N), **truth}).unpivot(
        index="item_id", variable_name="tag", value_name="relevance"
    )
    versions = []
    for version, noise in (("good", 0.3), ("noise", 50.0)):
        scores = {
            "war": truth["war"] + rng.normal(0, noise, N),
            "love": prestige + rng.normal(0, noise / 10, N),
            "flat": np.full(N, 0.5),
            "unmapped": rng.random(N),
        }
        versions.append(
            pl.DataFrame({"item_id": np.arange(N), **scores})
            .unpivot(index="item_id", variable_name="dimension", value_name="score")
            .with_columns(version=pl.lit(version))
        )
    items = pl.DataFrame({"item_id": np.arange(N), "n_ratings": popularity})
    return {"features": pl.concat(versions), "tags": tags, "items": items}


def table(world) -> pl.DataFrame:
    return agreement_intervals(world["features"], world["tags"], DIMENSIONS, world["items"])


def row(frame: pl.DataFrame, version: str, group: str, dimension: str | None) -> dict:
    same = pl.col("dimension").eq_missing(pl.lit(dimension))
    return frame.row(
        by_predicate=(pl.col("version") == version) & (pl.col("group") == group) & same, named=True
    )


def test_weighted_correlation_is_that_of_the_repeated_rows():
    rng = np.random.default_rng(1)
    x, y = rng.random((6, 2)), rng.random((6, 2))
    drawn = np.array([0, 0, 3, 5, 5, 5])
    weights = np.stack([np.ones(6), np.bincount(drawn, minlength=6)])
    got = correlate(x, y, weights)
    for column in range(2):
        assert got[0, column] == pytest.approx(np.corrcoef(x[:, column], y[:, column])[0, 1])
        expected = np.corrcoef(x[drawn, column], y[drawn, column])[0, 1]
        assert got[1, column] == pytest.approx(expected)


def test_a_dimensions_value_and_interval(world):
    frame = table(world)
    assert frame.schema == pl.Schema(AGREEMENT_INTERVALS)
    war = row(frame, "good", "themes", "war")
    scores = world["features"].filter(version="good", dimension="war").sort("item_id")["score"]
    wide = world["tags"].pivot("tag", index="item_id", values="relevance").sort("item_id")
    expected = np.corrcoef(scores, (wide["war"] + wide["battle"]) / 2)[0, 1]
    assert war["pearson_r"] == pytest.approx(expected)
    assert war["pearson_low"] < expected < war["pearson_high"]
    assert 0.05 < war["pearson_high"] - war["pearson_low"] < 0.3
    assert war["n_items"] == N


def test_noise_has_an_interval_around_zero(world):
    war = row(table(world), "noise", "themes", "war")
    assert war["pearson_low"] < 0 < war["pearson_high"]


def test_agreement_through_popularity_alone_is_seen_through(world):
    love = row(table(world), "good", "themes", "love")
    assert love["pearson_r"] > 0.8
    assert love["popularity_r"] > 0.8
    assert abs(love["partial_r"]) < 0.2


def test_the_ceiling_needs_several_tags(world):
    frame = table(world)
    assert row(frame, "good", "themes", "war")["ceiling"] == pytest.approx(1, abs=0.02)
    assert row(frame, "good", "themes", "love")["ceiling"] is None


def test_a_constant_dimension_has_no_correlation_and_no_part_in_the_mean(world):
    frame = table(world)
    assert row(frame, "good", "tone", "flat")["pearson_r"] is None
    assert row(frame, "good", "tone", None)["pearson_r"] is None
    war, love = (row(frame, "good", "themes", name)["pearson_r"] for name in ("war", "love"))
    assert row(frame, "good", "themes", None)["pearson_r"] == pytest.approx((war + love) / 2)
    assert row(frame, "good", "all", None)["pearson_r"] == pytest.approx((war + love) / 2)
    assert "unmapped" not in frame["dimension"]


def test_versions_are_compared_on_common_items(world):
    part = world["features"].filter((pl.col("version") == "good") | (pl.col("item_id") < 150))
    frame = agreement_contrasts(part, world["tags"], DIMENSIONS)
    assert frame.schema == pl.Schema(AGREEMENT_CONTRASTS)
    everything = frame.filter(pl.col("group") == "all").sort("version")
    assert everything["n_items"].to_list() == [150, 150]
    better, worse = everything.rows(named=True)
    assert better["delta"] == pytest.approx(-worse["delta"])
    assert better["ci_low"] > 0.3


def test_versions_of_two_taxonomies_are_each_measured_on_their_own_and_no_pair(world):
    """The name "war" stands for other tags in the other taxonomy."""
    other = pl.DataFrame(
        {
            "version": ["noise"],
            "dimension": ["war"],
            "group": ["g"],
            "genome_tags": [["love"]],
            "position": [0],
        }
    )
    dimensions = pl.concat([DIMENSIONS.filter(version="good"), other], how="diagonal")
    frame = agreement_intervals(world["features"], world["tags"], dimensions, world["items"])
    expected = row(table(world), "good", "themes", "war")
    assert row(frame, "good", "themes", "war") == expected
    assert frame.filter(version="noise")["group"].unique().sort().to_list() == ["all", "g"]
    assert frame.filter(version="noise")["dimension"].drop_nulls().to_list() == ["war"]
    scores = world["features"].filter(version="noise", dimension="war").sort("item_id")["score"]
    love = world["tags"].filter(tag="love").sort("item_id")["relevance"]
    got = row(frame, "noise", "g", "war")["pearson_r"]
    assert got == pytest.approx(np.corrcoef(scores, love)[0, 1])
    assert agreement_contrasts(world["features"], world["tags"], dimensions).is_empty()


def test_counts_enter_as_logs(world):
    counts = world["tags"].with_columns(relevance=(pl.col("relevance") * 100).round())
    logs = counts.with_columns(relevance=pl.col("relevance").log1p() / 5)
    got = agreement_intervals(world["features"], counts, DIMENSIONS, world["items"])
    expected = agreement_intervals(world["features"], logs, DIMENSIONS, world["items"])
    assert row(got, "good", "themes", "war")["pearson_r"] == pytest.approx(
        row(expected, "good", "themes", "war")["pearson_r"]
    )


def test_no_overlap_gives_no_rows(world):
    tags = world["tags"].with_columns(pl.col("item_id") + 10_000)
    assert agreement_intervals(world["features"], tags, DIMENSIONS, world["items"]).is_empty()
    assert agreement_contrasts(world["features"], tags, DIMENSIONS).is_empty()


def test_two_versions_are_held_against_each_other_without_tags(world):
    noisy = (
        world["features"]
        .filter(pl.col("version") == "good")
        .with_columns(
            version=pl.lit("also good"),
            score=pl.col("score") + pl.Series(np.tile([0.1, -0.1], 2 * N)),
        )
    )
    elsewhere = noisy.filter(dimension="war").with_columns(version=pl.lit("other taxonomy"))
    dimensions = pl.concat(
        [DIMENSIONS, DIMENSIONS.head(1).with_columns(version=pl.lit("other taxonomy"))]
    )
    frame = version_agreement(pl.concat([world["features"], noisy, elsewhere]), dimensions)
    assert frame.schema == pl.Schema(VERSION_AGREEMENT)
    pairs = frame.select("version", "reference").unique(maintain_order=True).rows()
    assert pairs == [("also good", "good"), ("also good", "noise"), ("good", "noise")]

    def at(version, reference, group, dimension=None):
        same = pl.col("dimension").eq_missing(pl.lit(dimension))
        key = (pl.col("version") == version) & (pl.col("reference") == reference)
        return frame.row(by_predicate=key & (pl.col("group") == group) & same, named=True)

    war = at("also good", "good", "themes", "war")
    x = world["features"].filter(version="good", dimension="war").sort("item_id")["score"]
    y = noisy.filter(dimension="war").sort("item_id")["score"]
    assert war["pearson_r"] == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert war["ci_low"] < war["pearson_r"] < war["ci_high"]
    assert war["n_items"] == N
    assert abs(at("good", "noise", "themes", "war")["pearson_r"]) < 0.2
    love = at("also good", "good", "themes", "love")["pearson_r"]
    themes = at("also good", "good", "themes")["pearson_r"]
    assert themes == pytest.approx((war["pearson_r"] + love) / 2)
    assert at("good", "noise", "tone", "flat")["pearson_r"] is None, "one side is constant"
