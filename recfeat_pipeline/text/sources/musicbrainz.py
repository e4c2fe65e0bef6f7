"""MusicBrainz: albums (release groups), by their id, or by title and artist.

A catalogue says by what its items are found, under ``[items.ids]``: ``musicbrainz``, ``artist``, or
both. Titles, artists and dates are CC0; genres, tags and annotations are CC BY-NC-SA 3.0.

Protocol: https://musicbrainz.org/doc/MusicBrainz_API (one request a second, a User-Agent that says
who asks; too many are answered with HTTP 503).
"""

import hashlib
import json
import re
from typing import Any

import polars as pl

from recfeat_pipeline.schemas import FIELDS
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.clean import plain, plain_title
from recfeat_pipeline.text.http import Pace, PoliteClient, Verdict, judge_by_status, user_agent
from recfeat_pipeline.text.identity.witness import Claims, weigh
from recfeat_pipeline.text.raw import Policy
from recfeat_pipeline.text.source import (
    EVIDENCE,
    Question,
    ScrapeJob,
    Source,
    ask_each,
    field_rows,
    may_ask,
    missing,
    policy_of,
)

PAGE = "https://musicbrainz.org/release-group/"
PARTS = "artist-credits+aliases+genres+tags+annotation"
MBID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CANDIDATES = 5
NOT_FOUND, TOO_MANY = 404, 503
RESERVED = re.compile(r'([+\-&|!(){}\[\]^"~*?:\\/])')  # of Lucene


