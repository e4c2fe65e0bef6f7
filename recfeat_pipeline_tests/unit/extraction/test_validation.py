"""What is stored, what is asked again, what is neither."""

import json

import jsonschema
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recfeat_pipeline.extraction import load_version
from recfeat_pipeline.extraction.requests import build, keyed
from recfeat_pipeline.extraction.schema import (
    compiled,
    profile_schema,
    ranking_schema,
    scores_schema,
    taxonomy_schema,
)
from recfeat_pipeline.extraction.types import Answer
from recfeat_pipeline.extraction.validation import (
    InvalidError,
    check,
    check_content,
    same_opening,
    same_title,
)
from recfeat_pipeline.extraction.versions import list_versions
from recfeat_pipeline_tests.unit.extraction.cases import documents, good


def request(version="genome132-v1", group=0):
    v, docs = load_version(version), documents(1)
    return list(build(docs, keyed(docs, v, "m"), v, "m"))[group]


REQUEST = request()
VALID = json.loads(good(REQUEST))


def reason(content, req=REQUEST):
    with pytest.raises(InvalidError) as caught:
        check_content(content, req)
    return caught.value.reason


def changed(**scores):
    return json.dumps(VALID | {"scores": VALID["scores"] | scores})


@pytest.mark.parametrize("version", ["genome132-v1", "genome132-overview-only", "item-profile-v1"])
def test_a_valid_answer_passes(version):
    req = request(version)
    assert check_content(good(req), req) == json.loads(good(req))


@pytest.mark.parametrize(
    "wrap",
    [
        "```json\n{}\n```",
        "```\n{}```",
        "<think>0.5? {{}}</think>\n{}",
        "so, a film of {{7}}\n</think>\n\n{}",
        "\ufeff{}",
        "\ufeff ```\n{}\n```",
    ],
)
def test_wrapping_that_servers_without_a_schema_add_is_taken_off(wrap):
    assert check_content(wrap.format(json.dumps(VALID)), REQUEST) == VALID


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "not_json"),
        ("  ", "not_json"),
        ("The film is great", "not_json"),
        (json.dumps(VALID)[:50], "not_json"),
        ("[" * 100_000, "not_json"),
        (changed(murder=float("nan")), "not_json"),
        (changed(murder=float("inf")), "not_json"),
        (json.dumps(VALID)[:-1] + ', "title": "x"}', "not_json"),  # a name twice
        ("x" * 200_001, "too_long"),
        ("[]", "schema"),
        ("3", "schema"),
        (json.dumps(VALID | {"more": 1}), "schema"),
        (json.dumps({"title": "x"}), "schema"),
        (changed(murder="0.5"), "schema"),
        (changed(murder=True), "schema"),
        (changed(murder=None), "schema"),
        (changed(made_up=0.5), "schema"),
        (changed(murder=1.01), "range"),
        (changed(murder=-0.01), "range"),
        (changed(murder=1e308), "range"),
        (json.dumps(VALID | {"title": "Film 2 (1952)"}), "identity"),
        (json.dumps(VALID | {"scores": dict.fromkeys(VALID["scores"], 0.3)}), "degenerate"),
        (
            json.dumps(VALID | {"scores": dict.fromkeys(VALID["scores"], 0.5) | {"murder": 0}}),
            "degenerate",
        ),
    ],
)
def test_an_invalid_answer_is_named(content, expected):
    assert reason(content) == expected


