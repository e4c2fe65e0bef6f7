"""Endpoints with manners of their own: a profile suits each, and without one they are learned."""

import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction import Limits, extract, load_version
from recfeat_pipeline.extraction.backends.online import OnlineBackend
from recfeat_pipeline.extraction.budget import output_cap
from recfeat_pipeline.extraction.dialect import Dialect
from recfeat_pipeline.extraction.endpoints import profile_of
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.servers.openai_dialects import MANNERS
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer
from recfeat_pipeline_tests.unit.extraction.cases import documents

V1 = load_version("genome132-v1")
LIMITS = Limits(concurrency=8, timeout_s=5.0)

ADDRESSES = {
    "openai": ("https://api.openai.com/v1", "gpt-4.1-mini", "openai"),
    "openai-reasoning": ("https://api.openai.com/v1", "gpt-5-mini", "openai-reasoning"),
    "vllm": ("http://localhost:8000/v1", "Qwen/Qwen3-8B", "vllm"),
    "ollama": ("http://localhost:11434/v1", "gemma3", "ollama"),
    "llama.cpp": ("http://localhost:8080/v1", "gemma3", "llama-cpp"),
    "openrouter": ("https://openrouter.ai/api/v1", "qwen/qwen3-8b", "openrouter"),
    "litellm": ("http://localhost:4000", "mine", "litellm"),
    "anthropic": ("https://api.anthropic.com/v1", "claude-haiku-4-5", "anthropic"),
    "gemini": (
        "https://generativelanguage.googleapis.com/v1beta/openai", "gemini-2.5-flash", "gemini",
    ),
    "deepseek": ("https://api.deepseek.com/v1", "deepseek-chat", "deepseek"),
}  # fmt: skip


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


def run(server, lake, dialect=None, limits=LIMITS):
    notes = []
    backend = OnlineBackend(V1.model, server.base_url, None, limits)
    if dialect:
        backend.endpoint.dialect = dialect
    docs = documents(8)
    return extract(docs, V1, lake, "00", backend, limits=limits, note=notes.append), notes


@pytest.mark.parametrize("manners", sorted(ADDRESSES))
def test_a_profile_is_chosen_by_address_and_model_and_is_refused_nothing(lake, manners):
    base_url, model, name = ADDRESSES[manners]
    profile = profile_of(base_url, model)
    assert profile.name == name
    with OpenAIServer(dialect=manners) as server:
        server.bodies = []
        summary, notes = run(server, lake, profile)
    assert (summary.ok, summary.failed) == (48, 0)
    if manners == "litellm":  # which parameters it refuses is the model's behind it
        assert (server.refused, len(notes)) == (1, 1)
    else:
        assert (server.refused, notes) == (0, [])
    prefixes = {body.get("prompt_cache_key") for body in server.bodies}
    assert len(prefixes) == (6 if manners.startswith("openai") else 1)


LEARNED = {
    "openai-reasoning": 3,
    "litellm": 1,
    "gemini": 1,
    "deepseek": 1,
    "text-only": 2,
}


@pytest.mark.parametrize("manners", sorted(LEARNED))
def test_what_a_server_refuses_is_learned_once_and_remembered(lake, manners):
    with OpenAIServer(dialect=manners) as server:
        summary, notes = run(server, lake, Dialect())
        assert (summary.ok, summary.failed) == (48, 0)
        assert server.refused == len(notes) == LEARNED[manners]
        assert summary.http_requests == 48 + LEARNED[manners]
        lake.delete("responses")
        again, notes = run(server, lake, Dialect())
    assert again.ok == 48
    assert server.refused == LEARNED[manners]
    assert notes == []


def test_what_was_learned_is_said_in_words(lake):
    with OpenAIServer(dialect="openai-reasoning") as server:
        _, notes = run(server, lake)
    assert "max_tokens is sent as max_completion_tokens from now on" in notes[0]
    assert "temperature is left out" in notes[1]
    assert "Only the default (1) value is supported" in notes[1]
    assert "seed is left out" in notes[2]


@pytest.mark.parametrize(
    ("manners", "mark"), [("deepseek", "online/json_object"), ("text-only", "online/text")]
)
def test_answers_without_a_schema_are_marked_in_the_ledger(lake, manners, mark):
    with OpenAIServer(dialect=manners) as server:
        run(server, lake)
    assert set(lake.read("responses")["backend"]) == {mark}


def test_the_budget_knows_what_was_learned(lake):
    """A cap that is left out caps nothing: the rest of the budget must pay for all that comes."""
    refusal = "max_tokens: Extra inputs are not permitted"
    taught, _ = Dialect().taught(refusal, None, {"max_tokens": 1200})
    assert output_cap(taught.params(V1.params)) > 100_000
    raised = profile_of("https://api.openai.com/v1", "gpt-5")
    assert output_cap(raised.params(V1.params)) == 1200 + raised.thinking_room
    limits = Limits(budget_usd=0.02)  # enough for three calls of 1,200 tokens, not for one without
    with OpenAIServer(dialect="openai") as server:
        summary, _ = run(server, lake, taught, limits)
    assert summary.stopped
    assert server.counts["chat"] == 0


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ("max_tokens is too large: 32000. This model supports at most 16384 completion tokens",
         "max_tokens is at most 16384"),
        ("Argument not supported on this model: seed", "seed is left out"),
        ("`temperature` and `top_p` cannot both be specified for this model.",
         "temperature and top_p are left out"),
        ("Unknown name \"seed\": Cannot find field.", "seed is left out"),
        ("json_schema is not supported by this provider",
         "answers are asked for as a JSON object, with the schema in the prompt"),
        ("The messages are odd", None),
        ("model not found", None),
    ],
)  # fmt: skip
def test_sentences_of_servers(message, what):
    body = {"model": "m", "messages": [], "max_tokens": 32000, "seed": 1, "temperature": 0,
            "top_p": 1, "response_format": {}}  # fmt: skip
    taught = Dialect().taught(message, None, body)
    assert (taught[1] if taught else None) == what


def test_a_refusal_that_teaches_nothing_ends_the_run_as_before(lake):
    with OpenAIServer(fault=lambda asked: "400") as server:
        with pytest.raises(RecfeatError, match="Invalid value for 'temperature'"):
            run(server, lake)
        assert server.counts["chat"] == 1 + 3 + 1  # no temperature; three items; a harmless one


def test_a_profile_of_the_users_own_comes_first(tmp_path):
    folder = tmp_path / "endpoints"
    folder.mkdir()
    (folder / "ours.toml").write_text('hosts = ["openai.com"]\nwithout = ["seed"]\n')
    assert profile_of("https://api.openai.com/v1", "gpt-5", tmp_path).without == ("seed",)
    (folder / "odd.toml").write_text("sampler = 1\n")
    with pytest.raises(RecfeatError, match="sets 'sampler', which nothing reads"):
        profile_of("https://api.openai.com/v1", "gpt-5", tmp_path)


def test_every_manner_is_tried():
    assert set(ADDRESSES) | set(LEARNED) == set(MANNERS)
