"""Any web page that a catalogue names for an item: schema.org data, and the text to be read.

A catalogue says where the pages are, under ``[items.ids]``: ``page`` is a column of addresses. Each
site's robots.txt is read first and heeded, and so is the delay that it asks for. Text on a page
belongs to whoever wrote it: whether it may be used is for you to know.

Formats: https://schema.org, JSON-LD in pages (https://json-ld.org), robots.txt (RFC 9309).
"""

import asyncio
import hashlib
import time
from typing import Any

import polars as pl

from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.clean import plain
from recfeat_pipeline.text.http import (
    Pace,
    PoliteClient,
    RequestFailedError,
    Verdict,
    user_agent,
)
from recfeat_pipeline.text.page_html import PageText, read_page
from recfeat_pipeline.text.raw import Policy
from recfeat_pipeline.text.robots import Robots, site_of
from recfeat_pipeline.text.source import (
    EVIDENCE,
    TEXTS,
    ScrapeJob,
    Source,
    ask_each,
    field_rows,
    missing,
    policy_of,
)

LONGEST_DELAY = 60.0  # seconds; a site that wants more is not asked
KINDS = {
    "Movie": "film", "TVSeries": "series", "Book": "book", "MusicAlbum": "album",
    "MovieSeries": "franchise", "BookSeries": "franchise",
}  # fmt: skip
MAKERS = ("director", "author", "byArtist", "creator", "brand")
DATES = ("datePublished", "dateCreated", "copyrightYear", "releaseDate")
LABELLED = {
    "Category": "category", "Genres": "genre", "Brand": "brand", "Author": "author",
    "Director": "director", "Artist": "byArtist", "Keywords": "keywords", "Material": "material",
    "Audience": "audience",
}  # fmt: skip
"""Label of a field → the property of schema.org that fills it."""


