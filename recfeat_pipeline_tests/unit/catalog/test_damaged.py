"""Damaged files are refused with a sentence, unusual ones read whole; nothing goes amiss unsaid."""

import pytest

from recfeat_pipeline_tests.unit.catalog.damaged import DAMAGED
from recfeat_pipeline_tests.unit.catalog.damaged.case import outcome, server


@pytest.fixture(scope="module")
def url():
    with server() as running:
        yield running


def test_there_are_at_least_seventy():
    assert len({case.what for case in DAMAGED}) == len(DAMAGED) >= 70


@pytest.mark.parametrize("case", DAMAGED, ids=lambda case: case.what)
def test_a_damaged_file_is_refused_and_an_unusual_one_is_read(case, url):
    read, rows, said = outcome(case, url)
    if not case.said:
        assert (read, rows, said) == (True, case.rows, "")
        return
    assert read == case.read, said
    assert rows == (case.rows if read else 0)
    for words in case.said:
        assert any(word in said for word in words.split("|")), f"{words!r} is not said in {said!r}"
