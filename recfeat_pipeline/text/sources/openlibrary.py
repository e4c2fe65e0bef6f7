"""OpenLibrary: books, by ISBN, or by title and author. Its data are in the public domain (CC0).

A catalogue says by what its items are found, under ``[items.ids]``: ``isbn``, ``author``, or both.

Protocol: https://openlibrary.org/developers/api (books, works, search; three requests a second for
clients that say who they are).
"""

import json
import re
from typing import Any

import polars as pl

from recfeat_pipeline.schemas import FIELDS
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.clean import fold, plain, plain_title
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

PAGE = "https://openlibrary.org"
WANTED = "key,title,author_name,first_publish_year"
WORK = re.compile(r"\bOL[1-9]\d*W\b", re.IGNORECASE)
CANDIDATES, SUBJECTS, AUTHORS = 5, 40, 5
NOT_FOUND, GONE = 404, {"/type/delete", "/type/redirect"}


class OpenLibrary(Source):
    """OpenLibrary's works, with an edition where an ISBN names one."""

    name = "openlibrary"
    order = 5
    attribution = "Book data from Open Library (openlibrary.org)."
    address = "RECFEAT_OPENLIBRARY_BASE_URL"
    switch = "RECFEAT_CONTACT"
    finds_by = ("isbn", "author")

    @classmethod
    def from_settings(cls, settings: Settings) -> "OpenLibrary | None":
        """It, when it may know who asks; items without ``[items.ids]`` of a book are left alone."""
        if not may_ask(settings, "openlibrary_base_url"):
            return None
        pace = Pace(rate=3 if settings.contact else 1, workers=2, max_bytes=4 << 20)
        policy = policy_of(settings, settings.records_days)
        return cls(settings.openlibrary_base_url, settings.contact, pace, policy)

    def __init__(
        self, base_url: str, contact: str | None, pace: Pace, policy: Policy | None = None
    ):
        self.base_url, self.pace = base_url, pace
        self.agent = user_agent(contact)
        self.policy = policy or Policy()
        self._authors: dict[str, list[str]] = {}  # asked once a run

    def key(self) -> pl.Expr:
        """The ISBN, else title and author."""
        isbn = pl.format("isbn:{}", "id_isbn")
        return pl.coalesce(isbn, pl.format("book:{} by {}", "title", "id_author"))

    def question(self) -> Question:
        """A search of one book."""
        asked = {"title": "Alice", "author": "Carroll", "fields": "key", "limit": "1"}
        return Question(f"{self.base_url}/search.json", asked)

    async def _ask(self, job: ScrapeJob) -> None:
        async with PoliteClient(self.base_url, self.pace, self.agent) as http:
            await ask_each(job, http, self._book)

    async def _book(self, http: PoliteClient, item: dict[str, Any]) -> dict[str, Any]:
        """RAW columns of one item: pinned, by its ISBN, or searched for."""
        if pinned := item["pinned"]:
            if named := WORK.search(pinned):
                return await self._work(http, f"/works/{named[0].upper()}", None, "pinned")
            return missing(f"the pinned page {pinned!r} is no OpenLibrary work; write OL45804W")
        if digits := isbn(item["id_isbn"]):
            edition = await _record(http, f"/isbn/{digits}", "isbn")
            if edition and (works := _keys(edition.get("works"))):
                return await self._work(http, works[0], edition, "isbn")
        if not item["id_author"]:
            return missing("OpenLibrary does not know the ISBN")
        found = await self._search(http, item)
        if found is None:
            return missing("no search result is confirmed by title and author")
        return await self._work(http, found, None, "search")

    async def _search(self, http: PoliteClient, item: dict[str, Any]) -> str | None:
        known = Claims([item["title"]], [], [item["id_author"]])
        asked = {"title": plain_title(item["title"]), "author": item["id_author"],
                 "fields": WANTED, "limit": CANDIDATES}  # fmt: skip
        reply = await http.get("/search.json", asked, route="search", judge=_judge)
        for doc in reply.data.get("docs") or []:
            claims = Claims([str(doc.get("title"))], [], doc.get("author_name") or [])
            if weigh(known, claims, "search").is_for and doc.get("key"):
                return str(doc["key"])
        return None

    async def _work(
        self, http: PoliteClient, key: str, edition: dict[str, Any] | None, how_found: str
    ) -> dict[str, Any]:
        work = await _record(http, key, "work")
        if work is None:
            return missing("OpenLibrary no longer has the work")
        authors = []
        listed = _keys([entry.get("author") for entry in _dicts(work.get("authors"))])
        for author in listed[:AUTHORS]:
            if author not in self._authors:
                told = await _record(http, author, "author") or {}
                names = [told.get("name"), *(told.get("alternate_names") or [])]
                self._authors[author] = [name for name in map(plain, names) if name]
            authors.append(self._authors[author])
        body = {"work": work, "edition": edition, "authors": authors}
        return {
            "status": "ok",
            "how_found": how_found,
            "revision": f"{work.get('latest_revision')}/{(edition or {}).get('latest_revision')}",
            "url": f"{PAGE}{work['key']}",
            "body": json.dumps(body, ensure_ascii=False),
        }

    def fields(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Author, subjects, description and first sentence; no ratings, no readers."""
        rows: list[dict[str, Any]] = []
        for item_id, body in raw.select("item_id", "body").iter_rows():
            data = json.loads(body)
            work, edition = data["work"], data["edition"] or {}
            subjects = _texts(work.get("subjects"))[:SUBJECTS]
            texts = [
                ("Author", ", ".join(names[0] for names in data["authors"] if names)),
                ("Subjects", ", ".join(subjects)),
                ("Places", ", ".join(_texts(work.get("subject_places"))[:SUBJECTS])),
                (
                    "Description",
                    _text(work.get("description")) or _text(edition.get("description")),
                ),
                ("First sentence", _text(work.get("first_sentence"))),
            ]
            rows += field_rows(self.name, item_id, texts)
        return pl.DataFrame(rows, schema={**FIELDS, "item_id": raw.schema["item_id"]})

    def evidence(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Titles and authors; no years, in which editions of one book lie far apart."""
        rows = []
        for item_id, url, body in raw.select("item_id", "url", "body").iter_rows():
            data = json.loads(body)
            edition = data["edition"] or {}
            others = [_full_title(edition), _full_title(data["work"]), edition.get("title")]
            rows.append(
                {
                    "item_id": item_id,
                    "source": self.name,
                    "title": plain(data["work"].get("title")),
                    "other_titles": [title for title in map(plain, others) if title],
                    "years": [],
                    "creators": [name for names in data["authors"] for name in names],
                    "imdb_id": None,
                    "kind": "book",
                    "url": url,
                }
            )
        return pl.DataFrame(rows, schema={**EVIDENCE, "item_id": raw.schema["item_id"]})


def isbn(text: str | None) -> str | None:
    """An ISBN's ten or thirteen signs; zeros that a spreadsheet took from its front come back."""
    signs = re.sub(r"[^0-9xX]", "", text or "").upper()
    if len(signs) in (8, 9):
        signs = signs.zfill(10)
    return signs if re.fullmatch(r"\d{9}[\dX]|\d{13}", signs) else None


async def _record(http: PoliteClient, key: str, route: str) -> dict[str, Any] | None:
    """A record by its key; None when there is none, or none any more."""
    for _ in range(3):
        reply = await http.get(f"{key}.json", route=route, judge=_judge)
        kind = (reply.data.get("type") or {}).get("key") if reply.status != NOT_FOUND else "none"
        if kind == "/type/redirect" and reply.data.get("location"):
            key = str(reply.data["location"])  # two works were merged
            continue
        return None if reply.status == NOT_FOUND or kind in GONE else reply.data
    return None


def _judge(status: int, data: Any) -> Verdict:
    if status == NOT_FOUND and isinstance(data, dict):
        return Verdict.OK
    if status == 200 and not (isinstance(data, dict) and {"key", "docs"} & data.keys()):
        return Verdict.RETRY
    return judge_by_status(status, data)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return (
        [entry for entry in value or [] if isinstance(entry, dict)]
        if isinstance(value, list)
        else []
    )


def _keys(value: Any) -> list[str]:
    return [str(entry["key"]) for entry in _dicts(value) if entry.get("key")]


def _texts(value: Any) -> list[str]:
    """Distinct texts, whichever way they are written."""
    listed = [text for text in map(plain, value) if text] if isinstance(value, list) else []
    distinct: dict[str, str] = {}
    for text in listed:
        distinct.setdefault(fold(text), text)
    return list(distinct.values())


def _text(value: Any) -> str:
    """A text, or what OpenLibrary wraps one in: ``{"type": "/type/text", "value": …}``."""
    return plain(value.get("value") if isinstance(value, dict) else value)


def _full_title(record: dict[str, Any]) -> str:
    parts = [record.get("title"), record.get("subtitle")]
    return ": ".join(part for part in map(plain, parts) if part)
