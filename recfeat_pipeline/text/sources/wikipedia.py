"""Wikipedia: plot, reception and awards of an article, 50 articles a call.

It is the Wikipedia in the language of the texts (RECFEAT_TEXT_LANGUAGE); where that is not English,
the English one is another source (:mod:`english_wikipedia`), which fills in what it lacks. The
article is the one that Wikidata links to the item's ids; failing that, a search result whose year
or director confirms it. Text is CC BY-SA 4.0 and must be attributed.
"""

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, unquote

import polars as pl

from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text import entities
from recfeat_pipeline.text.clean import plain_title
from recfeat_pipeline.text.http import PoliteClient, RequestFailedError
from recfeat_pipeline.text.identity.witness import Claims, weigh
from recfeat_pipeline.text.mediawiki import (
    BATCH,
    Wikimedia,
    WikimediaSource,
    batches,
    halving,
    in_language,
    query,
    revisions,
    wikimedia_from,
)
from recfeat_pipeline.text.source import EVIDENCE, TEXTS, ScrapeJob, field_rows
from recfeat_pipeline.text.wikitext.articles import read_film, read_identity

ENGLISH = "en"
FILM = {"es": "película", "pt": "filme"}  # what a film is called, where not "film"
CANDIDATES = 5  # search results looked at

Item = dict[str, Any]


