"""Whether a gain of another order is the LLM's, and what buys how much."""

from dataclasses import replace

import polars as pl
import pytest

from recfeat_pipeline.report.provenance import ArmNote
from recfeat_pipeline.report.reranked import find_rerankers
from recfeat_pipeline.report.sections.pareto import pareto
from recfeat_pipeline.report.sections.reranking import reranking
from recfeat_pipeline.reranking_schemas import REQUEST_CONTRASTS, RERANKERS, ROUTES

ARMS = {
    "ours": {"by": "llm", "history": "newest", "order": "shuffled", "items": "titles"},
    "free": {"by": "content"},
    "other": {"by": "llm", "history": "other", "order": "shuffled", "items": "titles"},
    "mixed": {"by": "llm", "history": "shuffled", "order": "shuffled", "items": "titles"},
}
GAINS = {("ours", "floor"): 0.2, ("ours", "free"): 0.15, ("ours", "other"): 0.15,
         ("ours", "mixed"): 0.02, ("mixed", "floor"): 0.18, ("free", "floor"): 0.05,
         ("other", "floor"): 0.05}  # fmt: skip


def with_rerankers(inputs, gains=GAINS, price=0.4, arms=ARMS, surely=0.1):
    """The store's inputs and arms that reorder the floor's best; gains from ``surely`` are sure."""
    half = {pair: abs(gain) / 2 if abs(gain) >= surely else 2 * abs(gain) + 0.01
            for pair, gain in gains.items()}  # fmt: skip
    contrasts = [
        dict.fromkeys(REQUEST_CONTRASTS)
        | {"arm": arm, "reference": other, "slice": slice_, "metric": metric, "k": k,
           "arm_value": 1 + gain, "reference_value": 1.0, "delta": gain, "relative": gain,
           "ci_low": gain - half[arm, other], "ci_high": gain + half[arm, other],
           "p_adjusted": 0.001 if abs(gain) >= surely else 0.5, "detectable": 0.1,
           "n_examples": 300}
        for (arm, other), gain in gains.items()
        for slice_ in ("all", "history 1-9")
        for metric, k in (("mrr", None), ("ndcg", 10))
    ]  # fmt: skip
    rows = [
        dict.fromkeys(RERANKERS)
        | {"arm": arm, "base": "floor", "asked": 300, "answered": 297, "no_such_candidate": 2,
           "unreadable": 1, "usd_per_1000": price, "latency_p50_ms": 700.0,
           "latency_p95_ms": 1900.0, "first_third": 0.4, "first_third_expected": 1 / 3} | about
        for arm, about in arms.items()
    ]  # fmt: skip
    routes = [
        dict.fromkeys(ROUTES)
        | {"policy": "short", "title": "Few events", "arm": "ours", "base": "floor", "sent": 0.3,
           "delta": 0.05, "relative": 0.05, "ci_low": 0.01, "ci_high": 0.09,
           "usd_per_1000": 0.12, "latency_p50_ms": 0.0, "latency_p95_ms": 1500.0,
           "on_frontier": True}
    ]  # fmt: skip
    notes = {
        arm: ArmNote(title=f"The arm {arm}", section="reranker",
                     role="control" if arm in ("other", "mixed") else "content")
        for arm in arms
    }  # fmt: skip
    provenance = inputs.provenance.model_copy(update={"arms": {**inputs.provenance.arms, **notes}})
    return replace(
        inputs,
        request_contrasts=pl.DataFrame(contrasts, schema=REQUEST_CONTRASTS),
        rerankers=pl.DataFrame(rows, schema=RERANKERS),
        routes=pl.DataFrame(routes, schema=ROUTES),
        provenance=provenance,
    )


def ours(inputs):
    return next(one for one in find_rerankers(inputs) if one.arm == "ours")


def words(section):
    return str(section)


def test_a_gain_that_no_control_has_is_the_llms(read):
    inputs = with_rerankers(read())
    found = ours(inputs)
    assert found.effect == "gain"
    assert found.doubts() == []
    assert found.untested == []
    assert "which no control gains." in words(reranking(inputs))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({("ours", "free"): 0.03}, "not surely better than “The arm free”"),
        ({("ours", "other"): 0.0}, "not surely better than “The arm other”"),
        ({("mixed", "floor"): 0.04}, "with the history in no order no gain is shown"),
    ],
)
def test_a_gain_that_something_else_has_is_not_the_llms(read, changed, why):
    inputs = with_rerankers(read(), gains={**GAINS, **changed})
    assert ours(inputs).effect == "doubt"
    assert why in words(reranking(inputs))


def test_a_gain_says_which_controls_were_not_run(read):
    alone = {("ours", "floor"): 0.2}
    inputs = with_rerankers(read(), gains=alone, arms={"ours": ARMS["ours"]})
    assert ours(inputs).effect == "gain"
    assert "Not run: an order that costs nothing, another user's history" in words(
        reranking(inputs)
    )


@pytest.mark.parametrize(("gain", "effect"), [(0.05, "none"), (-0.2, "loss")])
def test_no_gain_and_a_loss(read, gain, effect):
    inputs = with_rerankers(read(), gains={**GAINS, ("ours", "floor"): gain})
    assert ours(inputs).effect == effect


def test_without_arms_that_reorder_there_is_no_section(read):
    inputs = read()
    assert reranking(inputs) is None
    assert pareto(inputs) is None


def test_the_page_of_prices_has_every_kind_and_the_frontier(read):
    section = pareto(with_rerankers(read()))
    chart, table, routes = section.blocks[0], section.blocks[1], section.blocks[3]
    drawn = chart.figure.data
    assert set(drawn["kind"]) == {"plain", "enhancer", "reranker"}
    assert "The arm other" not in drawn["name"], "a control is nothing to buy"
    frontier = drawn.filter("on_frontier")
    assert frontier["usd_per_1000"].is_sorted()
    best = drawn.sort("value").row(-1, named=True)
    assert best["name"] == "The arm ours"
    assert best["on_frontier"]
    at = [row[0] for row in table.rows].index("The arm ours")
    assert table.rows[at][5:7] == ["$0.40", "700 / 1,900"]
    assert routes.rows[0][:3] == ["The arm ours", "Few events", "30\u00a0%"]


def test_a_students_features_cost_what_its_teacher_was_asked(read):
    inputs = with_rerankers(read())
    note = inputs.provenance.arms["llm"].model_copy(update={"prompt_version": "student"})
    arms = {**inputs.provenance.arms, "llm": note}
    told = inputs.provenance.model_copy(update={"arms": arms, "taught": {"student": 0.25}})

    def once(inputs):
        rows = pareto(inputs).blocks[1].rows
        return next((row[1], row[4]) for row in rows if row[0] == inputs.roles.name("llm"))

    kind, whole = once(inputs)
    assert (kind, once(replace(inputs, provenance=told))[0]) == ("features", "features, distilled")
    quarter = float(once(replace(inputs, provenance=told))[1].strip("$"))
    assert quarter == pytest.approx(float(whole.strip("$")) / 4, abs=0.006)


def test_a_model_without_a_price_is_on_no_frontier(read):
    section = pareto(with_rerankers(read(), price=None))
    assert "The arm ours" not in section.blocks[0].figure.data["name"]
    assert "without a price" in words(section)
