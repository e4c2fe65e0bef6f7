import pytest

from recfeat_pipeline.report.verdict import cost_per_thousand, reach_verdict, significant


@pytest.mark.parametrize(
    ("store", "tone", "headline"),
    [
        ({}, "gain", "LLM features raised MRR by +3.0\u00a0% [+1.8\u00a0%, +4.2\u00a0%]."),
        ({"llm_gain": -0.03}, "loss", "lowered MRR: −3.0\u00a0% [−4.2\u00a0%, −1.8\u00a0%]."),
        ({"llm_gain": 0.005}, "none", "made no measurable difference to MRR: +0.5\u00a0%"),
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
    assert "no more than chance" in text
    assert "within the noise" in text  # against curated tags
    assert "per 1,000 items" in text


def test_without_a_control_a_gain_is_only_promising(read):
    verdict = reach_verdict(read({"control_gain": None}))
    assert verdict.tone == "gain"
    assert "No control was run" in verdict.sentences[0]
    assert verdict.reading == "Promising; run the random-feature control before deciding."


def test_one_seed_is_only_promising(read):
    assert "one seed" in reach_verdict(read({"seeds": 1})).reading


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
    inputs = read(roles={"floor": "nowhere"})
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
