"""The chat protocol, as servers speak it and as they break it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recfeat_pipeline.extraction import Limits, extract, load_version
from recfeat_pipeline.extraction.backends.batch_api import read_lines
from recfeat_pipeline.extraction.backends.secret import HIDDEN, Secret
from recfeat_pipeline.extraction.backends.wire import about_the_item, error_of, read_completion
from recfeat_pipeline.extraction.requests import build, keyed
from recfeat_pipeline.extraction.types import Answer
from recfeat_pipeline.extraction.validation import check_content
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.unit.extraction.cases import Scripted, documents, good

V1 = load_version("genome132-v1")
REQUEST = next(build(documents(1), keyed(documents(1), V1, "m"), V1, "m"))

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
bodies = values | st.fixed_dictionaries(
    {},
    optional={
        "choices": values
        | st.lists(
            st.fixed_dictionaries(
                {"message": values | st.fixed_dictionaries({"content": values, "refusal": values})},
                optional={"finish_reason": values},
            ),
            max_size=2,
        ),
        "usage": values
        | st.fixed_dictionaries({"prompt_tokens": values, "prompt_tokens_details": values}),
        "model": values,
    },
)


@settings(max_examples=300, deadline=None)
@given(bodies)
def test_fuzz_any_body_is_an_answer_or_none_at_all(body):
    try:
        answer = read_completion(body, REQUEST)
    except ValueError:
        return
    assert isinstance(answer, Answer)
    assert answer.content is None or isinstance(answer.content, str)
    assert 0 <= answer.usage.cached <= answer.usage.prompt
    assert answer.usage.prompt > 0


@settings(max_examples=25, deadline=None)
@given(st.lists(values.map(json.dumps) | st.text(), min_size=36, max_size=36))
def test_fuzz_nothing_invalid_reaches_the_store(tmp_path_factory, contents):
    """Whatever 36 asks of 18 calls are answered with, what is stored as "ok" is valid."""
    lake, contents = Lake(tmp_path_factory.mktemp("lake")), iter([*contents])
    answered = lambda request, attempt: (  # noqa: E731
        good(request) if request.question.group == "tone" else next(contents, "")
    )
    summary = extract(
        documents(3), V1, lake, "00", Scripted(answered), limits=Limits(concurrency=4, reasks=1)
    )
    assert summary.ok + summary.failed == 18
    assert summary.ok >= 3
    rows = lake.read("responses")
    calls = keyed(documents(3), V1, "gpt-4.1-mini")
    requests = {r.key: r for r in build(documents(3), calls, V1, "gpt-4.1-mini")}
    for row in rows.filter(status="ok").to_dicts():
        check_content(row["response"], requests[row["cache_key"]])
    assert rows.filter(status="failed")["reason"].null_count() == 0


JSON = '{"a": 1}'
THOUGHT = {"type": "reasoning", "text": "hm {2}"}


@pytest.mark.parametrize(
    "message",
    [
        {"content": JSON},
        {"content": [{"type": "text", "text": '{"a"'}, {"text": ": 1}"}]},
        {"content": [THOUGHT, {"type": "output_text", "text": JSON}]},
        {"content": {"a": 1}},
        {"content": None, "reasoning_content": JSON},
        {"content": "", "reasoning": JSON},
        {"content": " ", "tool_calls": [{"function": {"name": "f", "arguments": JSON}}]},
        {"content": None, "tool_calls": [{"function": {"arguments": {"a": 1}}}]},
        {"content": None, "function_call": {"arguments": JSON}},
        {"content": JSON, "reasoning_content": "The plot says {7}.", "tool_calls": []},
    ],
)
def test_an_answer_is_found_wherever_a_server_puts_it(message):
    assert read_completion({"choices": [{"message": message}]}, REQUEST).content == JSON


@pytest.mark.parametrize("message", [{"content": ""}, {"content": None, "reasoning": "Hm."}])
def test_thoughts_alone_are_no_answer(message):
    assert not read_completion({"choices": [{"message": message}]}, REQUEST).content


def test_usage_is_read_or_estimated():
    message = {"choices": [{"message": {"content": "12345678"}}]}
    usage = {"prompt_tokens": 10, "completion_tokens": 3}
    details = {"prompt_tokens_details": {"cached_tokens": 99}}
    exact = read_completion({**message, "usage": usage | details}, REQUEST).usage
    assert (exact.prompt, exact.cached, exact.completion) == (10, 10, 3)
    guessed = read_completion(message, REQUEST).usage
    assert guessed.prompt > 500
    assert guessed.completion == 2


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 3}, True),
        ({"prompt_tokens": 10, "completion_tokens": None}, False),
        ({"prompt_tokens": 10, "completion_tokens": 0}, False),  # of eight characters
        ({"prompt_tokens": 0, "completion_tokens": 3}, False),
        ({"prompt_tokens": "10", "completion_tokens": True}, False),
        ({}, False),
        (None, False),
    ],
)
def test_tokens_that_the_server_did_not_count_are_a_guess(usage, counted):
    body = {"choices": [{"message": {"content": "12345678"}}], "usage": usage}
    assert read_completion(body, REQUEST).counted is counted


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"error": {"code": "c", "message": "m"}}, "c", "m"),
        ({"error": {"type": "t", "message": "m", "code": None}}, "t", "m"),
        ({"object": "error", "message": "m", "code": 404}, "404", "m"),  # vLLM
        ({"detail": "m"}, None, "m"),
        ([{"error": {"code": 400, "message": "m"}}], "400", "m"),  # Gemini
        ({"detail": [{"loc": ["body", "seed"], "msg": "m"}]}, None, "seed: m"),  # FastAPI
        ({"error": "m"}, None, "m"),
        (None, None, ""),
        ("text", None, "text"),
        ([1], None, "[1]"),
    ],
)
def test_errors_in_every_dialect(body, code, message):
    assert error_of(body) == (code, message)


@pytest.mark.parametrize(
    ("status", "code", "message", "item"),
    [
        (400, "context_length_exceeded", "", True),
        (400, None, "This model's maximum context length is 8192 tokens", True),
        (400, None, "the request exceeds the available context size", True),
        (413, None, "", True),
        (422, "content_policy_violation", "", True),
        (400, None, "Unsupported value: 'temperature'", False),
        (400, None, "Invalid schema for response_format", False),
        (500, "context_length_exceeded", "", False),
    ],
)
def test_an_items_fault_is_told_from_a_settings(status, code, message, item):
    assert about_the_item(status, code, message) is item


def test_torn_lines_of_a_result_file_are_missing_entries():
    text = '{"custom_id": "a"}\nnot json\n[1]\n\n{"custom_id": "b"}\n{"cust'
    assert [e["custom_id"] for e in read_lines(text)] == ["a", "b"]


@pytest.mark.parametrize("key", ["sk-abc/def+123", 'k"e\\y and more', "plainkey1234"])
def test_a_key_is_hidden_in_every_form(key):
    from urllib.parse import quote

    secret = Secret(key)
    text = f"{key} {quote(key, safe='')} {json.dumps(key)}"
    assert secret.hide(text).count(HIDDEN) == 3
    assert key not in repr(secret) + secret.hide(text)


def test_a_placeholder_for_a_key_is_a_word_like_any_other():
    answer = '{"profile": "None like it; second to none. A local story, on empty."}'
    for key in (None, "none", "local", "EMPTY", "story"):
        assert Secret(key).hide(answer) == answer


def test_other_keys_are_hidden_in_short_messages():
    brief = Secret("mine-1234").brief("Incorrect API key provided: sk-proj-abcdefghij0123456789\n!")
    assert brief == f"Incorrect API key provided: {HIDDEN} !"
    assert len(Secret("x").brief("long " * 100)) == 200
