import polars as pl
import pytest

from recfeat_pipeline.evaluation.cold_contrasts import contrast_cold
from recfeat_pipeline.schemas import COLD_CONTRASTS, COLD_RANKS


def ranks(arm: str, seed: int, rows: list[tuple[int, int, int | None]]) -> pl.DataFrame:
    """Rows of (n_train, rank, rank_new)."""
    full = [(n, 1, 1, *row) for n, row in enumerate(rows)]
    frame = pl.DataFrame(full, schema=COLD_RANKS, orient="row")
    return frame.with_columns(arm=pl.lit(arm), seed=pl.lit(str(seed)))


def test_seeds_are_the_replicates():
    table = contrast_cold(
        pl.concat(
            [
                ranks("llm", 0, [(0, 10, 1), (0, 20, 2), (3, 5, None)]),
                ranks("llm", 1, [(0, 10, 2), (3, 5, None)]),  # other items, other examples
                ranks("floor", 0, [(0, 100, 4), (0, 100, 4), (3, 10, None)]),
                ranks("floor", 1, [(0, 100, 4), (3, 5, None)]),
            ]
        ),
        [("llm", "floor"), ("llm", "absent")],
    )
    assert table.schema == pl.Schema(COLD_CONTRASTS)
    new = table.row(
        by_predicate=(pl.col("candidates") == "new") & (pl.col("metric") == "mrr"), named=True
    )
    assert new["arm_value"] == pytest.approx((0.75 + 0.5) / 2)
    assert new["delta"] == pytest.approx((0.5 + 0.25) / 2)
    # Deltas .5 and .25: sd .17678, t = .375 / .125 = 3 on one degree of freedom.
    assert new["p_value"] == pytest.approx(0.204833, abs=1e-5)
    assert new["ci_high"] - new["delta"] == pytest.approx(12.7062 * 0.125, rel=1e-4)
    warm = table.filter(pl.col("n_train") == 3)
    assert set(warm["candidates"]) == {"all"}, "only new items are ranked among new ones"


def test_one_seed_shows_a_difference_and_no_more():
    table = contrast_cold(
        pl.concat([ranks("llm", 0, [(0, 1, 1)]), ranks("floor", 0, [(0, 4, 2)])]),
        [("llm", "floor")],
    )
    row = table.filter(pl.col("metric") == "mrr").row(0, named=True)
    assert row["delta"] == pytest.approx(0.75)
    assert (row["ci_low"], row["p_value"], row["p_adjusted"]) == (None, None, None)


def test_without_ranks_there_is_an_empty_table():
    schema = {**COLD_RANKS, "arm": pl.String, "seed": pl.String}
    table = contrast_cold(pl.DataFrame(schema=schema), [("llm", "floor")])
    assert table.schema == pl.Schema(COLD_CONTRASTS)
    assert table.is_empty()
