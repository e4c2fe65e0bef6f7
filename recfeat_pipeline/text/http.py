"""One polite HTTP client for every text source.

It keeps the source's rate, waits out one cool-down for all requests when the source throttles,
retries what may pass, caps bodies, follows only short redirects within the same origin, and says
what went wrong in words that hold no secret. A site that has not answered once is given up early:
a wrong address or a lost network costs one failure, not one per item.
"""

import asyncio
import json
import logging
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Any

import httpx

import recfeat_pipeline
from recfeat_pipeline.pacing import CoolDown, Rate, retry_after
from recfeat_pipeline.settings import without_password

MAX_REDIRECTS = 3
UNHEARD_ATTEMPTS = 2  # of a request to a site that has not answered once
CAUGHT_UP = 4  # requests, after a stall
NO_SUCH_PAGE = {404, 405, 410}
_SECRET = re.compile(r"(api_key=)[^&\s\"']+")


def _redact(record: logging.LogRecord) -> bool:
    record.msg, record.args = _SECRET.sub(r"\1***", record.getMessage()), ()
    return True


# httpx logs each URL at INFO, and TMDB's short key can only travel in the URL.
logging.getLogger("httpx").addFilter(_redact)


@dataclass(frozen=True)
class Pace:
    """How hard a source may be asked."""

    rate: float  # requests a second, over all workers
    workers: int = 1  # requests under way at once
    attempts: int = 5  # of one request, throttled ones not counted
    timeout: float = 30.0  # seconds without a byte
    connect: float = 10.0  # seconds until a connection stands
    backoff: float = 1.0  # seconds before the second attempt; doubles, with jitter
    cool_down: float = 5.0  # seconds to wait when throttled without a Retry-After; doubles
    patience: int = 12  # given-up requests in a row before the run stops
    longest_wait: float = 600.0  # seconds of throttling without one answer before the run stops
    max_bytes: int = 32 << 20  # of one decoded body


class Verdict(Enum):
    """What a source's answer means for its request."""

    OK = "ok"
    RETRY = "retry"
    THROTTLED = "throttled"
    FAILED = "failed"  # asking again will not help


class RequestFailedError(Exception):
    """One request was given up; the message is the reason, for the item's row."""


class UnavailableError(Exception):
    """The source cannot be used now: the run stops, what was fetched stays."""


@dataclass
class Traffic:
    """What one client sent and met."""

    requests: Counter[str] = field(default_factory=Counter)  # by route; retries included
    retries: int = 0
    cool_downs: int = 0

    def __add__(self, other: "Traffic") -> "Traffic":
        return Traffic(
            self.requests + other.requests,
            self.retries + other.retries,
            self.cool_downs + other.cool_downs,
        )


@dataclass(frozen=True)
class Reply:
    """An answer that was judged OK."""

    status: int
    data: Any  # parsed JSON
    body: str  # as it came


Judge = Callable[[int, Any], Verdict]


def judge_by_status(status: int, data: Any) -> Verdict:
    """The verdict of plain HTTP: 429 throttles; 5xx and what is no JSON object may pass."""
    if status == 429:
        return Verdict.THROTTLED
    if status >= 500 or not isinstance(data, dict):
        return Verdict.RETRY
    return Verdict.OK if status < 400 else Verdict.FAILED


def user_agent(contact: str | None) -> str:
    """Who asks, and where to complain: ``"recfeat_pipeline/0.1.0 (you@example.org) httpx"``."""
    whom = f" ({contact})" if contact else ""
    return f"recfeat_pipeline/{recfeat_pipeline.__version__}{whom} httpx"