class MusicBrainz(Source):
    """MusicBrainz' release groups."""

    name = "musicbrainz"
    order = 6
    attribution = (
        "Data from MusicBrainz: titles, artists and dates CC0; genres, tags and annotations "
        "CC BY-NC-SA 3.0."
    )
    address = "RECFEAT_MUSICBRAINZ_BASE_URL"
    switch = "RECFEAT_CONTACT"
    finds_by = ("musicbrainz", "artist")

    @classmethod
    def from_settings(cls, settings: Settings) -> "MusicBrainz | None":
        """It, when it may know who asks; items without ids of an album are left alone."""
        if not may_ask(settings, "musicbrainz_base_url"):
            return None
        pace = Pace(rate=1, max_bytes=4 << 20)
        policy = policy_of(settings, settings.records_days)
        return cls(settings.musicbrainz_base_url, settings.contact, pace, policy)

    def __init__(
        self, base_url: str, contact: str | None, pace: Pace, policy: Policy | None = None
    ):
        self.base_url, self.pace = base_url, pace
        self.agent = user_agent(contact)
        self.policy = policy or Policy()

    def key(self) -> pl.Expr:
        """The id, else title and artist."""
        mbid = pl.format("mbid:{}", pl.col("id_musicbrainz").str.to_lowercase())
        return pl.coalesce(mbid, pl.format("album:{} by {}", "title", "id_artist"))

    def question(self) -> Question:
        """A search of one album."""
        asked = {"fmt": "json", "limit": "1", "query": 'releasegroup:"Help"'}
        return Question(f"{self.base_url}/ws/2/release-group", asked)

    async def _ask(self, job: ScrapeJob) -> None:
        async with PoliteClient(self.base_url, self.pace, self.agent) as http:
            await ask_each(job, http, _album)

    def fields(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Artist, type, year, genres, tags and the annotation; no ratings, no counts."""
        rows: list[dict[str, Any]] = []
        for item_id, body in raw.select("item_id", "body").iter_rows():
            album = json.loads(body)
            kinds = [album.get("primary-type"), *(album.get("secondary-types") or [])]
            genres = _names(album.get("genres"))
            texts = [
                ("Artist", _credit(album)),
                ("Type", ", ".join(kind for kind in map(plain, kinds) if kind)),
                ("Year", plain(album.get("first-release-date"))[:4]),
                ("Genres", ", ".join(genres)),
                ("Tags", ", ".join(n for n in _names(album.get("tags")) if n not in genres)),
                ("About", plain(album.get("annotation"))),
            ]
            rows += field_rows(self.name, item_id, texts)
        return pl.DataFrame(rows, schema={**FIELDS, "item_id": raw.schema["item_id"]})

    def evidence(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Titles, aliases and artists; no year, in which reissues lie far apart."""
        rows = []
        for item_id, url, body in raw.select("item_id", "url", "body").iter_rows():
            album = json.loads(body)
            rows.append(
                {
                    "item_id": item_id,
                    "source": self.name,
                    "title": plain(album.get("title")),
                    "other_titles": _names(album.get("aliases")),
                    "years": [],
                    "creators": _artists(album),
                    "imdb_id": None,
                    "kind": "album",
                    "url": url,
                }
            )
        return pl.DataFrame(rows, schema={**EVIDENCE, "item_id": raw.schema["item_id"]})


async def _album(http: PoliteClient, item: dict[str, Any]) -> dict[str, Any]:
    """RAW columns of one item: pinned, by its id, or searched for."""
    given = (item["pinned"] or item["id_musicbrainz"] or "").lower()
    if found := MBID.search(given):
        album = await _details(http, found[0])
        if album:
            return _row(album, "pinned" if item["pinned"] else "musicbrainz")
    elif given and not item["id_artist"]:
        return missing(f"{given!r} is no MusicBrainz id")
    if item["pinned"] or not item["id_artist"]:
        return missing("MusicBrainz does not have the id")
    mbid = await _search(http, item)
    album = await _details(http, mbid) if mbid else None
    return _row(album, "search") if album else missing("no search result is confirmed")


async def _details(http: PoliteClient, mbid: str) -> dict[str, Any] | None:
    reply = await http.get(
        f"/ws/2/release-group/{mbid}", {"fmt": "json", "inc": PARTS}, route="album", judge=_judge
    )
    return None if reply.status == NOT_FOUND else reply.data


async def _search(http: PoliteClient, item: dict[str, Any]) -> str | None:
    """The id of the first result that title and artist confirm."""
    title, artist = plain_title(item["title"]), item["id_artist"]
    quoted = [RESERVED.sub(r"\\\1", text) for text in (title, artist)]
    asked = {"fmt": "json", "limit": CANDIDATES,
             "query": f'releasegroup:"{quoted[0]}" AND artist:"{quoted[1]}"'}  # fmt: skip
    reply = await http.get("/ws/2/release-group", asked, route="search", judge=_judge)
    known = Claims([title], [], [artist])
    for album in reply.data.get("release-groups") or []:
        claims = Claims([plain(album.get("title"))], [], _artists(album))
        if weigh(known, claims, "search").is_for:
            return str(album["id"])
    return None


def _row(album: dict[str, Any], how_found: str) -> dict[str, Any]:
    body = json.dumps(album, ensure_ascii=False, sort_keys=True)
    return {
        "status": "ok",
        "how_found": how_found,
        "revision": hashlib.sha256(body.encode()).hexdigest()[:16],
        "url": PAGE + str(album["id"]),  # of a merged id, the one it was merged into
        "body": body,
    }


def _judge(status: int, data: Any) -> Verdict:
    if status == TOO_MANY:
        return Verdict.THROTTLED
    if status == NOT_FOUND and isinstance(data, dict):
        return Verdict.OK
    if status == 200 and not (isinstance(data, dict) and {"id", "release-groups"} & data.keys()):
        return Verdict.RETRY
    return judge_by_status(status, data)


def _credit(album: dict[str, Any]) -> str:
    """The artists as the cover names them: ``"Simon & Garfunkel"``."""
    credit = album.get("artist-credit") or []
    return plain("".join(f"{c.get('name', '')}{c.get('joinphrase', '')}" for c in credit))


def _artists(album: dict[str, Any]) -> list[str]:
    names = [_credit(album)]
    for credit in album.get("artist-credit") or []:
        names += [plain(credit.get("name")), plain((credit.get("artist") or {}).get("name"))]
    return list(dict.fromkeys(name for name in names if name))


def _names(value: Any) -> list[str]:
    """Names of a list of objects, those that most people gave first."""
    listed = [entry for entry in value or [] if isinstance(entry, dict)]
    listed.sort(key=lambda entry: -(entry.get("count") or 0))
    return list(dict.fromkeys(name for entry in listed if (name := plain(entry.get("name")))))
