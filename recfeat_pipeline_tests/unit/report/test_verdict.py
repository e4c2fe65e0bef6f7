from dataclasses import replace

import polars as pl
import pytest

from recfeat_pipeline.report.verdict import cost_per_thousand, reach_verdict
from recfeat_pipeline.report.worth import significant


@pytest.mark.parametrize(
    ("store", "tone", "headline"),
    [
        (
            {},
            "gain",
            "LLM features raised MRR on Two-tower by +3.0\u00a0% [+1.8\u00a0%, +4.2\u00a0%].",
        ),
        (
            {"llm_gain": -0.03},
            "loss",
            "lowered MRR on Two-tower: −3.0\u00a0% [−4.2\u00a0%, −1.8\u00a0%].",
        ),
        (
            {"llm_gain": 0.005},
            "none",
            "made no measurable difference to MRR on Two-tower: +0.5\u00a0%",
        ),
        ({"control_gain": 0.03}, "doubt", "but what they say cannot take the credit"),
        ({"contrasts": False}, "unknown", "no interval was computed: nothing is claimed"),
    ],
)
def test_the_headline_says_what_the_data_allows(read, store, tone, headline):
    verdict = reach_verdict(read(store))
    assert verdict.tone == tone
    assert verdict.headline.startswith("On movielens-demo, ")
    assert headline in verdict.headline


def test_the_control_and_the_price_are_named(read):
    text = " ".join(reach_verdict(read()).sentences)
    assert "Random features, the control, changed it by +0.1\u00a0%" in text
    assert "no more than chance. Against the control the difference is +2.9\u00a0%" in text
    assert "They match curated tags within ±2.0\u00a0%: +0.6\u00a0%" in text
    assert "per 1,000 items" in text


def test_a_control_that_only_the_correction_clears_is_not_called_chance(read):
    inputs = read({"control_gain": 0.015})
    corrected = pl.when(pl.col("arm").is_in(inputs.roles.controls)).then(0.06)
    contrasts = inputs.contrasts.with_columns(p_adjusted=corrected.otherwise("p_adjusted"))
    text = " ".join(reach_verdict(replace(inputs, contrasts=contrasts)).sentences)
    assert "chance only once corrected for many tests" in text
    assert "no more than chance" not in text


def test_a_wide_interval_shows_no_match_and_says_how_blind_it_is(read):
    text = " ".join(reach_verdict(read({"llm_gain": 0.02, "half_width": 0.03})).sentences)
    assert "difference from curated tags is within the noise" in text
    assert "would have found a change of 4.3\u00a0% four times in five" in text  # 1.43 x .03


def test_no_difference_that_is_shown_to_be_none_is_called_so(read):
    sentences = reach_verdict(read({"llm_gain": 0.002})).sentences
    assert sentences[0] == "They are equivalent to no content within ±2.0\u00a0%."


def test_without_a_control_a_gain_is_only_promising(read):
    verdict = reach_verdict(read({"control_gain": None}))
    assert verdict.tone == "unchecked"
    assert "with no control beside it" in verdict.headline
    assert "No control was run" in verdict.sentences[0]
    assert verdict.reading == "Promising; run the random-feature control before deciding."


@pytest.mark.parametrize(("seeds", "words"), [(1, "one seed"), (4, "four seeds")])
def test_few_seeds_are_only_promising(read, seeds, words):
    assert words in reach_verdict(read({"seeds": seeds})).reading


def test_lexical_features_are_never_called_an_llms(read):
    inputs = read({"model": "lexical-1"}, used_llm=False, backend="lexical")
    verdict = reach_verdict(inputs)
    assert "lexical features (no LLM)" in verdict.headline
    assert "LLM features" not in verdict.headline
    assert "No LLM was used" in verdict.sentences[-1]
    assert not any("Cost" in name for name, _, _ in verdict.numbers)


def test_a_generated_catalogue_supports_no_decision(read):
    assert "generated" in reach_verdict(read(synthetic=True)).reading


def test_an_arm_that_was_not_evaluated_leaves_no_comparison(read):
    inputs = read({"contrasts": False}, roles={"floor": "nowhere"})
    verdict = reach_verdict(inputs)
    assert verdict.tone == "unknown"
    assert "the arm without content has not been evaluated" in verdict.headline


@pytest.mark.parametrize(
    ("low", "high", "p_adjusted", "expected"),
    [
        (0.1, 0.2, None, True),
        (0.1, 0.2, 0.01, True),
        (0.1, 0.2, 0.2, False),  # lost to the correction
        (-0.1, 0.2, 0.01, False),
        (-0.2, -0.1, None, True),
        (None, None, 0.01, False),
    ],
)
def test_significance_needs_the_interval_and_the_corrected_p(low, high, p_adjusted, expected):
    assert significant({"ci_low": low, "ci_high": high, "p_adjusted": p_adjusted}) is expected


def test_cost_per_thousand_is_dollars_over_items(read):
    inputs = read({"n_items": 60})
    dollars = inputs.cost["cost_usd"].sum()
    assert cost_per_thousand(inputs) == pytest.approx(1000 * dollars / 45)  # 45 in the corpus


def test_lexical_answers_do_not_make_the_llm_look_cheap(read):
    inputs = read()
    free = inputs.cost.with_columns(backend=pl.lit("lexical"), cost_usd=0.0)
    both = replace(inputs, cost=pl.concat([inputs.cost, free]))
    assert cost_per_thousand(both) == cost_per_thousand(inputs)
    assert cost_per_thousand(replace(inputs, cost=free)) is None
