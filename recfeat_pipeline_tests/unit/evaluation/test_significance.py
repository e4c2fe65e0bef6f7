import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import ttest_1samp

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.evaluation.clusters import skewed, skewness, small_sample, unskewed
from recfeat_pipeline.evaluation.contrasts import contrast_arms
from recfeat_pipeline.evaluation.significance import bootstrap, compare, paired_t
from recfeat_pipeline.evaluation.student import t_quantile, t_tail, tail_beyond
from recfeat_pipeline.holm import holm
from recfeat_pipeline.schemas import CONTRASTS


def test_paired_t_of_known_deltas():
    t, p = paired_t([0.02, 0.01, 0.03, 0.02, 0.02])
    assert t == pytest.approx(6.3246, abs=5e-5)
    assert p == pytest.approx(0.0032, abs=5e-5)


@pytest.mark.parametrize(
    ("df", "expected"), [(1, 12.7062), (2.5, 3.5747), (4, 2.7764), (30, 2.0423), (1e6, 1.95997)]
)
def test_t_quantiles_are_those_of_the_tables(df, expected):
    assert t_quantile(0.025, df) == pytest.approx(expected, abs=6e-5)


@pytest.mark.parametrize("df", [1, 2.5, 30, 4000])
def test_the_tail_of_one_part_is_students(df):
    for tail in (0.4, 0.025, 1e-4, 1e-9):
        assert tail_beyond(3 * t_quantile(tail, df), [(9.0, df)]) == pytest.approx(tail, rel=1e-3)


@pytest.mark.parametrize("tail", [0.45, 0.1, 0.025, 1e-3, 1e-6])
def test_the_tail_is_that_whose_combined_half_width_is_the_distance(tail):
    parts = [(1.0, 400.0), (2.0, 4.0), (0.0, 1.0)]
    width = math.sqrt(sum(v * t_quantile(tail, df) ** 2 for v, df in parts))
    assert tail_beyond(width, parts) == pytest.approx(tail, rel=1e-3)


def test_the_tail_at_no_distance_and_without_variance():
    assert tail_beyond(0.0, [(1.0, 4.0)]) == 0.5
    assert tail_beyond(1e-9, [(1.0, 4.0)]) == pytest.approx(0.5)
    assert tail_beyond(1.0, [(0.0, 4.0)]) == 0.0
    assert tail_beyond(1e9, [(1.0, 400.0)]) < 1e-14


def test_t_tail_is_a_probability():
    assert t_tail(0, 7) == pytest.approx(0.5)
    assert t_tail(-2, 7) == pytest.approx(1 - t_tail(2, 7))
    assert 0 <= t_tail(60, 500) < 1e-100
    assert t_tail(math.inf, 5) < 1e-12


def test_no_difference_has_a_p_value_of_one_and_never_more():
    twice = [2 * t_tail(0.0, df / 10) for df in range(10, 1000)]
    assert max(twice) == 1.0
    assert min(twice) == pytest.approx(1.0)


def test_what_a_heavy_test_claims_is_left_to_the_light():
    """Weights 1/2, 1/4, 1/4: .02 × 1 / (1/2); then .015 × (1/2) / (1/4), and .3 alone."""
    adjusted = holm(np.array([0.02, 0.015, 0.3]), np.array([0.5, 0.25, 0.25]))
    assert adjusted == pytest.approx([0.04, 0.04, 0.3])


def test_holm_steps_down():
    # Sorted .01 .02 .03: times 3, 2, 1 and never falling.
    assert holm(np.array([0.03, 0.01, 0.02])) == pytest.approx([0.04, 0.03, 0.04])
    assert holm(np.array([0.9, 0.8])) == pytest.approx([1.0, 1.0])


def draw(rng, seeds, users, sd_seed, sd_user, sd_rest, effect=0.0):
    """Sums [S, U] of a difference with crossed effects, two examples per user."""
    return 2 * (
        effect
        + rng.normal(0, sd_seed, (seeds, 1))
        + rng.normal(0, sd_user, (1, users))
        + rng.normal(0, sd_rest, (seeds, users))
    )