def test_all_zero_is_a_judgement_not_degenerate():
    zeros = VALID | {"scores": dict.fromkeys(VALID["scores"], 0)}
    assert check_content(json.dumps(zeros), REQUEST) == zeros


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer("{}", finish_reason="length"), "length"),
        (Answer(None, finish_reason="content_filter"), "content_filter"),
        (Answer(json.dumps(VALID), refusal="I cannot"), "refusal"),
        (Answer(json.dumps(VALID), finish_reason="MAX_TOKENS"), "length"),
        (Answer(json.dumps(VALID), finish_reason="FINISH_REASON_SAFETY"), "content_filter"),
        (Answer(json.dumps(VALID), finish_reason="refusal"), "refusal"),
        (Answer(json.dumps(VALID), finish_reason="error"), "finish_reason"),
    ],
)
def test_how_an_answer_ended_comes_before_what_it_says(answer, expected):
    with pytest.raises(InvalidError) as caught:
        check(answer, REQUEST)
    assert caught.value.reason == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"profile": "Short."}, "range"),
        ({"profile": "x" * 1001}, "range"),
        ({"tags": ["a", "b", "c"]}, "range"),
        ({"tags": ["a", "b", "c", "A"]}, "range"),
        ({"tags": ["a", "b", "c", ""]}, "range"),
        ({"tags": ["a", "b", "c", 4]}, "schema"),
    ],
)
def test_a_profile_has_text_and_four_tags(change, expected):
    req = request("item-profile-v1")
    assert reason(json.dumps(json.loads(good(req)) | change), req) == expected


@pytest.mark.parametrize(
    ("answered", "title", "same"),
    [
        ("Alien (1979)", "Alien (1979)", True),
        ("ALIEN", "Alien (1979)", True),
        ("The Matrix", "Matrix, The (1999)", True),
        ("Amelie", "Amélie (Fabuleux destin d'Amélie Poulain, Le) (2001)", True),
        ("Seven (a.k.a. Se7en)", "Seven (a.k.a. Se7en) (1995)", True),
        ("Dont Look Now", "Don't Look Now (1973)", True),
        ("Aliens (1986)", "Alien (1979)", False),
        ("Alien (1986)", "Alien (1979)", False),
        ("Toy Story", "Toy Story 2 (1999)", False),
        ("", "Alien (1979)", False),
        ("1984 (1984)", "1984 (1984)", True),
        ("羅生門", "羅生門 (1950)", True),
        ("!!!", "??? (1999)", False),
        ("???", "???", True),
        ("!!!", "???", False),
    ],
)
def test_titles_are_compared_by_their_words(answered, title, same):
    assert same_title(answered, title) is same


@pytest.mark.parametrize(
    ("answered", "same"),
    [
        ("Led by Woody, Andy's toys live", True),
        ("Overview: Led by Woody, Andy's", True),
        ("led by woody", True),
        ("Led by", False),
        ("When siblings Judy and Peter discover", False),
        ("", False),
    ],
)
def test_an_opening_is_compared_as_far_as_both_go(answered, same):
    assert same_opening(answered, "Led by Woody, Andy's toys live") is same


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
scores = st.fixed_dictionaries(
    {name: st.sampled_from([0, 0.1, 0.5, 1]) | json_values for name in VALID["scores"]}
)
titles = json_values | st.just(VALID["title"])
whole = st.fixed_dictionaries({"title": titles, "scores": scores})
VALID_TEXT = json.dumps(VALID)
edited = st.builds(
    lambda at, text: VALID_TEXT[:at] + text + VALID_TEXT[at + 1 :],
    st.integers(0, len(VALID_TEXT)),
    st.text(max_size=3),
)
answers = st.text() | json_values.map(json.dumps) | whole.map(json.dumps) | edited


@settings(max_examples=200, deadline=None)
@given(answers)
def test_fuzz_whatever_passes_is_fit_to_be_stored(content):
    try:
        parsed = check_content(content, REQUEST)
    except InvalidError:
        return
    assert set(parsed) == {"title", "scores"}
    assert set(parsed["scores"]) == set(VALID["scores"])
    assert all(type(s) in (int, float) and 0 <= s <= 1 for s in parsed["scores"].values())
    assert same_title(parsed["title"], VALID["title"])


@st.composite
def nearly_valid(draw):
    """A schema, and a value that fits it but for up to two changes."""
    dimensions = draw(st.sampled_from([None, ["a"], ["a", "b"]]))
    schema = scores_schema("title", dimensions) if dimensions else profile_schema("title")
    if dimensions is None:
        value = {"title": "t", "profile": "p", "tags": draw(st.lists(json_values | st.text()))}
    else:
        numbers = st.floats() | st.integers()
        value = {"title": "t", "scores": {d: draw(numbers) for d in dimensions}}
    for _ in range(draw(st.integers(0, 2))):
        place = value.get("scores") if draw(st.booleans()) else value
        if isinstance(place, dict):
            name = draw(st.sampled_from([*place, "more"]))
            place[name] = draw(json_values)
            if draw(st.booleans()):
                del place[name]
    return schema, value


