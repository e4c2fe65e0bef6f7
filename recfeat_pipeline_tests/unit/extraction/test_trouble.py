"""What servers say of keys and models, in their own words and codes."""

import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.backends.secret import Secret
from recfeat_pipeline.extraction.backends.trouble import explain
from recfeat_pipeline.extraction.types import ItemError, RejectedError, TransientError


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


NO_CREDIT = [
    (400, "Your credit balance is too low to access the Anthropic API."),
    (400, "billing_hard_limit_reached: Billing hard limit has been reached"),  # OpenAI
    (429, "RateLimitError: OpenAIException - insufficient_quota: You exceeded your quota"),
    (429, "Your account is not active, please check your billing details on our website."),
    (401, "insufficient_quota"),
    (402, "Payment required"),
    (402, "Insufficient Balance"),  # DeepSeek
    (402, "You have exceeded your monthly included credits for Inference Providers."),
    (400, "ExceededBudget: User=None over budget. Spend=0.1, Budget=0.05"),  # LiteLLM
    (429, "Budget has been exceeded! Current cost: 0.0003, Max budget: 0.0002"),
    (403, "Your team has used all available credits or reached its monthly spending limit"),  # xAI
    (403, "Out of call volume quota. Quota will be replenished in 12.00:00:00."),  # Azure
    (400, "You have reached your specified API usage limits. You will regain access on …"),
]
USED_UP = [
    "You exceeded your current quota, please check your plan and billing details.",  # Gemini
    "litellm.RateLimitError: RateLimitError: OpenAIException - You exceeded your current quota.",
    "Quota exceeded for metric: generate_content_free_tier_requests, limit: 50",
    "Rate limit exceeded: free-models-per-day.",  # OpenRouter
    "You are using a Trial key, which is limited to 1000 API calls / month.",  # Cohere
    "Rate limit reached on tokens per day (TPD): Limit 100000, Used 99999",  # Groq
]
BUSY = [
    "Rate limit reached for gpt-4.1-mini on tokens per min (TPM): Limit 200000, Used 190000",
    "The call has exceeded the call rate limit; ask at https://aka.ms/oai/quotaincrease",
    "Resource exhausted. Please try again later.",  # Vertex, when it is overloaded
    "No deployments available for selected model, Try again in 5 seconds.",  # LiteLLM
]


@pytest.mark.parametrize(("status", "message"), NO_CREDIT)
def test_an_empty_account_ends_the_run_when_it_is_said_twice(status, message):
    error = said(status, message)
    assert isinstance(error, TransientError)
    assert "has no credit left" in str(error.exhausted)
    assert message.split(".")[0] in str(error.exhausted)
    assert error.sure_after == 0


@pytest.mark.parametrize("message", USED_UP)
def test_a_quota_that_may_be_a_days_ends_the_run_when_a_minute_did_not_help(message):
    error = said(429, message)
    assert error.rate_limited
    assert "is used up" in str(error.exhausted)
    assert error.sure_after == 60


@pytest.mark.parametrize("message", BUSY)
def test_a_busy_server_is_waited_for(message):
    error = said(429, message)
    assert error.rate_limited
    assert error.exhausted is None


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ([{"@type": "…QuotaFailure"}, {"@type": "…RetryInfo", "retryDelay": "37.5s"}], 37.5),
        ([{"retryDelay": None}, "odd", {"retryDelay": "soon"}], None),
        ("odd", None),
    ],
)
@pytest.mark.parametrize("frame", [dict, lambda body: [body]])
def test_a_wait_that_stands_in_the_body_is_kept_to(details, expected, frame):
    body = frame({"error": {"code": 429, "message": "Too many requests", "details": details}})
    error = explain(429, {}, body, "http://llm/v1", "gemini", Secret(None))
    assert error.retry_after == expected
