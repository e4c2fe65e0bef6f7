"""TMDB: one call per film, the change feed, and the fields the prompt may see.

This product uses the TMDB API but is not endorsed or certified by TMDB. Gross revenue is in the
stored body and never becomes a field: it is popularity, the thing to be predicted.

Protocol: https://developer.themoviedb.org/docs (errors, append-to-response, tracking changes).
"""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.schemas import FIELDS
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.clean import plain
from recfeat_pipeline.text.http import (
    Pace,
    PoliteClient,
    RequestFailedError,
    UnavailableError,
    Verdict,
    in_parallel,
    judge_by_status,
    user_agent,
)
from recfeat_pipeline.text.raw import Policy, RawStore
from recfeat_pipeline.text.source import (
    EVIDENCE,
    Progress,
    ScrapeJob,
    ScrapeSummary,
    Source,
    field_rows,
)

PARTS = "credits,keywords,external_ids,release_dates"
RETRY = {9, 11, 24, 25, 43, 46}  # "status_code" in the body: offline, internal, time-out, …
GONE = {6, 34}
ABORT = {3, 7, 10}  # no permission, invalid key, suspended key
WINDOW = timedelta(days=14)
MAX_PAGES = 500
SHAPES = {"id", "results", "movie_results"}  # one of these is in every good answer
WRITING = ("Screenplay", "Writer", "Story", "Novel", "Characters", "Author")
PAGE = "https://www.themoviedb.org/movie/"


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
            Policy(
                ttl=timedelta(days=settings.tmdb_days),
                missing=timedelta(days=settings.missing_days),
            ),
            settings.contact,
        )

    def __init__(
        self,
        base_url: str,
        key: str,
        pace: Pace,
        policy: Policy | None = None,
        contact: str | None = None,
    ):
        self.base_url = base_url
        self.pace = pace
        self.agent = user_agent(contact)
        self.policy = policy or Policy()
        self._key = key

    def _client(self) -> PoliteClient:
        if len(self._key) > 40:
            access: dict[str, Any] = {"headers": {"Authorization": f"Bearer {self._key}"}}
        else:
            access = {"secrets": {"api_key": self._key}}
        return PoliteClient(self.base_url, self.pace, self.agent, **access)

    # -- scraping --------------------------------------------------------------------------------

    async def _ask(self, job: ScrapeJob) -> None:
        async with self._client() as http:
            job.summary.traffic = http.traffic

            async def one(item: dict[str, Any]) -> None:
                try:
                    job.record(item, **await _film(http, item))
                except RequestFailedError as error:
                    job.record(item, "failed", reason=str(error))

            await in_parallel(job.due.iter_rows(named=True), one, self.pace.workers)

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
        try:
            named = asyncio.run(self._read_feed(since.date(), now.date(), summary, progress))
        except (UnavailableError, RequestFailedError) as error:
            summary.stopped = f"the change feed could not be read ({error})"
            return summary
        ours = set(stored["url"].drop_nulls())
        urls = sorted(ours & {f"{PAGE}{film}" for film in named})
        store.note_changes(urls, now)
        summary.due["changed"] = len(urls)
        return summary

    async def _read_feed(
        self, start: date, end: date, summary: ScrapeSummary, progress: Progress | None
    ) -> set[int]:
        named: set[int] = set()
        async with self._client() as http:
            summary.traffic = http.traffic
            windows = list(_windows(start, end))
            while windows:
                first, last = windows.pop(0)
                page = pages = 1
                while page <= pages:
                    reply = await http.get(
                        "/3/movie/changes",
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
                    named.update(f["id"] for f in _dicts(reply.data["results"]) if f.get("id"))
                    if progress:
                        progress(page, pages)
                    page += 1
        return named

    # -- parsing ---------------------------------------------------------------------------------

    def fields(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Credits, keywords, certification, companies, budget, tagline and overview."""
        rows: list[dict[str, Any]] = []
        for item_id, body in raw.select("item_id", "body").iter_rows():
            film = json.loads(body)
            crew = _people(film, "crew")
            texts = [
                ("Genres", _names(film.get("genres"))),
                ("Director", _join(p["name"] for p in crew if p.get("job") == "Director")),
                ("Writers", _join(p["name"] for p in crew if p.get("job") in WRITING)),
                ("Cast", _join(p["name"] for p in _people(film, "cast"))),
                ("Keywords", _names(_part(film, "keywords").get("keywords"))),
                ("Certification", _certification(film)),
                ("Companies", _names(film.get("production_companies"))),
                ("Budget", _money(film.get("budget"))),
                ("Tagline", plain(film.get("tagline"))),
                ("Overview", plain(film.get("overview"))),
            ]
            rows += field_rows(self.name, item_id, texts)
        return pl.DataFrame(rows, schema={**FIELDS, "item_id": raw.schema["item_id"]})

    def evidence(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Title, release years, directors and IMDb id as TMDB has them."""
        rows = []
        for item_id, url, body in raw.select("item_id", "url", "body").iter_rows():
            film = json.loads(body)
            dates = [film.get("release_date")] + [r.get("release_date") for r in _releases(film)]
            years = [int(d[:4]) for d in dates if isinstance(d, str) and d[:4].isdigit()]
            rows.append(
                {
                    "item_id": item_id,
                    "source": self.name,
                    "title": plain(film.get("title")),
                    "years": sorted({years[0], min(years)})
                    if years
                    else [],  # later ones: re-releases
                    "directors": [
                        plain(p["name"])
                        for p in _people(film, "crew")
                        if p.get("job") == "Director"
                    ],
                    "imdb_id": _imdb_id(film),
                    "url": url,
                }
            )
        return pl.DataFrame(rows, schema={**EVIDENCE, "item_id": raw.schema["item_id"]})


async def _film(http: PoliteClient, item: dict[str, Any]) -> dict[str, Any]:
    """RAW columns of one item, asked for by its TMDB id or found by its IMDb id.

    The IMDb id has the last word: a TMDB id that is gone, or that by now is another film, is looked
    up anew.
    """
    tmdb_id, imdb_id = item["tmdb_id"], item["imdb_id"]
    if tmdb_id is None:
        return await _found(http, imdb_id, None) or _missing("TMDB does not know the IMDb id")
    film, body = await _details(http, tmdb_id)
    theirs = _imdb_id(film) if film else None
    if imdb_id and (film is None or (theirs and theirs != imdb_id)):
        found = await _found(http, imdb_id, tmdb_id)
        if found:
            return found
    return _row(film, body, "id") if film else _missing("TMDB no longer has the id")


async def _found(http: PoliteClient, imdb_id: str, other_than: int | None) -> dict[str, Any] | None:
    """The film that TMDB files under an IMDb id, unless it is ``other_than``."""
    reply = await http.get(
        f"/3/find/{imdb_id}", {"external_source": "imdb_id"}, route="find", judge=_judge
    )
    ids = [film.get("id") for film in _dicts(reply.data.get("movie_results"))]
    if not ids or not isinstance(ids[0], int) or ids[0] == other_than:
        return None
    film, body = await _details(http, ids[0])
    return _row(film, body, "find") if film else None


async def _details(http: PoliteClient, tmdb_id: int) -> tuple[dict[str, Any] | None, str]:
    """A film's details and the body they came in; no film when TMDB says it is gone."""
    reply = await http.get(
        f"/3/movie/{tmdb_id:d}", {"append_to_response": PARTS}, route="movie", judge=_judge
    )
    if reply.data.get("status_code") in GONE:
        return None, reply.body
    if reply.data.get("id") != tmdb_id:
        raise RequestFailedError("TMDB answered with another film than was asked for")
    return reply.data, reply.body


def _row(film: dict[str, Any], body: str, how_found: str) -> dict[str, Any]:
    lacking = [part for part in PARTS.split(",") if not _part(film, part)]
    return {
        "status": "partial" if lacking else "ok",
        "reason": "without " + ", ".join(lacking) if lacking else None,
        "how_found": how_found,
        "revision": hashlib.sha256(body.encode()).hexdigest()[:16],
        "url": f"{PAGE}{film['id']}",
        "body": body,
    }


def _missing(reason: str) -> dict[str, Any]:
    return {"status": "missing", "reason": reason}


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


# -- reading a body that may hold anything --------------------------------------------------------


def _part(film: dict[str, Any], part: str) -> dict[str, Any]:
    value = film.get(part)
    return value if isinstance(value, dict) and value.get("success") is not False else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _people(film: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    people = _dicts(_part(film, "credits").get(kind))
    return sorted((p for p in people if plain(p.get("name"))), key=_billing)


def _billing(person: dict[str, Any]) -> float:
    order = person.get("order")
    return order if isinstance(order, int | float) else float("inf")


def _names(value: Any) -> str:
    return _join(entry.get("name") for entry in _dicts(value))


def _join(names: Any) -> str:
    return ", ".join(dict.fromkeys(name for name in map(plain, names) if name))


def _imdb_id(film: dict[str, Any]) -> str | None:
    return plain(film.get("imdb_id") or _part(film, "external_ids").get("imdb_id")) or None


def _money(amount: Any) -> str:
    return f"${amount:,}" if isinstance(amount, int) and amount > 0 else ""


def _releases(film: dict[str, Any], country: str | None = None) -> list[dict[str, Any]]:
    return [
        release
        for entry in _dicts(_part(film, "release_dates").get("results"))
        if country in (None, entry.get("iso_3166_1"))
        for release in _dicts(entry.get("release_dates"))
    ]


def _certification(film: dict[str, Any]) -> str:
    """The US rating, that of the cinema release first (type 3)."""
    rated = [r for r in _releases(film, "US") if plain(r.get("certification"))]
    rated.sort(key=lambda release: release.get("type") != 3)
    return plain(rated[0]["certification"]) if rated else ""
