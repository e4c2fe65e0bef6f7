"""TMDB: one call per film or series, and the change feeds.

This product uses the TMDB API but is not endorsed or certified by TMDB.

Protocol: https://developer.themoviedb.org/docs (errors, append-to-response, tracking changes).
"""

import asyncio
import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

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
from recfeat_pipeline.text.source import (
    EVIDENCE,
    TEXTS,
    Progress,
    Question,
    ScrapeJob,
    ScrapeSummary,
    Source,
    ask_each,
    field_rows,
    missing,
    policy_of,
)
from recfeat_pipeline.text.tmdb_record import (
    ENGLISH,
    PARTS,
    dicts,
    evidence_of,
    imdb_id,
    languages_of,
    part,
    texts_of,
)

RETRY = {9, 11, 24, 25, 43, 46}  # "status_code" in the body: offline, internal, time-out, …
GONE = {6, 34}
ABORT = {3, 7, 10}  # no permission, invalid key, suspended key
WINDOW = timedelta(days=14)
MAX_PAGES = 500
SHAPES = {"id", "results", "movie_results", "tv_results"}  # one of these is in every good answer
PAGES = {kind: f"https://www.themoviedb.org/{kind}/" for kind in PARTS}


class Tmdb(Source):
    """The Movie Database, API version 3.

    Args:
        base_url: the API's root.
        key: a v3 key (32 characters, sent as a parameter) or a v4 read token (sent as a header).
    """

    name = "tmdb"
    order = 1
    attribution = "This product uses the TMDB API but is not endorsed or certified by TMDB."
    address = "RECFEAT_TMDB_BASE_URL"
    switch = "TMDB_API_KEY"
    keep = timedelta(days=183)  # summaries of the terms: no caching beyond six months

    @classmethod
    def from_settings(cls, settings: Settings) -> "Tmdb | None":
        """TMDB when its key is set."""
        if settings.tmdb_api_key is None:
            return None
        return cls(
            settings.tmdb_base_url,
            settings.tmdb_api_key.get_secret_value(),
            Pace(rate=settings.tmdb_rate, workers=12, max_bytes=8 << 20),
            policy_of(settings, settings.tmdb_days),
            settings.contact,
            settings.text_language,
        )

    def __init__(
        self,
        base_url: str,
        key: str,
        pace: Pace,
        policy: Policy | None = None,
        contact: str | None = None,
        language: str = ENGLISH,
    ):
        self.base_url = base_url
        self.pace = pace
        self.agent = user_agent(contact)
        self.language = language
        self.policy = policy or Policy()
        self._key = key

    def _client(self) -> PoliteClient:
        token, key = self._access
        return PoliteClient(self.base_url, self.pace, self.agent, token, key)

    @property
    def _access(self) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and query parameters that hold the key: a v4 token, or a v3 key."""
        if len(self._key) > 40:
            return {"Authorization": f"Bearer {self._key}"}, {}
        return {}, {"api_key": self._key}

    def question(self) -> Question:
        """The change feed's first page."""
        token, key = self._access
        return Question(f"{self.base_url}/3/movie/changes", key, token)

    # -- scraping --------------------------------------------------------------------------------

    async def _ask(self, job: ScrapeJob) -> None:
        async with self._client() as http:
            await ask_each(job, http, _film)

    def ask_changes(
        self,
        items: pl.DataFrame,
        store: RawStore,
        *,
        progress: Progress | None = None,
        now: datetime | None = None,
    ) -> ScrapeSummary:
        """Read the change feed since it was last read and note the films of ours that it names.

        The feed speaks in days, so the last day asked is asked again: what changed on it later is
        not lost, what changed before may be fetched twice. The first call reads it since the first
        film was fetched, and sends nothing when none was.
        """
        now = now or datetime.now(UTC)
        summary = ScrapeSummary(self.name, items.height)
        stored = store.history(self.keyed(items))
        since = store.asked_until or stored["fetched_at"].min()
        if not isinstance(since, datetime):
            store.note_changes([], now)
            return summary
        ours = set(stored["url"].drop_nulls())
        kinds = [kind for kind, page in PAGES.items() if any(u.startswith(page) for u in ours)]
        days = since.date(), now.date()
        try:
            named = asyncio.run(self._read_feeds(kinds or ["movie"], *days, summary, progress))
        except (UnavailableError, RequestFailedError) as error:
            summary.stopped = f"the change feed could not be read ({error})"
            return summary
        urls = sorted(ours & named)
        store.note_changes(urls, now)
        summary.due["changed"] = len(urls)
        return summary

    async def _read_feeds(
        self,
        kinds: Sequence[str],
        start: date,
        end: date,
        summary: ScrapeSummary,
        progress: Progress | None,
    ) -> set[str]:
        """The pages of what the feeds of films and of series name."""
        named: set[str] = set()
        async with self._client() as http:
            summary.traffic = http.traffic
            for kind in kinds:
                ids = await _feed(http, kind, start, end, progress)
                named.update(f"{PAGES[kind]}{tmdb_id}" for tmdb_id in ids)
        return named

    # -- parsing ---------------------------------------------------------------------------------

    def fields(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Credits, keywords, certification, companies, budget, tagline, overview and reviews."""
        rows: list[dict[str, Any]] = []
        for item_id, body in raw.select("item_id", "body").iter_rows():
            record = json.loads(body)
            texts = texts_of(record, self.language)
            rows += field_rows(self.name, item_id, texts, languages_of(record, self.language))
        return pl.DataFrame(rows, schema={**TEXTS, "item_id": raw.schema["item_id"]})

    def evidence(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Titles, release years, directors, IMDb id and kind as TMDB has them."""
        rows = [
            {"item_id": item_id, "source": self.name, "url": url, **evidence_of(json.loads(body))}
            for item_id, url, body in raw.select("item_id", "url", "body").iter_rows()
        ]
        return pl.DataFrame(rows, schema={**EVIDENCE, "item_id": raw.schema["item_id"]})


async def _feed(
    http: PoliteClient, kind: str, start: date, end: date, progress: Progress | None
) -> set[int]:
    """The ids that a change feed names."""
    named: set[int] = set()
    windows = list(_windows(start, end))
    while windows:
        first, last = windows.pop(0)
        page = pages = 1
        while page <= pages:
            reply = await http.get(
                f"/3/{kind}/changes",
                {"start_date": str(first), "end_date": str(last), "page": page},
                route="changes",
                judge=_judge,
            )
            pages = int(reply.data.get("total_pages") or 0)
            if pages > MAX_PAGES and first < last:  # more than can be asked: halve it
                middle = first + (last - first) // 2
                windows[:0] = [(first, middle), (middle + timedelta(days=1), last)]
                break
            pages = min(pages, MAX_PAGES)
            named.update(f["id"] for f in dicts(reply.data["results"]) if f.get("id"))
            if progress:
                progress(page, pages)
            page += 1
    return named


async def _film(http: PoliteClient, item: dict[str, Any]) -> dict[str, Any]:
    """RAW columns of one item, asked for by its TMDB id or found by its IMDb id.

    The IMDb id has the last word: a TMDB id that is gone, or that by now is another film, is looked
    up anew.
    """
    if item["pinned"]:
        return await _pinned(http, item["pinned"])
    tmdb_id, imdb = item["tmdb_id"], item["imdb_id"]
    if tmdb_id is None:
        return await _found(http, imdb, None) or missing("TMDB does not know the IMDb id")
    film, body = await _details(http, "movie", tmdb_id)
    theirs = imdb_id(film) if film else None
    if imdb and (film is None or (theirs and theirs != imdb)):
        found = await _found(http, imdb, tmdb_id)
        if found:
            return found
    return _row("movie", film, body, "id") if film else missing("TMDB no longer has the id")


async def _pinned(http: PoliteClient, page: str) -> dict[str, Any]:
    """The page that the user names: ``862``, ``tv/1396``, or its address at TMDB."""
    parts = page.rstrip("/").split("/")
    kind = parts[-2] if len(parts) > 1 else "movie"
    number = parts[-1].partition("-")[0]
    if kind not in PARTS or not number.isdecimal():
        return missing(f"the pinned page {page!r} is no TMDB id; write 862 or tv/1396")
    record, body = await _details(http, kind, int(number))
    return _row(kind, record, body, "pinned") if record else missing("TMDB has no such page")


async def _found(http: PoliteClient, imdb: str, other_than: int | None) -> dict[str, Any] | None:
    """The film, else the series, that TMDB files under an IMDb id; no film of ``other_than``."""
    reply = await http.get(
        f"/3/find/{imdb}", {"external_source": "imdb_id"}, route="find", judge=_judge
    )
    for kind in ("movie", "tv"):
        ids = [entry.get("id") for entry in dicts(reply.data.get(f"{kind}_results"))]
        if ids and isinstance(ids[0], int) and (kind, ids[0]) != ("movie", other_than):
            record, body = await _details(http, kind, ids[0])
            return _row(kind, record, body, "find") if record else None
    return None


async def _details(
    http: PoliteClient, kind: str, tmdb_id: int
) -> tuple[dict[str, Any] | None, str]:
    """A film's or series' details and the body they came in; none when TMDB says it is gone."""
    reply = await http.get(
        f"/3/{kind}/{tmdb_id:d}", {"append_to_response": PARTS[kind]}, route=kind, judge=_judge
    )
    if reply.data.get("status_code") in GONE:
        return None, reply.body
    if reply.data.get("id") != tmdb_id:
        raise RequestFailedError("TMDB answered with another film than was asked for")
    return reply.data, reply.body


def _row(kind: str, record: dict[str, Any], body: str, how_found: str) -> dict[str, Any]:
    lacking = [name for name in PARTS[kind].split(",") if not part(record, name)]
    return {
        "status": "partial" if lacking else "ok",
        "reason": "without " + ", ".join(lacking) if lacking else None,
        "how_found": how_found,
        "revision": hashlib.sha256(body.encode()).hexdigest()[:16],
        "url": f"{PAGES[kind]}{record['id']}",
        "body": body,
    }


def _judge(status: int, data: Any) -> Verdict:
    """The body's ``status_code`` decides, then its shape, then HTTP's status.

    Raises:
        RecfeatError: the key is refused; no other request would fare better.
    """
    answer = data if isinstance(data, dict) else {}
    code = answer.get("status_code")
    if code in ABORT or status == 401:
        raise RecfeatError(
            f"TMDB refuses the key (status {code or status}). Check TMDB_API_KEY, or unset it to "
            "run without TMDB; what was fetched so far is kept."
        )
    if code == 25:
        return Verdict.THROTTLED
    if code in GONE:
        return Verdict.OK
    if code in RETRY or (status == 200 and not SHAPES & answer.keys()):
        return Verdict.RETRY
    return judge_by_status(status, data)


def _windows(start: date, end: date) -> Iterator[tuple[date, date]]:
    while start <= end:
        last = min(start + WINDOW - timedelta(days=1), end)
        yield start, last
        start = last + timedelta(days=1)
