"""How an LLM answered, from the rows of the ledger."""

import polars as pl
import pytest

from recfeat_pipeline.evaluation.answers import describe

CALLS = pl.DataFrame(
    [
        ("a", "ok", None, "online", 1, 700, 40, 0.001, 500.0),
        ("b", "failed", "ranking: 31 is none of the candidates 1 to 30", "online", 3, 2100, 120,
         0.003, 900.0),
        ("c", "failed", "not_json: the answer is empty", "online", 3, 2100, 0, 0.003, 800.0),
        ("d", "failed", "refusal: the model refused", "online", 1, 700, 0, 0.001, 100.0),
        ("e", "failed", "not_json: the answer is empty", "online", 3, 2100, 0, 0.003, 800.0),
        ("e", "ok", None, "batch", 1, 700, 40, 0.0005, None),
    ],
    schema=["cache_key", "status", "reason", "backend", "attempts", "prompt_tokens",
            "completion_tokens", "cost_usd", "latency_ms"],
    orient="row",
)  # fmt: skip
ASKED = pl.DataFrame({"picks": [[1, 2], None, None, None, [30, 4]]})


def test_a_call_that_was_asked_again_later_is_answered_and_all_of_it_was_paid():
    found = describe(ASKED, CALLS, 30)
    assert found["answered"] == 2
    assert (found["no_such_candidate"], found["unreadable"], found["other_failures"]) == (1, 1, 1)
    assert found["usd_per_1000"] == pytest.approx(1000 * 0.0115 / 5)
    assert found["prompt_tokens"] == 8400 / 5
    assert found["first_third"] == 0.5


def test_what_a_batch_took_tells_nothing_of_a_request():
    found = describe(ASKED, CALLS, 30)
    assert found["latency_p50_ms"] == pytest.approx(650)  # of 500, 900, 800 and 100


def test_without_a_price_there_is_no_price():
    assert describe(ASKED, CALLS.with_columns(cost_usd=None), 30)["usd_per_1000"] is None
    nothing = describe(ASKED.head(0), CALLS.head(0), 30)
    assert nothing["usd_per_1000"] is None
    assert nothing["first_third"] is None
