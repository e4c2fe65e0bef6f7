"""A version without one valid answer is no success."""

import pytest

from recfeat_pipeline.defs.extraction.version import refuse_worthless
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
