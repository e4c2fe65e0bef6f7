"""The online backend: any OpenAI-compatible chat endpoint, through the openai SDK."""

import asyncio
import json
import time

import httpx2
import openai

from recfeat_pipeline.extraction.backends.secret import Secret
from recfeat_pipeline.extraction.backends.trouble import explain
from recfeat_pipeline.extraction.backends.wire import (
    error_of,
    read_completion,
    request_body,
)
from recfeat_pipeline.extraction.types import (
    Answer,
    Limits,
    Request,
    TransientError,
)

MAX_BODY = 4 * 1024 * 1024  # bytes of a response; a valid one has a few thousand


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
        try:
            async with (
                asyncio.timeout(self.timeout_s),
                # As extra_body the SDK sends the body as it is; typed arguments it would walk and
                # copy, schema and all, for a third of a call's CPU.
                self.client.chat.completions.with_streaming_response.create(
                    model=request.model, messages=(), extra_body=body
                ) as response,
            ):
                data = bytearray()
                async for chunk in response.iter_bytes():
                    data += chunk
                    if len(data) > MAX_BODY:
                        raise TransientError(f"a response of more than {MAX_BODY:,} bytes")
        except openai.APIStatusError as error:
            raise explain(error, self.base_url, self.model, self.secret) from None
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