@pytest.mark.parametrize(
    ("seeds", "sd_seed"),
    [
        (1, 0.0),
        (3, 0.05),  # as in the embedded catalogue and MovieLens 1M: users are most of the spread
        (3, 0.45),  # the luck of training outweighs that of the users, as with very many users
        (5, 0.15),  # both alike
    ],
)
def test_intervals_cover_and_a_true_null_is_rejected_in_one_of_twenty(seeds, sd_seed):
    """Users are skewed and have 1 to 20 examples; 2,000 experiments, standard error .005."""
    rng = np.random.default_rng(0)
    covered, counts = [], rng.integers(1, 21, 150)
    for _ in range(2000):
        deltas = (
            rng.normal(0, sd_seed, (seeds, 1))
            + rng.standard_exponential((1, 150))
            - 1
            + rng.normal(0, 1.0, (seeds, 150))
        )
        row = compare(deltas * counts, np.zeros((seeds, 150)), counts, 0.02)
        covered.append(row["ci_low"] < 0 < row["ci_high"])
        assert covered[-1] == (row["p_value"] > 0.05), "the interval and the test are one"
    assert 0.935 < np.mean(covered) < 0.97


def test_seeds_that_happen_to_agree_are_no_certainty():
    """With little luck in sight the interval keeps wide of Student's t over users alone."""
    rng = np.random.default_rng(0)
    half = rng.normal(0, 1, 200)
    users = np.concatenate([half, -half])[None]  # no skew
    alone = compare(users, np.zeros((1, 400)), np.ones(400, int), 0.02)
    row = compare(users + np.array([[-0.06], [0.0], [0.06]]), np.zeros((3, 400)),
                  np.ones(400, int), 0.02)  # fmt: skip
    # Users: 1.966 standard errors of .05; seeds: 4.303 of .06 / sqrt(3).
    seeds = t_quantile(0.025, 2) * 0.06 / math.sqrt(3)
    width = math.hypot(alone["ci_high"] - alone["ci_low"], 2 * seeds)
    assert row["ci_high"] - row["ci_low"] == pytest.approx(width)


def test_an_effect_is_found_and_its_interval_covers_it():
    rng = np.random.default_rng(0)
    row = compare(draw(rng, 5, 400, 0.02, 1.0, 0.5, effect=0.5), np.zeros((5, 400)),
                  np.full(400, 2), 0.02)  # fmt: skip
    assert row["ci_low"] < 0.5 < row["ci_high"]
    assert row["p_value"] < 1e-5
    assert row["ci_low"] > 0


def test_examples_of_a_user_are_not_counted_as_independent():
    """Twice as many examples of the same users, all alike, are no further evidence."""
    rng = np.random.default_rng(0)
    sums = rng.normal(0.1, 1, (1, 50))
    once = compare(sums, np.zeros((1, 50)), np.ones(50, int), 0.02)
    twice = compare(2 * sums, np.zeros((1, 50)), np.full(50, 2), 0.02)
    assert once["delta"] == pytest.approx(twice["delta"])
    assert once["ci_low"] == pytest.approx(twice["ci_low"])


def test_one_seed_is_the_one_sample_t_over_users():
    deltas = np.array([0.1, 0.2, 0.3, 0.0, 0.4, -0.1, 0.5])  # no skew
    row = compare(deltas[None], np.zeros((1, 7)), np.ones(7, int), 0.02)
    assert row["p_value"] == pytest.approx(ttest_1samp(deltas, 0).pvalue, rel=1e-3)
    assert row["p_seeds"] is None
    assert row["seeds_needed"] is None


def test_equivalence_and_power_by_hand():
    deltas = np.array([0.02, 0.01, 0.03, 0.02, 0.02])  # mean .02, standard error .0031623
    reference = np.full((1, 5), 10.0)
    row = compare(reference + deltas, reference, np.ones(5, int), 0.003)
    assert row["margin"] == pytest.approx(0.03)
    assert row["p_equivalent"] == pytest.approx(0.01705, abs=5e-5)  # t = .01 / .0031623, df 4
    assert row["detectable"] == pytest.approx((2.7764 + 0.9410) * 0.0031623, rel=1e-3)