class Page(Source):
    """Pages at addresses that the catalogue gives."""

    name = "page"
    order = 7
    attribution = "Texts of the items' own pages, © their publishers."
    address = "the column [items.ids] page"
    switch = "RECFEAT_CONTACT"
    finds_by = ("page",)

    @classmethod
    def from_settings(cls, settings: Settings) -> "Page | None":
        """It, when sites may know who asks; items without a page are left alone."""
        if settings.contact is None:
            return None
        pace = Pace(rate=1, attempts=3, max_bytes=4 << 20)
        return cls(settings.contact, pace, policy_of(settings, settings.records_days))

    def __init__(self, contact: str | None, pace: Pace, policy: Policy | None = None):
        self.pace = pace
        self.agent = user_agent(contact)
        self.policy = policy or Policy()

    def key(self) -> pl.Expr:
        """The address."""
        web = pl.col("id_page").str.contains(r"^https?://")
        return pl.when(web).then(pl.format("url:{}", "id_page"))

    async def _ask(self, job: ScrapeJob) -> None:
        visit = _Visit()
        async with PoliteClient("", self.pace, self.agent, {"Accept": "text/html"}) as http:
            await ask_each(job, http, visit.look_up)

    def fields(self, raw: pl.DataFrame) -> pl.DataFrame:
        """The description, what schema.org says of the thing, and the page's prose."""
        rows: list[dict[str, Any]] = []
        for item_id, body in raw.select("item_id", "body").iter_rows():
            page = read_page(body)
            thing = _main_thing(page)
            told = plain(thing.get("description")) or page.description
            texts = [(label, _names(thing.get(name))) for label, name in LABELLED.items()]
            texts += [("Description", told), ("Page", page.text.replace("\n", " "))]
            languages = (
                dict.fromkeys(("Description", "Page"), page.language) if page.language else {}
            )
            rows += field_rows(self.name, item_id, texts, languages)
        return pl.DataFrame(rows, schema={**TEXTS, "item_id": raw.schema["item_id"]})

    def evidence(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Name, year, makers and kind of the thing that the page is about."""
        rows = []
        for item_id, url, body in raw.select("item_id", "url", "body").iter_rows():
            page = read_page(body)
            thing = _main_thing(page)
            days = (str(thing.get(name) or "")[:4] for name in DATES)
            makers = [_names(thing.get(name)) for name in MAKERS]
            rows.append(
                {
                    "item_id": item_id,
                    "source": self.name,
                    "title": plain(thing.get("name")) or None,
                    "other_titles": [plain(thing.get("alternateName"))]
                    if plain(thing.get("alternateName"))
                    else [],
                    "years": [int(day) for day in days if day.isdigit()],
                    "creators": [name for name in makers if name],
                    "imdb_id": None,
                    "kind": KINDS.get(_type(thing)),
                    "url": url,
                }
            )
        return pl.DataFrame(rows, schema={**EVIDENCE, "item_id": raw.schema["item_id"]})


class _Visit:
    """One run: each site's rules, read once, and when it was last asked."""

    def __init__(self) -> None:
        self._robots: dict[str, Robots] = {}
        self._asked: dict[str, float] = {}
        self._turn = asyncio.Lock()  # one page at a time, whoever's it is

    async def look_up(self, http: PoliteClient, item: dict[str, Any]) -> dict[str, Any]:
        """RAW columns of one item."""
        async with self._turn:
            return await self._page(http, item)

    async def _page(self, http: PoliteClient, item: dict[str, Any]) -> dict[str, Any]:
        url = item["pinned"] or item["id_page"]
        site = site_of(url)
        if site not in self._robots:
            self._robots[site] = await self._rules(http, site)
        rules = self._robots[site]
        if rules.is_unknown:  # the site is in trouble, which passes
            raise RequestFailedError("the site does not give its robots.txt")
        if not rules.allows(url):
            return missing("the site's robots.txt does not allow it")
        if rules.delay > LONGEST_DELAY:
            return missing(f"the site wants {rules.delay:.0f} s between two requests")
        await asyncio.sleep(self._asked.get(site, 0.0) + rules.delay - time.monotonic())
        reply = await http.get(url, route="page", judge=_judge, api=False)
        self._asked[site] = time.monotonic()
        if reply.status != 200:
            return missing(f"the page answers HTTP {reply.status}")
        return {
            "status": "ok",
            "how_found": "pinned" if item["pinned"] else "page",
            "revision": hashlib.sha256(reply.body.encode()).hexdigest()[:16],
            "url": url,
            "body": reply.body,
        }

    async def _rules(self, http: PoliteClient, site: str) -> Robots:
        try:
            reply = await http.get(f"{site}/robots.txt", route="robots", judge=_judge, api=False)
        except RequestFailedError:
            return Robots(None, "")
        return Robots(reply.status, reply.body)


def _judge(status: int, data: Any) -> Verdict:
    """A page is no JSON; one that is gone or forbidden is an answer."""
    if status == 429:
        return Verdict.THROTTLED
    return Verdict.RETRY if status >= 500 else Verdict.OK


def _main_thing(page: PageText) -> dict[str, Any]:
    """What the page is about: a thing of a kind that we know, else a product, else the first."""
    known = [thing for thing in page.things if _type(thing) in KINDS]
    products = [thing for thing in page.things if _type(thing) == "Product"]
    named = [thing for thing in page.things if thing.get("description")]
    return next(iter([*known, *products, *named]), {})


def _type(thing: dict[str, Any]) -> str:
    kind = thing.get("@type")
    return str(kind[0] if isinstance(kind, list) and kind else kind or "")


def _names(value: Any) -> str:
    """The text of a property: a text, a thing with a name, or a list of them."""
    listed = value if isinstance(value, list) else [value]
    names = (plain(v.get("name")) if isinstance(v, dict) else plain(v) for v in listed)
    return ", ".join(dict.fromkeys(name for name in names if name))
