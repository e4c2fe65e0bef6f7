"""Ways in which what was sent is billed, each at its worst: scripts of a backend."""

from recfeat_pipeline.extraction.budget import worst_case
from recfeat_pipeline.extraction.types import Answer, TransientError, Usage
from recfeat_pipeline_tests.unit.extraction.cases import good


def dearest(request, content):
    """An answer that takes all the tokens it may."""
    return Answer(content, usage=worst_case(request))


def full(request, attempt):
    return dearest(request, good(request))


BILLED_AND = {
    "answered at full length": full,
    "never valid": lambda r, a: dearest(r, "no"),
    "lost on the way": lambda r, a: TransientError("cut", billed=True),
    "lost every second time": lambda r, a: (
        TransientError("cut", billed=True) if r.item_id % 2 else dearest(r, good(r))
    ),
    "not counted": lambda r, a: Answer(good(r), usage=Usage(1, 0, 1), counted=False),
}
