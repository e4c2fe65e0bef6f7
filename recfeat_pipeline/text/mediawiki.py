"""The MediaWiki Action API as Wikipedia and Wikidata speak it.

Serial requests, a User-Agent with a contact, ``maxlag=5`` and Retry-After, as
https://www.mediawiki.org/wiki/API:Etiquette asks; 50 titles or ids a call. A batch that fails is
halved until the item that breaks it stands alone.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.http import (
    Pace,
    PoliteClient,
    RequestFailedError,
    UnavailableError,
    Verdict,
    judge_by_status,
    user_agent,
)
from recfeat_pipeline.text.raw import Policy, RawStore
from recfeat_pipeline.text.source import Progress, Question, ScrapeSummary, Source, policy_of

BATCH = 50  # titles or ids a call
THROTTLE = {"maxlag", "ratelimited"}
RETRY = {"readonly", "internal_api_error_DBQueryError", "internal_api_error_DBConnectionError"}

T = TypeVar("T")


@dataclass(frozen=True)
class Wikimedia:
    """Where Wikimedia is and how it may be asked; shared by its sources."""

    wikipedia_url: str = "https://{language}.wikipedia.org"
    wikidata_url: str = "https://www.wikidata.org"
    sparql_url: str = "https://query.wikidata.org/sparql"
    contact: str = "loopback"
    pace: Pace = field(default_factory=lambda: Pace(rate=2))
    policy: Policy = field(default_factory=Policy)

    def client(self, base_url: str) -> PoliteClient:
        """A client that says who asks."""
        return PoliteClient(base_url, self.pace, user_agent(self.contact))


class WikimediaSource(Source):
    """A wiki whose pages' revisions can be asked for alone."""

    pool = "wikimedia"

    def __init__(self, wikimedia: Wikimedia):
        self.wikimedia = wikimedia
        self.policy = wikimedia.policy

    def question(self) -> Question:
        """What the wiki says about itself."""
        asked = {"action": "query", "meta": "siteinfo", "format": "json"}
        return Question(f"{self.base_url}/w/api.php", asked)

    def ask_changes(
        self,
        items: pl.DataFrame,
        store: RawStore,
        *,
        progress: Progress | None = None,
        now: datetime | None = None,
    ) -> ScrapeSummary:
        """Compare the stored revisions with the present ones, and note the pages that differ.

        A call per 50 pages and no text, so that an edit is followed the next day while the ids are
        mapped anew only when an item expires.
        """
        summary = ScrapeSummary(self.name, items.height)
        stored = store.revisions(self.keyed(items))
        try:
            changed = asyncio.run(self._differing(stored.rows(), summary, progress))
        except UnavailableError as error:
            summary.stopped = f"its revisions could not be compared ({error})"
            return summary
        store.note_changes(changed, now or datetime.now(UTC))
        summary.due["changed"] = len(changed)
        return summary

    async def _differing(
        self, stored: Sequence[tuple[str, str]], summary: ScrapeSummary, progress: Progress | None
    ) -> list[str]:
        differing: list[str] = []
        done = 0

        async def compare(batch: Sequence[tuple[str, str]]) -> None:
            nonlocal done
            found = await self.revisions_now(http, [url for url, _ in batch])
            differing.extend(url for url, known in batch if found.get(url, known) != known)
            done += len(batch)
            if progress:
                progress(done, len(stored))

        def give_up(page: tuple[str, str], reason: str) -> None:  # it is compared when it expires
            summary.reasons[reason] += 1

        async with self.wikimedia.client(self.base_url) as http:
            summary.traffic = http.traffic
            for batch in batches(stored, BATCH):
                await halving(batch, compare, give_up)
        return differing

    @property
    @abstractmethod
    def base_url(self) -> str:
        """Where the wiki is."""

    @abstractmethod
    async def revisions_now(self, http: PoliteClient, urls: Sequence[str]) -> dict[str, str]:
        """URL → present revision of at most 50 pages: "" for one that is gone or has moved.

        A page that the answer does not account for is left out.
        """


def in_language(url: str, language: str) -> str:
    """The root of the wiki in a language; a URL without a place for it is that of every one."""
    return url.replace("{language}", language)


