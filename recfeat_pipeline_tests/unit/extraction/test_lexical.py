"""The embedded extractor finds a document's own words."""

import pytest

from recfeat_pipeline.extraction import Limits, extract, load_version, scores
from recfeat_pipeline.extraction.backends.lexical import LexicalBackend, summarise
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.unit.extraction.cases import documents

V1 = load_version("genome132-v1")
LEXICAL = LexicalBackend(V1)


def test_the_words_of_a_dimension_raise_it_and_no_other():
    document = "Title: A (1999)\nKeywords: serial killer, detective\nPlot: The killer is chased."
    found = LEXICAL.score("themes", document)
    assert found["serial_killer"] >= 0.5
    assert found["mystery"] > 0
    assert found["romance"] == found["heist"] == 0


def test_a_keyword_counts_more_than_prose_and_more_words_count_more():
    keyword = LEXICAL.score("setting", "Keywords: vampires")["vampires"]
    prose = LEXICAL.score("setting", "Plot: There are vampires.")["vampires"]
    often = LEXICAL.score("setting", "Plot: Vampires, a vampire, vampires.")["vampires"]
    assert keyword > prose > 0
    assert often > prose


def test_phrases_are_found_whole_and_in_other_forms():
    found = LEXICAL.score("provenance", "Keywords: based on comic, superheroes")
    assert found["based_on_comic"] > 0.3
    assert found["superhero"] > 0.3
    assert LEXICAL.score("setting", "Plot: A war of words.")["world_war_ii"] == 0


def test_every_score_is_in_range_and_nothing_gives_nothing():
    for group in V1.groups:
        assert set(LEXICAL.score(group, "").values()) == {0.0}
        loud = LEXICAL.score(group, "Keywords: " + V1.questions[0].system * 3)
        assert all(0 <= s <= 1 for s in loud.values())


def test_it_goes_through_the_same_ledger_and_is_labelled(tmp_path):
    lake = Lake(tmp_path)
    docs = documents(2, text="Vampires hunt a detective in Paris {i}.")
    for expected in (12, 0):
        assert extract(docs, V1, lake, "00", LexicalBackend(V1), limits=Limits()).sent == expected
    rows = lake.read("responses")
    assert set(rows["model"]) == {"lexical-v1"}
    assert set(rows["backend"]) == {"lexical"}
    assert rows["cost_usd"].sum() == 0
    frame = scores(docs, V1, lake, "00", "lexical-v1")
    assert frame.filter(dimension="vampires")["score"].min() > 0


@pytest.mark.parametrize(
    "document",
    ["", "Title: A", "Overview: One. Two. Three.\nKeywords: a, b, c, d, e", "(no text)", "a: b"],
)
def test_a_summary_is_a_valid_profile(document):
    found = summarise(document)
    assert 20 <= len(found["profile"]) <= 1000
    assert len(set(found["tags"])) == 4


@pytest.mark.parametrize("name", ["item-profile-v1", "user-profile-v1", "genome132-one-call"])
def test_it_answers_every_kind_of_version(tmp_path, name):
    version = load_version(name)
    summary = extract(documents(2), version, Lake(tmp_path), "00", LexicalBackend(version))
    assert (summary.ok, summary.failed) == (2, 0)