def test_seeds_needed_by_hand():
    """Spread 1 between seeds, none between users; with n seeds (t.025 + t.2) / sqrt(n) is found:
    1.662 with five, 1.425 with six."""
    seeds = np.array([[1.5 - 0.5**0.5], [1.5 + 0.5**0.5]])
    row = compare(np.repeat(seeds, 40, 1), np.zeros((2, 40)), np.ones(40, int), 0.02)
    assert row["seeds_needed"] == 6
    hidden = np.tile([10.0, -7.0], 20)  # the users' own spread is too wide for 1.5
    row = compare(seeds + hidden - hidden.mean(), np.zeros((2, 40)), np.ones(40, int), 0.02)
    assert row["seeds_needed"] is None


def test_the_variance_never_falls_below_that_of_the_seeds_alone():
    """Each user's difference cancels over the two seeds: V(users) is 0, V(rest) is the greatest."""
    users = np.tile([3.0, -3.0], 20)
    sums = np.stack([0.5 + users, -0.5 - users])
    row = compare(sums, np.zeros((2, 40)), np.ones(40, int), 0.02)
    assert row["sd_users"] == pytest.approx(0)
    assert row["ci_high"] == pytest.approx(t_quantile(0.025, 1) * 0.5)  # sd .7071 over sqrt(2)


def test_a_spread_of_users_that_is_all_luck_averages_out_over_seeds():
    """As the experiment by hand above, but one seed favours some users: half of that spread is left
    in the users' means, and it would be gone with more seeds."""
    luck = np.tile([20.0, -20.0], 20)
    seeds = np.array([[1.5 - 0.5**0.5], [1.5 + 0.5**0.5]]) + np.stack([luck, 0 * luck])
    row = compare(seeds, np.zeros((2, 40)), np.ones(40, int), 0.02)
    assert row["seeds_needed"] == 6


def test_the_bootstrap_widens_what_few_seeds_vary_by():
    """Seeds at -1 and 1: drawn with replacement they vary by 1, new ones by sqrt(2)."""
    sums = np.repeat(np.array([[-1.0], [1.0]]), 10, 1)[None, None]
    weights = np.ones((400, 10), np.float32)
    [[[low, high]]] = bootstrap(sums, np.ones((1, 10)), weights)
    assert (low, high) == pytest.approx((-math.sqrt(2), math.sqrt(2)))


def test_a_match_needs_evidence_of_its_own():
    rng = np.random.default_rng(0)
    reference = np.full((5, 1000), 10.0)
    close = compare(reference + rng.normal(0, 0.5, (5, 1000)), reference, np.ones(1000, int), 0.02)
    noisy = compare(reference + rng.normal(0, 50, (5, 1000)), reference, np.ones(1000, int), 0.02)
    assert close["margin"] == pytest.approx(0.2)
    assert close["p_equivalent"] < 0.05
    assert noisy["p_value"] > 0.05, "no difference is found"
    assert noisy["p_equivalent"] > 0.05, "and no match is claimed"


def test_a_perfect_difference_and_none_at_all():
    same = compare(np.ones((2, 3)), np.ones((2, 3)), np.ones(3, int), 0.02)
    assert (same["delta"], same["p_value"]) == (0, pytest.approx(1))
    more = compare(np.full((2, 9), 2.0), np.ones((2, 9)), np.ones(9, int), 0.02)
    assert (more["delta"], more["relative"]) == (1, 1)
    assert more["p_value"] == pytest.approx(2 / 2**9), "nine users all agree once in 2^8"


@pytest.mark.parametrize(
    "deltas",
    [
        [0.5, 0.5],
        [0.5] * 5,
        [0.5] * 5 + [0.0] * 600,  # a hit rate that five users moved
    ],
)
def test_few_users_who_agree_are_no_certainty(deltas):
    """A coin falls five times on one side in one of sixteen experiments."""
    row = compare(np.array([deltas]), np.zeros((1, len(deltas))), np.ones(len(deltas), int), 0.02)
    assert row["p_value"] > 0.05
    assert row["ci_low"] <= 0


