"""What servers say of keys and models, in their own words and codes."""

import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.backends.secret import Secret
from recfeat_pipeline.extraction.backends.trouble import explain
from recfeat_pipeline.extraction.types import ItemError, RejectedError


def said(status, message):
    body = {"error": {"message": message, "code": str(status)}}
    return explain(status, {}, body, "http://llm/v1", "gpt-nope", Secret("sk-1234567890abcdef"))


@pytest.mark.parametrize(
    "message",
    [
        "API key not valid. Please pass a valid API key.",  # Gemini
        "API key expired. Please renew the API key.",
        "No connected db.",  # a LiteLLM proxy without a database
        "Incorrect API key provided",
    ],
)
def test_a_key_that_is_refused_as_a_bad_request_is_a_key_that_is_refused(message):
    error = said(400, message)
    assert isinstance(error, RecfeatError)
    assert "refuses the API key" in str(error)
    assert "RECFEAT_LLM_API_KEY" in str(error)


@pytest.mark.parametrize(
    "message",
    [
        "/chat/completions: Invalid model name passed in model=gpt-nope. Call `/v1/models`",
        "gpt-nope is not a valid model ID",  # OpenRouter
        "The model `gpt-nope` does not exist",
        'model "gpt-nope" not found, try pulling it first',  # Ollama
    ],
)
def test_a_model_that_is_unknown_as_a_bad_request_is_named(message):
    error = said(400, message)
    assert isinstance(error, RecfeatError)
    assert "does not know the model 'gpt-nope' (HTTP 400). Set RECFEAT_LLM_MODEL" in str(error)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("'max_tokens' is not supported with this model.", RejectedError),
        ("Argument not supported on this model: seed", RejectedError),
        ("This model's maximum context length is 8192 tokens", ItemError),
        ("Invalid value for 'temperature'", RejectedError),
    ],
)
def test_other_bad_requests_are_neither(message, kind):
    assert isinstance(said(400, message), kind)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "Your credit balance is too low to access the Anthropic API."),
        (429, "RateLimitError: OpenAIException - insufficient_quota: You exceeded your quota"),
        (402, "Payment required"),
    ],
)
def test_an_empty_account_is_said_at_once(status, message):
    assert "has no credit left" in str(said(status, message))
