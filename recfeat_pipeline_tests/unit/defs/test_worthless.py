"""A version without one valid answer is no success."""

import pytest

from recfeat_pipeline.defs.extraction.version import refuse_worthless, tell_failed
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction import Summary, load_version

V1 = load_version("genome132-v1")


def test_all_failed_now_or_before_is_said():
    now = Summary(requested=12, sent=12, failed=12, reasons={"not_json": 10, "length": 2})
    with pytest.raises(RecfeatError, match=r"None of the 12 calls .* \(not_json 10, length 2\)"):
        refuse_worthless(V1, [now])
    before = Summary(requested=12, known_failed=12)
    with pytest.raises(RecfeatError, match=r"None of the 12 calls .* \(they failed in earlier"):
        refuse_worthless(V1, [before])


@pytest.mark.parametrize(
    "summary",
    [
        Summary(),
        Summary(requested=12, cached=1, known_failed=11),
        Summary(requested=12, pending=1, failed=11),
        Summary(requested=12, sent=3, failed=3, stopped="The budget is reached."),
    ],
)
def test_one_valid_answer_or_one_that_may_come_is_enough(summary):
    refuse_worthless(V1, [summary])


def test_calls_without_a_valid_answer_are_told():
    now = Summary(requested=90, ok=50, failed=36, reasons={"rejected": 30, "length": 6})
    before = Summary(requested=1_000, known_failed=4)
    said = tell_failed([now, before])
    assert said.startswith("40 of 1,090 calls have no valid answer (rejected 30, length 6, of ear")
    assert "RECFEAT_LLM_RETRY_FAILED=1" in said
    assert tell_failed([Summary(requested=12, ok=10, cached=2)]) is None