@pytest.mark.parametrize(
    ("counts", "seeds"),
    [
        ([49] + [1] * 49, 1),  # one user has half of the examples
        ([20] * 3 + [1] * 27, 3),
    ],
)
def test_users_who_have_most_examples_do_not_make_a_null_significant(counts, seeds):
    """1,000 experiments; an interval that takes every user for one misses up to 40 %."""
    rng, rejected, n = np.random.default_rng(0), [], len(counts)
    for _ in range(1000):
        deltas = rng.normal(0, 1, (1, n)) + rng.normal(0, 0.3, (seeds, n))
        row = compare(deltas * counts, np.zeros((seeds, n)), np.array(counts), 0.02)
        rejected.append(row["p_value"] < 0.05)
        assert rejected[-1] == (not row["ci_low"] <= 0 <= row["ci_high"])
    assert np.mean(rejected) < 0.065


def test_users_who_weigh_alike_are_as_many_as_they_are():
    inflation, freedom = small_sample(np.full(30, 1 / 30))
    assert inflation == pytest.approx(np.ones(30))
    assert freedom == pytest.approx(29)
    assert small_sample(np.array([0.5] + [0.5 / 99] * 99))[1] < 2


def test_degrees_of_freedom_are_those_of_the_quadratic_form():
    """Bell and McCaffrey's (tr M)² / tr(M²), written out."""
    weights = np.array([0.4, 0.3, 0.2, 0.05, 0.05])
    residual = np.eye(5) - weights  # each error less the weighted mean
    kept = (residual**2).sum(1)
    form = residual.T @ np.diag(weights**2 / kept) @ residual
    inflation, freedom = small_sample(weights)
    assert freedom == pytest.approx(np.trace(form) ** 2 / np.trace(form @ form))
    assert inflation == pytest.approx(np.sqrt(4 / 5 / kept))


def test_rare_hits_and_heavy_tails_do_not_make_a_null_significant():
    rng, rejected = np.random.default_rng(0), []
    for n in (10, 300):
        for _ in range(500):
            for deltas in (
                rng.standard_t(2, n),
                rng.choice([-1.0, 0.0, 1.0], n, p=[0.01, 0.98, 0.01]),
            ):
                row = compare(deltas[None], np.zeros((1, n)), np.ones(n, int), 0.02)
                rejected.append(row["p_value"] < 0.05)
    assert np.mean(rejected) < 0.05


def test_few_users_whose_differences_are_skewed_are_covered():
    """Lognormal differences of 30 users; a Student's t alone misses their mean in 11 % of draws."""
    rng, missed = np.random.default_rng(0), []
    for _ in range(1000):
        deltas = rng.lognormal(size=30)
        row = compare(deltas[None], np.zeros((1, 30)), np.ones(30, int), 0.02)
        missed.append(not row["ci_low"] <= math.exp(0.5) <= row["ci_high"])
    assert np.mean(missed) < 0.08


def test_skewness_of_a_mean_and_its_transformation_by_hand():
    residuals = np.array([3.0, -1.0, -1.0, -1.0])  # third moment 24 / 4, unbiased spread 4
    assert skewness(residuals) == pytest.approx(24 * 4 / 3 / 2 / 8 / 2)
    assert skewness(np.array([1.0, -1.0])) == skewness(np.zeros(5)) == 0
    for skew in (1e-16, 1e-9, -0.3, 0.8):
        for t in (-2.5, 0.0, 0.4, 3.0):
            assert unskewed(skewed(t, skew), skew) == pytest.approx(t, abs=1e-6)


def test_seeds_that_are_all_equal_are_one():
    rng = np.random.default_rng(0)
    users, counts = rng.normal(0.1, 1, (1, 80)), np.ones(80, int)
    one, five = (compare(np.repeat(users, n, 0), np.zeros((n, 80)), counts, 0.02) for n in (1, 5))
    for name in ("delta", "ci_low", "ci_high", "p_value"):
        assert five[name] == pytest.approx(one[name]), name


# -- the table ------------------------------------------------------------------------------------


def rank_rows(
    arm: str, seed: int, ranks: list[int], users: list[int] | None = None
) -> pl.DataFrame:
    users = users or [1, 1, 2, 3]
    return pl.DataFrame(
        {"example_id": range(len(ranks)), "user_id": users, "rank": ranks}
    ).with_columns(arm=pl.lit(arm), seed=pl.lit(seed))