class PoliteClient:
    """An async context manager around ``httpx.AsyncClient``; one per source and run.

    Args:
        base_url: root of the source; redirects that leave its origin are refused.
        pace: rate and patience.
        user_agent: sent with every request.
        headers: further headers, the place for a bearer token.
        secrets: query parameters sent with every request and shown nowhere.
    """

    def __init__(
        self,
        base_url: str,
        pace: Pace,
        user_agent: str,
        headers: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
    ):
        self.base_url = base_url.rstrip("/")
        self.pace = pace
        self.traffic = Traffic()
        self._secrets = dict(secrets or {})
        self._headers = {"User-Agent": user_agent, "Accept": "application/json", **(headers or {})}
        self._rate = Rate(pace.rate, burst_s=CAUGHT_UP / pace.rate)
        self._cooling = CoolDown(pace.cool_down, pace.longest_wait, pace.backoff)
        self._failures_in_a_row = 0
        self._heard: set[str] = set()  # sites that have answered in JSON, if only with an error

    async def __aenter__(self) -> "PoliteClient":
        self._client = httpx.AsyncClient(
            headers=self._headers,
            limits=httpx.Limits(max_connections=self.pace.workers),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        route: str,
        judge: Judge = judge_by_status,
        form: Mapping[str, str] | None = None,
        attempts: int | None = None,
        timeout: float | None = None,
        api: bool = True,
    ) -> Reply:
        """Ask until the answer is OK.

        Args:
            path: below the base URL; an absolute URL for a second host of the same source.
            params: the query.
            route: the request's name in the counts.
            judge: the verdict on (HTTP status, parsed JSON or None).
            form: sent as a POST, for queries too long for a URL.
            attempts: instead of the pace's.
            timeout: instead of the pace's, in seconds.
            api: whether the site is one API, given up for all requests where it is not there, in
                JSON. Of pages, each of another site, one may be gone: its item alone fails.

        Raises:
            RequestFailedError: the attempts are used up.
            UnavailableError: the source throttles or fails without end, cannot be reached, or is
                not what the address was thought to be.
        """
        url = path if "://" in path else self.base_url + path
        site = without_password(url if "://" in path else self.base_url)
        if not api:
            self._heard.add(site)
        seconds = timeout or self.pace.timeout
        attempt, reason = 0, ""
        while attempt < (attempts or self.pace.attempts):
            if attempt >= UNHEARD_ATTEMPTS and site not in self._heard:
                break
            if attempt:
                self.traffic.retries += 1
                await asyncio.sleep(self.pace.backoff * 2 ** (attempt - 1) * random.uniform(0.5, 1))
            await self._slot()
            sent = time.monotonic()
            try:
                response, body = await self._send(url, params, form, route, seconds, api)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                reason = _no_connection(error)
                self._stop_unless_heard(site, f"cannot be reached ({reason})")
            except httpx.TimeoutException:
                reason = f"no answer within {seconds:g} s"
                if attempt + 1 >= UNHEARD_ATTEMPTS:
                    self._stop_unless_heard(site, f"gave {reason}, twice")
            except httpx.RequestError as error:
                reason = f"the connection broke ({type(error).__name__})"
            except _BadAnswerError as error:
                reason = str(error)
                if isinstance(error, _ElsewhereError):
                    self._stop_unless_heard(site, reason)
            else:
                data = _parse(body)
                verdict = judge(response.status_code, data)
                if isinstance(data, dict):
                    self._heard.add(site)
                elif response.status_code in NO_SUCH_PAGE:
                    answer = _describe(response.status_code, data, body)
                    self._stop_unless_heard(site, f"answers {answer}: that is not the API")
                if verdict is Verdict.OK:
                    self._failures_in_a_row = 0
                    self._cooling.over()
                    return Reply(response.status_code, data, body)
                named = "Retry-After" in response.headers
                if verdict is Verdict.THROTTLED or (verdict is Verdict.RETRY and named):
                    self._cool(sent, retry_after(response.headers))
                    continue
                reason = _describe(response.status_code, data, body)
                if verdict is Verdict.FAILED:
                    break
            attempt += 1
        self._failures_in_a_row += api
        if self._failures_in_a_row >= self.pace.patience:
            raise UnavailableError(
                f"{site} failed {self._failures_in_a_row} requests in a row (last: {reason})"
            )
        raise RequestFailedError(reason)

    def _stop_unless_heard(self, site: str, trouble: str) -> None:
        """Give a site up that has not answered yet: another request would fare no better."""
        if site not in self._heard:
            raise UnavailableError(f"{site} {trouble}")

    async def _slot(self) -> None:
        """Wait for this request's turn; a short stall may be caught up, a burst never sent."""
        while True:
            await asyncio.sleep(self._rate.take())
            if time.monotonic() >= self._cooling.until:  # else one began meanwhile: queue again
                return

    def _cool(self, sent: float, asked: float | None) -> None:
        """Begin a cool-down for all: as long as the source asks, longer when it repeats."""
        begun = self._cooling.begin(sent, asked)
        self.traffic.cool_downs += begun
        self._rate.hold(self._cooling.until)
        if begun and self._cooling.until - self._cooling.since > self.pace.longest_wait:
            raise UnavailableError(
                f"{self.base_url} keeps throttling: it wants "
                f"{self._cooling.until - time.monotonic():.0f} s more after "
                f"{self._cooling.in_a_row - 1} cool-downs in a row"
            )

    async def _send(
        self,
        url: str,
        params: Mapping[str, Any] | None,
        form: Mapping[str, str] | None,
        route: str,
        seconds: float,
        api: bool,
    ) -> tuple[httpx.Response, str]:
        target = httpx.URL(url).copy_merge_params({**(params or {}), **self._secrets})
        for _ in range(MAX_REDIRECTS + 1):
            self.traffic.requests[route] += 1
            async with self._client.stream(
                "POST" if form else "GET",
                target,
                data=dict(form) if form else None,
                timeout=httpx.Timeout(seconds, connect=self.pace.connect),
            ) as response:
                if response.is_redirect:
                    target = self._redirect(target, response.headers["Location"], api)
                    continue
                return response, await self._body(response)
        raise _BadAnswerError(f"redirects more than {MAX_REDIRECTS} times")

    def _redirect(self, here: httpx.URL, location: str, api: bool) -> httpx.URL:
        """Where a redirect leads: an API's within its origin, a page's within its host."""
        try:
            there = here.join(location).copy_merge_params(self._secrets)
        except httpx.InvalidURL:
            raise _BadAnswerError("redirects to something that is no URL") from None
        same_host = there.host.removeprefix("www.") == here.host.removeprefix("www.")
        same = (there.scheme, there.host, there.port) == (here.scheme, here.host, here.port)
        if not (same or (same_host and not api)):
            raise _ElsewhereError(f"redirects to another site ({there.scheme}://{there.host})")
        return there

    async def _body(self, response: httpx.Response) -> str:
        chunks = bytearray()
        async for chunk in response.aiter_bytes():
            chunks += chunk
            if len(chunks) > self.pace.max_bytes:
                raise _BadAnswerError(f"the answer is larger than {self.pace.max_bytes} bytes")
        try:
            return chunks.decode(response.charset_encoding or "utf-8", errors="replace")
        except LookupError:  # an encoding that nobody knows
            return chunks.decode("utf-8", errors="replace")


class _BadAnswerError(Exception):
    """An answer that cannot be read; asked again."""


class _ElsewhereError(_BadAnswerError):
    """A redirect away from the site."""


def _no_connection(error: httpx.TransportError) -> str:
    """Why there is no connection, in the system's words where it has some."""
    if isinstance(error, httpx.ConnectTimeout):
        return "no connection in time"
    words = re.sub(r"^\[Errno -?\d+\] ", "", str(error))
    return "connection refused" if "attempts failed" in words else words[:120]


def _parse(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _describe(status: int, data: Any, body: str) -> str:
    if data is None:
        kind = "HTML" if "<html" in body[:1000].lower() else "text that is not JSON"
        return f"HTTP {status} with {kind}" if body else f"HTTP {status} with an empty body"
    error = data.get("error") if isinstance(data, dict) else None  # MediaWiki's, else TMDB's
    code = error.get("code") if isinstance(error, dict) else None
    code = code or (data.get("status_code") if isinstance(data, dict) else None)
    return f"HTTP {status}, code {code}" if code else f"HTTP {status} with JSON of another shape"
