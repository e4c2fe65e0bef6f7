import pytest

from recfeat_pipeline.report.caveats import find_caveats


@pytest.mark.parametrize(
    ("store", "changes", "words"),
    [
        ({"seeds": 1}, {}, "One seed"),
        ({"model": "lexical-1"}, {"used_llm": False}, "No LLM was used"),
        ({}, {"synthetic": True}, "generated, with a planted effect"),
        ({"control_gain": None}, {}, "No random-feature control"),
        ({"contrasts": False}, {}, "No intervals were computed"),
        ({"curated": False}, {}, "no arm with curated tags"),
        ({}, {}, "fewer than 500 characters"),
        ({}, {}, "1 of 270 extraction calls failed"),
        ({}, {}, "1 planned arm"),
    ],
)
def test_a_weakness_in_the_data_is_said(read, store, changes, words):
    assert any(words in caveat for caveat in find_caveats(read(store, **changes)))


def test_what_is_not_weak_is_not_mentioned(read):
    text = " ".join(find_caveats(read(skipped_arms={})))
    for words in ("One seed", "No LLM", "generated", "control", "intervals", "not run", "cover"):
        assert words not in text