@st.composite
def groups(draw):
    """A taxonomy's answer of one group, with any value in one of its places."""
    group = {"name": "n", "title": "t", "gloss": "g", "factual_only": True, "dimensions": []}
    group[draw(st.sampled_from([*group]))] = draw(json_values | st.booleans())
    return {"title": "t", "groups": [group]}


@settings(max_examples=500, deadline=None)
@given(
    nearly_valid()
    | st.tuples(st.just(scores_schema("title", ["a"])), json_values)
    | st.tuples(st.just(taxonomy_schema("title")), groups())
    | st.tuples(
        st.just(ranking_schema()),
        st.fixed_dictionaries({"ranking": st.lists(st.integers() | st.floats() | json_values)}),
    )
)
def test_the_fast_check_says_what_jsonschema_says(case):
    schema, value = case
    assert compiled(schema)(value) is jsonschema.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize("version", list_versions())
def test_the_fast_check_knows_every_keyword_of_our_schemas(version):
    def keywords(schema):
        parts = [*schema.get("properties", {}).values(), *filter(None, [schema.get("items")])]
        return set(schema).union(*map(keywords, parts))

    known = {"type", "properties", "required", "additionalProperties", "items"}
    for question in load_version(version).questions:
        assert keywords(question.schema) <= known


@pytest.mark.parametrize(
    "reason", ["stop", "eos", "end_turn", "STOP", "FINISH_REASON_STOP", "tool_calls", "", None]
)
def test_a_whole_answer_is_accepted_whatever_its_end_is_called(reason):
    assert check(Answer(json.dumps(VALID), finish_reason=reason), request()) == VALID


def test_an_answer_that_speaks_of_thoughts_is_not_cut():
    valid = {**VALID, "title": "Film 1 </think> (1951)"}
    with pytest.raises(InvalidError, match=r"names 'Film 1 </think> \(1951\)'"):
        check_content(json.dumps(valid), request())


def test_four_equal_scores_are_degenerate_and_three_are_not():
    from recfeat_pipeline.extraction.validation import _check_scores

    _check_scores(dict.fromkeys("abc", 0.3))
    _check_scores(dict.fromkeys("abcd", 0))
    with pytest.raises(InvalidError, match="all 4 scores are"):
        _check_scores(dict.fromkeys("abcd", 0.3))


def ranking(document="Taken before:\n- 99. A film\nCandidates:\n1. One\n2. Two\n3. Three"):
    version = load_version("rerank-v1")
    asked = documents(1).with_columns(text=pl.lit(document)).drop("fields")
    return next(build(asked, keyed(asked, version, "m"), version, "m"))


@pytest.mark.parametrize("numbers", [[2], [3, 1], [1, 2, 3], [3.0, 1]])
def test_a_ranking_names_candidates_each_once(numbers):
    answer = json.dumps({"ranking": numbers})
    assert check_content(answer, ranking()) == {"ranking": numbers}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"ranking": [1, 4]}, "ranking"),  # there are three
        ({"ranking": [99]}, "ranking"),  # a number of the history
        ({"ranking": [0, 1]}, "ranking"),
        ({"ranking": [-1]}, "ranking"),
        ({"ranking": [1, 2, 1]}, "ranking"),
        ({"ranking": [2, 2.0]}, "ranking"),
        ({"ranking": []}, "ranking"),
        ({"ranking": ["One"]}, "schema"),
        ({"ranking": [1.5]}, "schema"),
        ({"ranking": [True]}, "schema"),
        ({"ranking": [1], "why": "it is the best"}, "schema"),
        ({}, "schema"),
    ],
)
def test_a_ranking_of_anything_else_is_refused(answer, expected):
    assert reason(json.dumps(answer), ranking()) == expected


def test_where_no_candidate_is_listed_nothing_can_be_ranked():
    assert reason('{"ranking": [1]}', ranking("Taken before:\n- One")) == "ranking"
