import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.evaluation.cold_contrasts import contrast_cold
from recfeat_pipeline.schemas import COLD_CONTRASTS, COLD_RANKS


def ranks(arm: str, seed: int, rows: list[tuple[int, int, int | None]], users=None) -> pl.DataFrame:
    """Rows of (n_train, rank, rank_new), each of a user of its own unless said."""
    full = [(n, n if users is None else users[n], 1, *row) for n, row in enumerate(rows)]
    frame = pl.DataFrame(full, schema=COLD_RANKS, orient="row")
    return frame.with_columns(arm=pl.lit(arm), seed=pl.lit(str(seed)))


def row_of(table: pl.DataFrame, candidates: str = "all", n_train: int = 0) -> dict:
    [row] = table.filter(
        pl.col("k").is_null(), candidates=candidates, metric="mrr", n_train=n_train
    ).to_dicts()
    return row


def test_one_seed_has_an_interval_over_its_users():
    """Deltas of three users -.25, .5 and .5: mean .25, standard error .25, t(2) = 4.3027."""
    table = contrast_cold(
        pl.concat(
            [
                ranks("llm", 0, [(0, 4, 1), (0, 1, 1), (0, 1, 2)]),
                ranks("floor", 0, [(0, 2, 4), (0, 2, 4), (0, 2, 4)]),
            ]
        ),
        [("llm", "floor"), ("llm", "absent")],
    )
    assert table.schema == pl.Schema(COLD_CONTRASTS)
    row = row_of(table)
    assert row["delta"] == pytest.approx(0.25)
    assert row["ci_high"] - row["delta"] == pytest.approx(4.3027 * 0.25, rel=1e-4)
    # t = 1 on two degrees of freedom; a skewness of -1 makes .537 of it (Hall).
    assert row["p_value"] == pytest.approx(0.64499, rel=1e-3)
    assert (row["n_seeds"], row["n_users"]) == (1, 3)


def test_a_users_examples_are_no_independent_evidence():
    once = pl.concat(
        [ranks("llm", 0, [(0, 1, 1), (0, 2, 1)]), ranks("floor", 0, [(0, 2, 4), (0, 2, 4)])]
    )
    twice = pl.concat(
        [
            ranks("llm", 0, [(0, 1, 1)] * 2 + [(0, 2, 1)] * 2, users=[0, 0, 1, 1]),
            ranks("floor", 0, [(0, 2, 4)] * 4, users=[0, 0, 1, 1]),
        ]
    )
    [one, other] = (row_of(contrast_cold(frame, [("llm", "floor")])) for frame in (once, twice))
    assert one["ci_low"] == pytest.approx(other["ci_low"])


def test_only_new_items_are_ranked_among_new_ones_and_one_user_shows_nothing():
    table = contrast_cold(
        pl.concat(
            [
                ranks("llm", 0, [(0, 9, 1), (3, 5, None)]),
                ranks("floor", 0, [(0, 9, 4), (3, 5, None)]),
            ]
        ),
        [("llm", "floor")],
    )
    assert row_of(table, "new")["delta"] == pytest.approx(0.75)
    assert set(table.filter(n_train=3)["candidates"]) == {"all"}
    row = row_of(table)
    assert (row["ci_low"], row["p_value"], row["p_adjusted"]) == (None, None, None)


@pytest.mark.parametrize(
    ("n_seeds", "luck", "least"),
    [(1, 0.0, 0.93), (3, 0.0, 0.93), (5, 0.1, 0.93), (3, 0.3, 0.9)],  # luck outweighs the users
)
def test_intervals_cover_whatever_seeds_hold_back(n_seeds, luck, least):
    """Users are skewed, each seed asks some of them, some twice; 600 experiments."""
    rng, covered = np.random.default_rng(0), []
    for _ in range(600):
        of_users = rng.standard_exponential(120) - 1
        parts = []
        for seed in range(n_seeds):
            users = rng.integers(0, 120, 100)
            delta = of_users[users] + rng.normal(0, luck) + rng.normal(0, 1, 100)
            parts.append(
                pl.DataFrame(
                    {"user_id": users, "example_id": range(100), "delta": delta}
                ).with_columns(seed=pl.lit(seed))
            )
        covered.append(_covers_zero(pl.concat(parts)))
    assert least < np.mean(covered) < 0.985


def test_one_user_with_half_of_the_choices_is_no_crowd():
    """Choices of new items are few, and their users uneven; 1,000 experiments."""
    rng, covered = np.random.default_rng(0), []
    for _ in range(1000):
        users = np.concatenate([np.zeros(40, int), np.arange(1, 41)])
        delta = rng.normal(0, 1, 41)[users]
        examples = pl.DataFrame({"user_id": users, "example_id": range(80), "delta": delta})
        covered.append(_covers_zero(examples.with_columns(seed=pl.lit(0))))
    assert np.mean(covered) > 0.93


def _covers_zero(examples: pl.DataFrame) -> bool:
    from recfeat_pipeline.evaluation import cold_contrasts

    seeds, users = (examples[name].rank("dense").to_numpy() - 1 for name in ("seed", "user_id"))
    low, high, _ = cold_contrasts._uncertainty(examples["delta"].to_numpy(), seeds, users)
    return low < 0 < high


def test_without_ranks_there_is_an_empty_table():
    schema = {**COLD_RANKS, "arm": pl.String, "seed": pl.String}
    table = contrast_cold(pl.DataFrame(schema=schema), [("llm", "floor")])
    assert table.schema == pl.Schema(COLD_CONTRASTS)
    assert table.is_empty()
