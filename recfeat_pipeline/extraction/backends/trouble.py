"""What an error response means: the user's to mend, worth waiting, or one item's."""

import re
from typing import Any

from recfeat_pipeline.extraction.backends.secret import Secret
from recfeat_pipeline.extraction.backends.wire import about_the_item, delay_of, error_of
from recfeat_pipeline.extraction.types import (
    EndpointError,
    ItemError,
    RejectedError,
    TransientError,
)
from recfeat_pipeline.pacing import retry_after

ABOUT_THE_KEY = re.compile(
    r"api.?key|credential|authenti|permission|unauthori[sz]ed|billing|account|region|country"
    r"|organi[sz]ation|project|access denied",
    re.IGNORECASE,
)
KEY_REFUSED = re.compile(  # as HTTP 400: Gemini, and a LiteLLM proxy without a database
    r"api.?key.{0,20}(not valid|invalid|expired)|(invalid|incorrect) api.?key|no connected db",
    re.IGNORECASE,
)
MODEL_UNKNOWN = re.compile(  # as HTTP 400: LiteLLM, OpenRouter and others
    r"(invalid|unknown|no such) model\b|not a valid model|model.{0,80}(not found|does not exist)",
    re.IGNORECASE,
)
NO_CREDIT = re.compile(  # money is wanted: in the words of OpenAI, Anthropic, LiteLLM, xAI, Azure …
    r"insufficient.?quota|insufficient.{0,10}(credit|balance|funds)|credit balance is too low"
    r"|(credit|spend|spending|hard|soft)[ _-]limit|billing.?not.?active|check your billing"
    r"|budget (has been|was) exceeded|exceeded.?(token.?)?budget|budget.?exceeded|over budget"
    r"|all (of )?(its|your|the )?available credits|out of credits?|included credits"
    r"|out of call volume quota|api usage limits?",
    re.IGNORECASE,
)
QUOTA = re.compile(  # of a day or a month, or of a minute: time will tell which
    r"exceeded.{0,20} quota|quota.{0,20}(exceeded|exhausted|reached|used up)"
    r"|(per|/|a)[ -]?(day|month)\b|daily|monthly",
    re.IGNORECASE,
)
A_MINUTE = 60.0  # seconds, after which a quota of a minute is there again
MADE_AND_LOST = {500, 502, 504, *range(520, 525)}  # a gateway's; the answer may have been paid
LONGEST_WAIT = 900.0  # seconds a server may ask us to wait before the run ends instead


def explain(
    status: int, headers: Any, body: Any, base_url: str, model: str, secret: Secret
) -> Exception:
    """The exception that a response's status calls for; never with the key in it."""
    code, message = error_of(body)
    detail = secret.brief(message)
    said = f"HTTP {status}: {detail}" if detail else f"HTTP {status}"
    words = f"{code} {message}"
    key_refused = status == 403 and ABOUT_THE_KEY.search(words)
    if status == 402 or (400 <= status < 500 and NO_CREDIT.search(words)):
        no_credit = EndpointError(
            f"The account at {base_url} has no credit left, or reached its limit ({said}). Add "
            "some and run again; what was answered is kept."
        )
        return TransientError(said, rate_limited=True, exhausted=no_credit)
    if status == 401 or key_refused or (status == 400 and KEY_REFUSED.search(words)):
        return EndpointError(
            f"The endpoint {base_url} refuses the API key ({said}). Set RECFEAT_LLM_API_KEY to a "
            "valid one; nothing more was sent."
        )
    if status == 407:
        return EndpointError(
            "The proxy refuses the connection (HTTP 407). Set user and password in HTTPS_PROXY, as "
            "in http://user:password@host:port."
        )
    if status == 404 or (status == 400 and MODEL_UNKNOWN.search(words)):
        path = " or the path" if status == 404 else ""
        return EndpointError(
            f"The endpoint {base_url} does not know the model {model!r}{path} (HTTP {status}). "
            "Set RECFEAT_LLM_MODEL, or mend RECFEAT_LLM_BASE_URL."
        )
    if 300 <= status < 400:
        return EndpointError(
            f"The endpoint {base_url} redirects elsewhere (HTTP {status}), where the key will not "
            "be sent. Set RECFEAT_LLM_BASE_URL to the final address."
        )
    if status in (408, 409, 425, 429) or status >= 500:
        wait = retry_after(headers)
        wait = delay_of(body) if wait is None else wait
        if wait is not None and wait > LONGEST_WAIT:
            return EndpointError(
                f"The endpoint {base_url} asks to wait {wait / 60:.0f} minutes (HTTP {status}). "
                "Run again then; what was answered is kept."
            )
        used_up = EndpointError(
            f"The quota at {base_url} is used up: for more than a minute it has answered nothing "
            f"but {said}. Run again when it is renewed, or raise it; what was answered is kept."
        )
        limited = status == 429
        return TransientError(
            said, wait, limited, billed=status == 408 or status in MADE_AND_LOST,
            exhausted=used_up if limited and QUOTA.search(words) else None, sure_after=A_MINUTE,
        )  # fmt: skip
    if about_the_item(status, code, message):
        return ItemError(f"rejected: {said}")
    return RejectedError(said, sign=f"{status} {code}")