class Wikipedia(WikimediaSource):
    """The Wikipedia of one language."""

    name = "wikipedia"
    order = 2
    attribution = "Text from Wikipedia, CC BY-SA 4.0, by its contributors."
    address = "RECFEAT_WIKIPEDIA_BASE_URL and RECFEAT_SPARQL_URL"
    switch = "RECFEAT_CONTACT"

    @classmethod
    def from_settings(cls, settings: Settings) -> "Wikipedia | None":
        """Wikipedia when Wikimedia may be asked."""
        wikimedia = wikimedia_from(settings, "wikipedia_base_url", "sparql_url")
        return cls(wikimedia, settings.text_language) if wikimedia else None

    def __init__(self, wikimedia: Wikimedia, language: str = ENGLISH):
        super().__init__(wikimedia)
        self.language = language
        self.pages = f"https://{language}.wikipedia.org/wiki/"

    @property
    def base_url(self) -> str:
        """Where Wikipedia is."""
        return in_language(self.wikimedia.wikipedia_url, self.language)

    def key(self) -> pl.Expr:
        """The ids, else the title: it can be searched for. Another language is another key."""
        key = pl.coalesce(super().key(), pl.format("title:{} {}", "title", "year"))
        return key if self.language == ENGLISH else pl.format("{}:{}", pl.lit(self.language), key)

    def url(self, title: str) -> str:
        """The address of an article."""
        return self.pages + quote(title.replace(" ", "_"), safe="/:(),!'*")

    def title(self, url: str) -> str:
        """The article at an address, also at a phone's; a title stays one."""
        title = re.sub(rf"^https?://{self.language}\.(m\.)?wikipedia\.org/wiki/", "", url)
        return unquote(title.partition("#")[0]).replace("_", " ")

    async def _ask(self, job: ScrapeJob) -> None:
        async with self.wikimedia.client(self.base_url) as http:
            job.summary.traffic = http.traffic
            for part in job.due.iter_slices(entities.BATCH):
                items = part.rows(named=True)
                await _Batch(self, http, job).run(items, self.wikimedia.sparql_url)

    async def revisions_now(self, http: PoliteClient, urls: Sequence[str]) -> dict[str, str]:
        """URL → present revision."""
        pages = await revisions(http, [self.title(url) for url in urls], content=False)
        found = {url: pages[self.title(url)][0] for url in urls if self.title(url) in pages}
        return {
            url: _revision(page) if self.url(page["title"]) == url else ""
            for url, page in found.items()
        }

    def fields(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Plot, Reception and Awards; the introduction where there is no plot."""
        rows: list[dict[str, Any]] = []
        for item_id, body in raw.select("item_id", "body").iter_rows():
            sections = read_film(_content(json.loads(body))).sections
            intro = "" if "plot" in sections else sections.get("intro", "")
            texts = [
                ("Plot", sections.get("plot", "")),
                ("Reception", sections.get("reception", "")),
                ("Awards", sections.get("awards", "")),
                ("Wikipedia", intro),
            ]
            languages = dict.fromkeys((label for label, _ in texts), self.language)
            rows += field_rows(self.name, item_id, texts, languages)
        return pl.DataFrame(rows, schema={**TEXTS, "item_id": raw.schema["item_id"]})

    def evidence(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Title, names in bold, and the infobox's years and directors."""
        rows = []
        for item_id, url, body in raw.select("item_id", "url", "body").iter_rows():
            page = json.loads(body)
            film = read_identity(_content(page))
            rows.append(
                {
                    "item_id": item_id,
                    "source": self.name,
                    "title": page["title"],
                    "other_titles": film.titles,
                    "years": film.years,
                    "creators": film.directors,
                    "kind": film.kind,
                    "url": url,
                }
            )
        return pl.DataFrame(rows, schema={**EVIDENCE, "item_id": raw.schema["item_id"]})


class _Batch:
    """One batch of items on its way: mapped, compared by revision, fetched, searched for."""

    def __init__(self, source: Wikipedia, http: PoliteClient, job: ScrapeJob):
        self.source = source
        self.http = http
        self.job = job
        self.titles: dict[Any, tuple[str, str]] = {}  # item id -> (title, how found)
        self.homeless: dict[Any, str] = {}  # item id -> why its page cannot be used

    async def run(self, items: Sequence[Item], sparql_url: str) -> None:
        failed = await self._map(items, sparql_url)
        items = [item for item in items if item["item_id"] not in failed]
        seen = [item for item in items if self._has_stored_page(item)]
        rest = [item for item in items if not self._has_stored_page(item)]
        rest += await self._changed(seen)
        for batch in batches([i for i in rest if i["item_id"] in self.titles], BATCH):
            await halving(batch, self._fetch, self._give_up)
        for item in items:
            if item["item_id"] in self.homeless and item["pinned"]:
                self.job.record(item, "missing", reason=self.homeless[item["item_id"]])
            elif item["item_id"] in self.homeless:
                await self._search(item)

    async def _map(self, items: Sequence[Item], sparql_url: str) -> set[Any]:
        asked = [item for item in items if not item["pinned"]]
        found, failed = await entities.find(self.http, sparql_url, asked, self.source.language)
        for item in items:
            item_id, entity = item["item_id"], found.get(item["item_id"])
            if item["pinned"]:
                self.titles[item_id] = (self.source.title(item["pinned"]), "pinned")
            elif item_id in failed:
                self._give_up(item, failed[item_id])
            elif entity and entity.title:
                self.titles[item_id] = (entity.title, entity.how_found)
            elif item["how_found"] == "search":  # still no link: look at the page found before
                self.titles[item_id] = (self.source.title(item["url"]), "search")
            else:
                self.homeless[item_id] = "Wikidata links no article to its ids"
        return set(failed)

    def _has_stored_page(self, item: Item) -> bool:
        title = self.titles.get(item["item_id"])
        return bool(title and item["revision"] and item["url"] == self.source.url(title[0]))

    async def _changed(self, items: Sequence[Item]) -> list[Item]:
        """Of items whose page is stored, those with another revision by now."""
        changed: list[Item] = []

        async def compare(batch: Sequence[Item]) -> None:
            now = await self.source.revisions_now(self.http, [item["url"] for item in batch])
            for item in batch:
                if now.get(item["url"]) == item["revision"]:
                    self.job.unchanged(item)
                else:
                    changed.append(item)

        for batch in batches(items, BATCH):
            await halving(batch, compare, self._give_up)
        return changed

    async def _fetch(self, batch: Sequence[Item]) -> None:
        pages = await revisions(self.http, [self._title(i) for i in batch], content=True)
        for item in batch:
            page, section = pages.get(self._title(item), (None, None))
            if page is None:
                self._give_up(item, "the answer leaves the title out")
            elif page.get("missing") or page.get("invalid"):
                self.homeless[item["item_id"]] = "the article does not exist"
            elif section:
                self.homeless[item["item_id"]] = "the title leads into another article's section"
            elif not _content(page):
                self._give_up(item, "the answer has no text")
            elif read_identity(_content(page)).is_disambiguation:
                self.homeless[item["item_id"]] = "the title is a disambiguation page"
            else:
                self._store(item, page, self.titles[item["item_id"]][1])

    async def _search(self, item: Item) -> None:
        """Look for the item's page by title and year; keep one only if it is confirmed."""
        reason = self.homeless[item["item_id"]]
        title, year = plain_title(item["title"] or "").replace('"', ""), item["year"]
        creators = item.get("creators") or []
        if not title or (year is None and not creators):
            self.job.record(item, "missing", reason=f"{reason}; no year or director to search by")
            return
        film_word = FILM.get(self.source.language, "film")
        known = Claims([item["title"]], [year] if year is not None else [], creators)
        try:
            found = await query(
                self.http,
                "search",
                generator="search",
                gsrsearch=f'intitle:"{title}" {year or creators[0]} {film_word}',
                gsrnamespace=0,
                gsrlimit=CANDIDATES,
                prop="revisions",
                rvslots="main",
                rvprop="ids|timestamp|size|content",
            )
        except RequestFailedError as error:
            self._give_up(item, str(error))
            return
        pages = sorted(found.get("pages", {}).values(), key=lambda page: page.get("index", 99))
        for page in pages:
            film = read_identity(_content(page))
            claims = Claims([page["title"], *film.titles], film.years, film.directors)
            if film.kind and weigh(known, claims, "search").is_for:
                self._store(item, page, "search")
                return
        self.job.record(item, "missing", reason=f"{reason}; no search result is confirmed")

    def _store(self, item: Item, page: dict[str, Any], how_found: str) -> None:
        revision = page["revisions"][0]
        size = len(_content(page).encode())
        whole = revision.get("size", size) == size
        self.job.record(
            item,
            "ok" if whole else "partial",
            reason=None if whole else "the text is shorter than the revision's size",
            how_found=how_found,
            revision=str(revision["revid"]),
            url=self.source.url(page["title"]),
            body=json.dumps(page, ensure_ascii=False),
        )

    def _give_up(self, item: Item, reason: str) -> None:
        self.job.record(item, "failed", reason=reason)

    def _title(self, item: Item) -> str:
        return self.titles[item["item_id"]][0]


def _content(page: dict[str, Any]) -> str:
    """The wikitext of a page, "" when the answer holds none."""
    for revision in page.get("revisions") or []:
        return revision.get("slots", {}).get("main", {}).get("content") or ""
    return ""


def _revision(page: dict[str, Any]) -> str:
    """The revision of a page, "" of one that does not exist."""
    return str((page.get("revisions") or [{}])[0].get("revid", ""))
