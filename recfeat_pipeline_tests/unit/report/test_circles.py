"""A circle is said beside every figure of agreement, and nowhere else."""

import pytest

from recfeat_pipeline.report.blocks import Paragraph
from recfeat_pipeline.report.caveats import find_caveats
from recfeat_pipeline.report.sections.agreement import agreement
from recfeat_pipeline.report.sections.probes import probes

SAID = "The field 'Genres' spells out 92% of its items' curated tags."


@pytest.mark.parametrize("build", [agreement, probes])
@pytest.mark.parametrize("told", [[], [SAID]])
def test_a_circle_stands_beside_agreement(read, build, told):
    inputs = read(circles=told)
    said = [b.text for b in build(inputs).blocks if isinstance(b, Paragraph)]
    assert (SAID in said) == bool(told)
    assert (SAID in find_caveats(inputs)) == bool(told)
