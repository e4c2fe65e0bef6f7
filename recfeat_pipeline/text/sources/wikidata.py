"""Wikidata: awards, nominations, cost and the Criterion Collection as dated facts.

The whole entity is stored. Facts are kept apart from the text with their dates, box office (P2142)
among them, which never becomes a field: it is popularity. Wikidata is CC0.

Protocol: https://www.wikidata.org/w/api.php (wbgetentities), data model
https://doc.wikimedia.org/Wikibase/master/php/docs_topics_json.html.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from recfeat_pipeline.schemas import FIELDS, ID, Schema
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text import entities
from recfeat_pipeline.text.clean import plain
from recfeat_pipeline.text.http import PoliteClient
from recfeat_pipeline.text.mediawiki import (
    BATCH,
    WikimediaSource,
    batches,
    halving,
    query,
    wikimedia_from,
)
from recfeat_pipeline.text.source import EVIDENCE, ScrapeJob, field_rows

PAGE = "https://www.wikidata.org/wiki/"
ENTITY = re.compile(r"\bQ[1-9]\d*\b")
FACT_PROPERTIES = {
    "P166": "award",
    "P1411": "nomination",
    "P9584": "criterion",
    "P2130": "cost",
    "P2142": "box_office",
}
DIRECTOR, PUBLISHED, IMDB, INSTANCE_OF, TITLE = "P57", "P577", "P345", "P31", "P1476"
KINDS = {
    "Q11424": "film",
    "Q202866": "film",  # animated
    "Q506240": "film",  # made for television
    "Q24862": "film",  # short
    "Q5398426": "series",
    "Q1259759": "series",  # mini
    "Q24856": "franchise",  # series of films
    "Q196600": "franchise",
}
POINT_IN_TIME = "P585"
LABELLED = ("P166", "P1411", DIRECTOR)  # their values are entities whose names are needed

FACTS: Schema = {
    "item_id": ID,
    "fact": pl.String,  # a value of FACT_PROPERTIES
    "value": pl.String,  # a name, an id, or an amount
    "unit": pl.String,  # of an amount: "United States dollar"
    "date": pl.String,  # "1996-03-25", "1996" or null
}
"""One row per item × fact × value."""

Item = dict[str, Any]


class Wikidata(WikimediaSource):
    """Wikidata's entities of films."""

    name = "wikidata"
    order = 3
    attribution = "Facts from Wikidata, CC0."
    address = "RECFEAT_WIKIDATA_BASE_URL and RECFEAT_SPARQL_URL"
    switch = "RECFEAT_CONTACT"

    @classmethod
    def from_settings(cls, settings: Settings) -> "Wikidata | None":
        """Wikidata when Wikimedia may be asked."""
        wikimedia = wikimedia_from(settings, "wikidata_base_url", "sparql_url")
        return cls(wikimedia) if wikimedia else None

    @property
    def base_url(self) -> str:
        """Where Wikidata is."""
        return self.wikimedia.wikidata_url

    async def _ask(self, job: ScrapeJob) -> None:
        names: dict[str, str] = {}  # of awards, people and currencies; asked once a run
        async with self.wikimedia.client(self.base_url) as http:
            job.summary.traffic = http.traffic
            for part in job.due.iter_slices(entities.BATCH):
                items = part.rows(named=True)
                await _Batch(self, http, job, names).run(items, self.wikimedia.sparql_url)

    async def revisions_now(self, http: PoliteClient, urls: Sequence[str]) -> dict[str, str]:
        """URL → present revision."""
        qids = {url: url.removeprefix(PAGE) for url in urls}
        found = await _entities(http, "revision", list(qids.values()), "info")
        return {
            url: str(found[qid].get("lastrevid", "")) for url, qid in qids.items() if qid in found
        }

    def fields(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Awards, Nominations, Budget and whether the Criterion Collection has the film."""
        rows: list[dict[str, Any]] = []
        for item_id, body in raw.select("item_id", "body").iter_rows():
            facts = list(_facts(json.loads(body)))
            cost = next((f for f in facts if f["fact"] == "cost"), None)
            criterion = any(f["fact"] == "criterion" for f in facts)
            texts = [
                ("Awards", _dated(f for f in facts if f["fact"] == "award")),
                ("Nominations", _dated(f for f in facts if f["fact"] == "nomination")),
                ("Collection", "Criterion Collection" if criterion else ""),
                ("Budget", _amount(cost) if cost else ""),
            ]
            rows += field_rows(self.name, item_id, texts)
        return pl.DataFrame(rows, schema={**FIELDS, "item_id": raw.schema["item_id"]})

    def facts(self, raw: pl.DataFrame) -> pl.DataFrame:
        """FACTS rows of raw rows: everything, box office included, with dates."""
        rows = [
            {"item_id": item_id, **fact}
            for item_id, body in raw.select("item_id", "body").iter_rows()
            for fact in _facts(json.loads(body))
        ]
        return pl.DataFrame(rows, schema={**FACTS, "item_id": raw.schema["item_id"]})

    def evidence(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Titles, publication years, directors, IMDb id and kind."""
        rows = []
        for item_id, url, body in raw.select("item_id", "url", "body").iter_rows():
            data = json.loads(body)
            imdb = [plain(value) for value, _ in claims(data["entity"], IMDB)]
            dates = [_date(value) or "" for value, _ in claims(data["entity"], PUBLISHED)]
            rows.append(
                {
                    "item_id": item_id,
                    "source": self.name,
                    "title": plain(label_of(data["entity"])),
                    "other_titles": _other_titles(data["entity"]),
                    "years": sorted({int(day[:4]) for day in dates if day[:4].isdigit()}),
                    "creators": [
                        plain(data["names"].get(_id(value)))
                        for value, _ in claims(data["entity"], DIRECTOR)
                        if data["names"].get(_id(value))
                    ],
                    "imdb_id": imdb[0] if imdb else None,
                    "kind": next(
                        (
                            KINDS[_id(value)]
                            for value, _ in claims(data["entity"], INSTANCE_OF)
                            if _id(value) in KINDS
                        ),
                        None,
                    ),
                    "url": url,
                }
            )
        return pl.DataFrame(rows, schema={**EVIDENCE, "item_id": raw.schema["item_id"]})


class _Batch:
    """One batch of items on its way: mapped, compared by revision, fetched, names looked up."""

    def __init__(self, source: Wikidata, http: PoliteClient, job: ScrapeJob, names: dict[str, str]):
        self.source = source
        self.http = http
        self.job = job
        self.names = names
        self.found: dict[Any, entities.Entity] = {}

    async def run(self, items: Sequence[Item], sparql_url: str) -> None:
        asked = [item for item in items if not item["pinned"]]
        self.found, failed = await entities.find(self.http, sparql_url, asked)
        for item in items:
            if item["pinned"] and (named := ENTITY.search(item["pinned"].upper())):
                self.found[item["item_id"]] = entities.Entity(named[0], None, "pinned")
        rest = []
        for item in items:
            if item["item_id"] in failed:
                self._give_up(item, failed[item["item_id"]])
            elif item["item_id"] not in self.found:
                reason = "Wikidata does not know its ids"
                if item["pinned"]:
                    reason = f"the pinned page {item['pinned']!r} is no entity; write Q171048"
                self.job.record(item, "missing", reason=reason)
            else:
                rest.append(item)
        stored = [i for i in rest if i["revision"] and i["url"] == PAGE + self._qid(i)]
        fresh = [i for i in rest if i not in stored]
        for batch in batches(stored, BATCH):
            await halving(batch, lambda b: self._compare(b, fresh), self._give_up)
        for batch in batches(fresh, BATCH):
            await halving(batch, self._fetch, self._give_up)

    async def _compare(self, batch: Sequence[Item], changed: list[Item]) -> None:
        """Record the items whose entity has the stored revision; the others have changed."""
        now = await self.source.revisions_now(self.http, [item["url"] for item in batch])
        for item in batch:
            if now.get(item["url"]) == item["revision"]:
                self.job.unchanged(item)
            else:
                changed.append(item)

    async def _fetch(self, batch: Sequence[Item]) -> None:
        found = await _entities(
            self.http,
            "entities",
            [self._qid(i) for i in batch],
            "info|claims|labels|aliases|sitelinks",
        )
        await self._look_up(found.values())
        for item in batch:
            entity = found.get(self._qid(item))
            if entity is None:
                self._give_up(item, "the answer leaves the entity out")
            elif "missing" in entity:
                self.job.record(item, "missing", reason="the entity was deleted")
            else:
                wanted = mentioned(entity)
                names = {qid: self.names[qid] for qid in wanted if qid in self.names}
                whole = len(names) == len(wanted)
                self.job.record(
                    item,
                    "ok" if whole else "partial",
                    reason=None if whole else "without some names of awards or people",
                    how_found=self.found[item["item_id"]].how_found,
                    revision=str(entity.get("lastrevid")),
                    url=PAGE + self._qid(item),
                    body=json.dumps({"entity": entity, "names": names}, ensure_ascii=False),
                )

    async def _look_up(self, found: Any) -> None:
        """Learn the names of the entities that these mention; one without a name keeps its id."""
        unknown = sorted({qid for entity in found for qid in mentioned(entity)} - set(self.names))

        async def ask(batch: Sequence[str]) -> None:
            named = await _entities(self.http, "names", batch, "labels")
            for qid in batch:
                if qid in named:
                    self.names[qid] = label_of(named[qid]) or qid

        for batch in batches(unknown, BATCH):
            await halving(batch, ask, lambda qid, reason: None)  # the item becomes partial

    def _qid(self, item: Item) -> str:
        return self.found[item["item_id"]].qid

    def _give_up(self, item: Item, reason: str) -> None:
        self.job.record(item, "failed", reason=reason)


async def _entities(
    http: PoliteClient, route: str, qids: Sequence[str], props: str
) -> dict[str, Any]:
    answer = await query(
        http,
        route,
        action="wbgetentities",
        ids="|".join(dict.fromkeys(qids)),
        props=props,
        languages="en|mul",
        sitefilter="enwiki",
    )
    by_id = {entity.get("id"): entity for entity in answer["entities"].values()}
    return {**by_id, **answer["entities"]}  # a merged entity stands under its old id


# -- reading an entity ----------------------------------------------------------------------------


def claims(entity: Any, property_: str) -> Iterator[tuple[Any, Any]]:
    """(value, qualifiers) of each statement that is not deprecated and has a value."""
    held = entity.get("claims")
    for claim in held.get(property_, []) if isinstance(held, dict) else []:
        snak = claim.get("mainsnak", {})
        if claim.get("rank") != "deprecated" and snak.get("snaktype") == "value":
            yield snak["datavalue"]["value"], claim.get("qualifiers") or {}


def _facts(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for property_, fact in FACT_PROPERTIES.items():
        for value, qualifiers in claims(data["entity"], property_):
            unit = None
            if isinstance(value, dict) and "amount" in value:
                unit = data["names"].get(_id(value))
                text = value["amount"].lstrip("+")
            elif isinstance(value, dict):
                text = data["names"].get(_id(value), "")
            else:
                text = value
            snaks = qualifiers.get(POINT_IN_TIME) if isinstance(qualifiers, dict) else None
            date = _date(snaks[0].get("datavalue", {}).get("value")) if snaks else None
            if text := plain(text):
                yield {"fact": fact, "value": text, "unit": unit and plain(unit), "date": date}


def mentioned(entity: Any) -> set[str]:
    """The entities whose names the facts need: awards, directors, currencies."""
    values = [value for property_ in LABELLED for value, _ in claims(entity, property_)]
    values += [value for property_ in ("P2130", "P2142") for value, _ in claims(entity, property_)]
    return {qid for qid in map(_id, values) if qid}


def _id(value: Any) -> str:
    """The Q-number of an entity value, or of an amount's unit; "" for what has none."""
    if not isinstance(value, dict):
        return ""
    qid = value.get("id") or str(value.get("unit", "")).rpartition("/")[2]
    return qid if qid[:1] == "Q" and qid[1:].isdigit() else ""


def _date(value: Any) -> str | None:
    """The part of a time value that its precision vouches for: day (11), month (10), year (9)."""
    if not isinstance(value, dict) or not isinstance(value.get("time"), str):
        return None
    length = {9: 4, 10: 7, 11: 10}.get(value.get("precision", 0))
    return value["time"].lstrip("+")[:length] if length else None


def label_of(entity: Any) -> str | None:
    """Its English name, or the one that serves many languages."""
    labels = entity.get("labels")
    for language in ("en", "mul"):
        if isinstance(labels, dict) and language in labels:
            return labels[language].get("value")
    return None


def _other_titles(entity: Any) -> list[str]:
    """Aliases and original titles (P1476)."""
    aliases = entity.get("aliases")
    named = [a for rows in aliases.values() for a in rows] if isinstance(aliases, dict) else []
    titles = [alias.get("value") for alias in named]
    titles += [v.get("text") for v, _ in claims(entity, TITLE) if isinstance(v, dict)]
    return [title for title in dict.fromkeys(map(plain, titles)) if title]


def _dated(facts: Any) -> str:
    """``"Academy Award for Best Picture (1998); …"``, as one sorted list."""
    texts = {f"{f['value']} ({f['date'][:4]})" if f["date"] else f["value"] for f in facts}
    return "; ".join(sorted(texts))


def _amount(fact: dict[str, Any]) -> str:
    number, _, _ = fact["value"].partition(".")
    amount = f"{int(number):,}" if number.isdigit() else fact["value"]
    return f"{amount} {fact['unit']}" if fact["unit"] else amount
