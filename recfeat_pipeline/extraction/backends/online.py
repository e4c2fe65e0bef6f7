"""The online backend: any OpenAI-compatible chat endpoint, through the openai SDK."""

import asyncio
import json
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import openai

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.backends.secret import Secret
from recfeat_pipeline.extraction.backends.wire import (
    about_the_item,
    error_of,
    read_completion,
    request_body,
)
from recfeat_pipeline.extraction.types import (
    Answer,
    Limits,
    RejectedError,
    Request,
    TransientError,
)

MAX_BODY = 4 * 1024 * 1024  # bytes of a response; a valid one has a few thousand
LONGEST_WAIT = 900.0  # seconds a server may ask us to wait before the run ends instead


class OnlineBackend:
    """Chat completions with a JSON schema, one request each.

    Args:
        model: as sent; part of every key.
        base_url: the endpoint; None is OpenAI's own.
        api_key: the key; servers of one's own usually ask for none.
        limits: time limit and number of connections.
    """

    name = "online"
    instant = False

    def __init__(
        self, model: str, base_url: str | None, api_key: str | None, limits: Limits | None = None
    ):
        limits = limits or Limits()
        self.model = model
        self.secret = Secret(api_key or "none")
        self.timeout_s = limits.timeout_s
        self.client = open_client(base_url, self.secret, limits)
        self.base_url = str(self.client.base_url)

    async def ask(self, request: Request, attempt: int, reminder: str | None) -> Answer:
        """Send one call and read its answer; see :class:`Backend` for what is raised."""
        started = time.perf_counter()
        body = request_body(request, attempt, reminder)
        with_schema = {key: body.pop(key) for key in ("model", "messages", "response_format")}
        try:
            async with (
                asyncio.timeout(self.timeout_s),
                self.client.chat.completions.with_streaming_response.create(
                    **with_schema, extra_body=body
                ) as response,
            ):
                data = bytearray()
                async for chunk in response.iter_bytes():
                    data += chunk
                    if len(data) > MAX_BODY:
                        raise TransientError(f"a response of more than {MAX_BODY:,} bytes")
        except openai.APIStatusError as error:
            raise self._status(error) from None
        except (TimeoutError, openai.APITimeoutError, httpx2.TimeoutException):
            raise TransientError(f"no answer within {self.timeout_s:g} s") from None
        except (openai.APIConnectionError, httpx2.HTTPError) as error:
            raise self._connection(error) from None
        latency_ms = (time.perf_counter() - started) * 1e3
        try:
            parsed = json.loads(self.secret.hide(data.decode("utf-8", "replace")))
            if "error" in parsed and "choices" not in parsed:
                code, message = error_of(parsed)
                raise TransientError(self.secret.brief(f"error {code}: {message}"))
            return read_completion(parsed, request, latency_ms)
        except (ValueError, TypeError, RecursionError):
            raise TransientError("the response is not a chat completion") from None

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()

    def _status(self, error: openai.APIStatusError) -> Exception:
        status = error.status_code
        code, message = error_of(error.body)
        detail = self.secret.brief(message) or f"HTTP {status}"
        if status in (401, 403):
            return RecfeatError(
                f"The endpoint {self.base_url} refuses the API key (HTTP {status}). Set "
                "RECFEAT_LLM_API_KEY to a valid one; nothing more was sent."
            )
        if status == 404:
            return RecfeatError(
                f"The endpoint {self.base_url} does not know the model {self.model!r} or the path "
                "(HTTP 404). Set RECFEAT_LLM_MODEL, or mend RECFEAT_LLM_BASE_URL."
            )
        if status == 402 or code == "insufficient_quota":
            return RecfeatError(
                f"The account at {self.base_url} has no credit left (HTTP {status}). Add some and "
                "run again; what was answered is kept."
            )
        if 300 <= status < 400:
            return RecfeatError(
                f"The endpoint {self.base_url} redirects elsewhere (HTTP {status}), where the key "
                "will not be sent. Set RECFEAT_LLM_BASE_URL to the final address."
            )
        if status in (408, 409, 425, 429) or status >= 500:
            wait = retry_after(error.response.headers)
            if wait is not None and wait > LONGEST_WAIT:
                return RecfeatError(
                    f"The endpoint {self.base_url} asks to wait {wait / 60:.0f} minutes (HTTP "
                    f"{status}). Run again then; what was answered is kept."
                )
            return TransientError(f"HTTP {status}: {detail}", wait, rate_limited=status == 429)
        return about_the_item(status, code, message) or RejectedError(f"HTTP {status}: {detail}")

    def _connection(self, error: Exception) -> TransientError:
        cause = error.__cause__ or error
        unreachable = isinstance(cause, httpx2.ConnectError)
        what = "no connection to" if unreachable else "a broken connection to"
        return TransientError(f"{what} {self.base_url}", unreachable=unreachable)


def open_client(base_url: str | None, secret: Secret, limits: Limits) -> openai.AsyncOpenAI:
    """An SDK client that follows no redirect and leaves retries to the runner."""
    connections = httpx2.Limits(
        max_connections=limits.concurrency, max_keepalive_connections=limits.concurrency
    )
    return openai.AsyncOpenAI(
        api_key=secret.reveal(),
        base_url=base_url,
        max_retries=0,
        timeout=limits.timeout_s,
        http_client=openai.DefaultAsyncHttpxClient(limits=connections, follow_redirects=False),
    )


def retry_after(headers: Any) -> float | None:
    """Seconds that the server asks to wait, whichever of three ways it says so."""
    try:
        if value := headers.get("retry-after-ms"):
            return max(float(value) / 1e3, 0.0)
        value = headers.get("retry-after")
        if not value:
            return None
        if value.strip().replace(".", "", 1).isdigit():
            return float(value)
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None