SLICES = pl.DataFrame({"example_id": [0, 1, 2, 3, 3], "slice": ["all"] * 4 + ["rare"]})


def test_the_table_by_hand():
    ranks = pl.concat(
        [
            rank_rows("llm", 0, [1, 2, 1, 4]),
            rank_rows("llm", 1, [1, 1, 2, 4]),
            rank_rows("floor", 0, [2, 2, 2, 2]),
            rank_rows("floor", 1, [2, 2, 2, 2]),
            rank_rows("llm", 7, [9, 9, 9, 9]),  # a seed the floor has not: it is left out
        ]
    )
    table = contrast_arms(ranks, SLICES, [("llm", "floor"), ("llm", "absent")])
    assert table.schema == pl.Schema(CONTRASTS)
    assert set(table["reference"]) == {"floor"}
    row = table.row(
        by_predicate=(pl.col("slice") == "all") & (pl.col("metric") == "mrr"), named=True
    )
    # (1 + 1/2 + 1 + 1/4) / 4 in both seeds, in another order, against 1/2
    assert row["arm_value"] == pytest.approx(0.6875)
    assert row["delta"] == pytest.approx(0.1875)
    assert row["relative"] == pytest.approx(0.375)
    assert (row["n_seeds"], row["n_users"], row["n_examples"]) == (2, 3, 4)
    assert set(table["slice"]) == {"all"}, "one user shows nothing: the slice has no row"


def test_a_counted_baseline_is_held_against_every_seed():
    ranks = pl.concat(
        [rank_rows("llm", s, [1, 2, 3, 1 + s]) for s in range(3)]
        + [rank_rows("popularity", 0, [3, 3, 3, 3])]
    )
    pairs = [("llm", "popularity"), ("popularity", "llm")]
    table = contrast_arms(ranks, SLICES, pairs, seedless=["popularity"])
    assert table["n_seeds"].to_list() == [3] * table.height
    one, other = table.partition_by("arm")
    assert one["delta"].to_list() == pytest.approx((-other["delta"]).to_list())


def test_one_trained_seed_is_one_pair():
    """Held against every seed, its luck would count as certain."""
    ranks = pl.concat(
        [rank_rows("llm", s, [1, 2, 3, 1 + s]) for s in range(3)]
        + [rank_rows("floor", 1, [3, 3, 3, 3])]
    )
    table = contrast_arms(ranks, SLICES, [("llm", "floor"), ("floor", "llm")])
    assert table["n_seeds"].to_list() == [1] * table.height
    assert table["arm_value"][0] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 2) / 4), "seed 1's"


def test_the_bootstrap_agrees_with_the_formula():
    rng = np.random.default_rng(3)
    users = np.repeat(np.arange(300), 3).tolist()
    ranks = pl.concat(
        [
            rank_rows(arm, seed, rng.integers(1, high, 900).tolist(), users)
            for arm, high in (("llm", 80), ("floor", 100))
            for seed in range(5)
        ]
    )
    slices = pl.DataFrame({"example_id": range(900), "slice": ["all"] * 900})
    for row in contrast_arms(ranks, slices, [("llm", "floor")]).iter_rows(named=True):
        width, boot = row["ci_high"] - row["ci_low"], row["boot_high"] - row["boot_low"]
        assert row["boot_low"] < row["delta"] < row["boot_high"]
        assert 0.6 < boot / width < 1.8


def test_ranks_of_other_examples_are_refused():
    ranks = pl.concat(
        [rank_rows("llm", 0, [1, 2, 1, 4]), rank_rows("floor", 0, [1, 2, 1, 4]).head(3)]
    )
    with pytest.raises(RecfeatError, match="other examples"):
        contrast_arms(ranks, SLICES, [("llm", "floor")])


def test_arms_without_a_common_seed_are_not_compared():
    ranks = pl.concat([rank_rows(a, s, [1, 2, 3, 4]) for a, s in
                       (("llm", 0), ("llm", 1), ("floor", 2), ("floor", 3))])  # fmt: skip
    assert contrast_arms(ranks, SLICES, [("llm", "floor")]).is_empty()
