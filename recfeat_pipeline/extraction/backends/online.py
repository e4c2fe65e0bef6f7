"""The online backend: any OpenAI-compatible chat endpoint, one request a call.

It speaks HTTP through aiohttp. A call through the openai SDK takes several times the CPU, and with
many calls in flight that is what limits the throughput (``python -m bench extraction`` has both).
"""

import json
import os
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx

from recfeat_pipeline import __version__
from recfeat_pipeline.extraction.backends.secret import Secret
from recfeat_pipeline.extraction.backends.trouble import explain
from recfeat_pipeline.extraction.backends.wire import (
    error_of,
    param_of,
    read_completion,
)
from recfeat_pipeline.extraction.clocks import Clocks
from recfeat_pipeline.extraction.dialect import Dialect
from recfeat_pipeline.extraction.endpoint import Endpoint
from recfeat_pipeline.extraction.endpoints import OPENAI
from recfeat_pipeline.extraction.types import (
    Answer,
    Limits,
    RejectedError,
    RephrasedError,
    Request,
    TransientError,
)
from recfeat_pipeline.settings import without_password

MAX_BODY = 4 * 1024 * 1024  # bytes of a response; a valid one has a few thousand
CONNECT_S = 30.0  # for a connection; an address where nothing answers is known by then


class OnlineBackend:
    """Chat completions with a JSON schema, one request each.

    Args:
        model: as sent; part of every key.
        base_url: the endpoint; None is OpenAI's own.
        api_key: the key; servers of one's own usually ask for none.
        limits: time limit and number of connections.
        profiles: the user's prompt folder, which may hold endpoint profiles.
    """

    instant = False

    def __init__(
        self,
        model: str,
        base_url: str | None,
        api_key: str | None,
        limits: Limits | None = None,
        profiles: str | Path | None = None,
    ):
        self.model = model
        self.secret = Secret(api_key)
        self._given_url = base_url
        self.base_url = (base_url or OPENAI).rstrip("/")
        self.endpoint = Endpoint(self.base_url, model, profiles)
        self._limits, self._profiles = limits or Limits(), profiles
        self._shown = without_password(self.base_url)
        parts = urlsplit(self.base_url)
        host = parts.netloc.rpartition("@")[2]
        path = f"{parts.path}/chat/completions"
        self._url = urlunsplit((parts.scheme, host, path, parts.query, ""))
        self._login = (unquote(parts.username or ""), unquote(parts.password or ""))
        self._clocks = Clocks(self._limits.timeout_s)
        self._open: aiohttp.ClientSession | None = None

    async def ask(self, request: Request, attempt: int, reminder: str | None) -> Answer:
        """Send one call and read its answer; see :class:`Backend` for what is raised."""
        started = time.perf_counter()
        dialect = self.endpoint.dialect
        body = dialect.body(request, attempt, reminder)
        sent = json.dumps(body).encode()
        data = bytearray()
        try:
            async with (
                self._clocks.limit(),
                self._session.post(self._url, data=sent, allow_redirects=False) as response,
            ):
                async for chunk in response.content.iter_any():
                    data += chunk
                    if len(data) > MAX_BODY:
                        raise TransientError(
                            f"a response of more than {MAX_BODY:,} bytes", billed=True
                        )
        except aiohttp.ClientHttpProxyError as error:
            raise explain(error.status, {}, None, self._shown, self.model, self.secret) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL):
            proxy = proxy_of(self.base_url)
            by = f" through the proxy {without_password(proxy)}" if proxy else ""
            raise TransientError(f"no connection to {self._shown}{by}", unreachable=True) from None
        except TimeoutError:
            raise TransientError(
                f"no answer within {self._limits.timeout_s:g} s", billed=True
            ) from None
        except (aiohttp.ClientError, OSError):
            raise TransientError(f"a broken connection to {self._shown}", billed=True) from None
        latency_ms = (time.perf_counter() - started) * 1e3
        text = self.secret.hide(data.decode("utf-8", "replace"))
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            parsed = text
        if (status := _status(response.status, parsed)) >= 300:
            where = (self._shown, self.model, self.secret)
            why = explain(status, response.headers, parsed, *where)
            if isinstance(why, RejectedError) and self._rephrased(dialect, parsed, body):
                raise RephrasedError
            raise why
        try:
            if "error" in parsed and "choices" not in parsed:
                code, message = error_of(parsed)
                raise TransientError(self.secret.brief(f"error {code}: {message}"), billed=True)
            return read_completion(parsed, request, latency_ms)
        except (ValueError, TypeError):
            raise TransientError("the response is not a chat completion", billed=True) from None

    @property
    def name(self) -> str:
        """See :class:`Backend`; with the form of answers, where that is not a schema."""
        return f"online{self.endpoint.mark}"

    def _rephrased(self, dialect: Dialect, refused: Any, body: dict[str, Any]) -> bool:
        """Whether the call is sent in another form from now on."""
        if dialect is not self.endpoint.dialect:  # another call has learned it meanwhile
            return True
        _, message = error_of(refused)
        return self.endpoint.learn(self.secret.brief(message), param_of(refused), body)

    def of_model(self, model: str) -> "OnlineBackend":
        """See :class:`Backend`."""
        key = self.secret.reveal() if self.secret.given else None
        return OnlineBackend(model, self._given_url, key, self._limits, self._profiles)

    async def close(self) -> None:
        """Close the connections."""
        if self._open is not None:
            await self._open.close()
            self._open = None

    @property
    def _session(self) -> aiohttp.ClientSession:
        """The connections, opened by the first call (they belong to its event loop)."""
        if self._open is None:
            tls = httpx.create_ssl_context() if self.base_url.startswith("https:") else True
            self._open = aiohttp.ClientSession(
                headers=self._headers(),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
                connector=aiohttp.TCPConnector(limit=self._limits.concurrency, ssl=tls),
                proxy=proxy_of(self.base_url),
            )
        return self._open

    @property
    def _authorization(self) -> str:
        """The key; without one, user and password where the address has them."""
        if any(self._login) and not self.secret.given:
            return aiohttp.encode_basic_auth(*self._login)
        return f"Bearer {self.secret.reveal()}"

    def _headers(self) -> dict[str, str]:
        """What the openai SDK sends as well."""
        of_account = {
            "OpenAI-Organization": os.environ.get("OPENAI_ORG_ID"),
            "OpenAI-Project": os.environ.get("OPENAI_PROJECT_ID"),
        }
        return {
            "Authorization": self._authorization,
            "Content-Type": "application/json",
            "User-Agent": f"recfeat_pipeline/{__version__}",
            **{name: value for name, value in of_account.items() if value},
        }


def _status(status: int, parsed: Any) -> int:
    """HTTP's, or that of an error which was sent as a 200 (OpenRouter)."""
    if status == 200 and isinstance(parsed, dict) and "choices" not in parsed:
        code, _ = error_of(parsed)
        return int(code) if code and re.fullmatch("[45][0-9]{2}", code) else status
    return status


def proxy_of(url: str) -> str | None:
    """The proxy that the environment names for a URL (HTTPS_PROXY, NO_PROXY and so on).

    aiohttp would look it up in a thread at each call.
    """
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