def wikimedia_from(settings: Settings, *urls: str) -> Wikimedia | None:
    """Wikimedia when a contact is set, or when these settings all point at other servers."""
    elsewhere = all(getattr(settings, url) != Settings.model_fields[url].default for url in urls)
    if settings.contact is None and not elsewhere:
        return None
    return Wikimedia(
        settings.wikipedia_base_url,
        settings.wikidata_base_url,
        settings.sparql_url,
        settings.contact or "loopback",
        Pace(rate=settings.wikimedia_rate),
        policy_of(settings, settings.wikimedia_days),
    )


async def query(http: PoliteClient, route: str, **params: Any) -> dict[str, Any]:
    """One Action API request, continued until its pages are complete, merged page by page.

    A generator's further pages (the next search results) are not asked for.
    """
    base = {"action": "query", "format": "json", "formatversion": 2, "maxlag": 5, **params}
    more: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    while True:
        reply = await http.get("/w/api.php", {**base, **more}, route=route, judge=_judge)
        _merge(merged, reply.data)
        more = reply.data.get("continue") or {}
        if not more or reply.data.get("batchcomplete"):
            return merged


def _merge(into: dict[str, Any], data: dict[str, Any]) -> None:
    """Add a continuation's answer: a page's later keys join its earlier ones."""
    for section, value in data.get("query", {}).items():
        if section == "pages":
            pages = into.setdefault("pages", {})
            for page in value:
                pages.setdefault(page.get("title"), {}).update(page)
        elif isinstance(value, list):
            known = into.setdefault(section, [])
            known += [entry for entry in value if entry not in known]
    into.setdefault("entities", {}).update(data.get("entities") or {})


def _judge(status: int, data: Any) -> Verdict:
    """The error code in the body decides (errors come with HTTP 200), then shape and status."""
    refuse_if_unwelcome(status)
    data = data if isinstance(data, dict) else {}
    error = data.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if code in THROTTLE:
        return Verdict.THROTTLED
    if code:
        return Verdict.RETRY if code in RETRY else Verdict.FAILED
    if status == 200 and not {"query", "entities", "batchcomplete"} & data.keys():
        return Verdict.RETRY
    return judge_by_status(status, data)


def refuse_if_unwelcome(status: int) -> None:
    """Stop at once when Wikimedia blocks the client.

    Raises:
        RecfeatError: HTTP 401 or 403.
    """
    if status in (401, 403):
        raise RecfeatError(
            f"Wikimedia refuses the requests (HTTP {status}). Set RECFEAT_CONTACT to an address it "
            "can reach you at, as its User-Agent policy asks; what was fetched so far is kept."
        )


async def revisions(
    http: PoliteClient, titles: Sequence[str], content: bool
) -> dict[str, tuple[dict[str, Any], str | None]]:
    """The page that each requested title leads to, and the section a redirect points into.

    Titles are normalised and redirects followed by the API, which names each step; a title that
    the answer does not account for is left out.
    """
    found = await query(
        http,
        "content" if content else "revision",
        prop="revisions",
        rvslots="main",
        rvprop="ids|timestamp|size|content" if content else "ids",
        titles="|".join(titles),
        redirects=1,
    )
    steps: dict[str, tuple[str, str | None]] = {
        s["from"]: (s["to"], None) for s in found.get("normalized", [])
    }
    steps |= {s["from"]: (s["to"], s.get("tofragment")) for s in found.get("redirects", [])}
    pages = found.get("pages", {})
    result = {}
    for title in titles:
        at, fragment = title, None
        for _ in range(len(steps) + 1):
            if at not in steps:
                break
            at, fragment = steps[at]
        if at in pages:
            result[title] = (pages[at], fragment)
    return result


def batches(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Consecutive slices of at most ``size``."""
    return (rows[start : start + size] for start in range(0, len(rows), size))


async def halving(
    rows: Sequence[T],
    ask: Callable[[Sequence[T]], Awaitable[None]],
    give_up: Callable[[T, str], None],
) -> None:
    """``ask`` for a batch; if that fails, for its halves, until single rows are given up."""
    try:
        await ask(rows)
    except RequestFailedError as error:
        if len(rows) == 1:
            give_up(rows[0], str(error))
            return
        middle = len(rows) // 2
        await halving(rows[:middle], ask, give_up)
        await halving(rows[middle:], ask, give_up)
