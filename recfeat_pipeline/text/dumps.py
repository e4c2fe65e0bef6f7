"""A first load from Wikimedia's dumps: local files in place of a request an item.

What is found goes into the raw store as if it had been asked for; the daily look at revisions then
follows what has changed since the dump. Files are read as streams, plain, ``.bz2`` or ``.gz``:
Wikidata's twice (items, then the names that they mention), Wikipedia's once.

Formats: https://www.wikidata.org/wiki/Wikidata:Database_download (JSON, an entity a line),
https://www.mediawiki.org/wiki/Help:Export (``pages-articles`` XML).
"""

import bz2
import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.text.sources import wikidata
from recfeat_pipeline.text.sources.wikidata import Wikidata
from recfeat_pipeline.text.sources.wikipedia import Wikipedia

IDS = (("P345", "imdb_id"), ("P4947", "tmdb_id"))  # as the query service is asked: IMDb's first
LANGUAGES = ("en", "mul")
_QID = re.compile(rb'"id":\s*"(Q\d+)"')


@dataclass
class Loaded:
    """How many items' answers were found, of those that had none."""

    entities: int = 0
    articles: int = 0
    asked: int = 0
    titles: dict[Any, tuple[str, str]] = field(default_factory=dict)  # item -> (title, how found)


def load(
    items: pl.DataFrame,
    lake: Lake,
    entities: Path,
    articles: Path | None,
    sources: tuple[Wikidata, Wikipedia],
) -> Loaded:
    """Fill the raw stores of Wikidata and Wikipedia for the items that have no answer yet.

    Args:
        items: as sources take them.
        lake: where the answers go.
        entities: Wikidata's JSON dump.
        articles: the XML dump of the Wikipedia whose language the texts are in.
        sources: what would otherwise ask.

    Raises:
        RecfeatError: a file is missing or is no such dump.
    """
    of_wikidata, of_wikipedia = sources
    keyed = of_wikidata.keyed(items)
    store = of_wikidata.store(lake)
    due = store.plan(keyed).filter(due="new")
    loaded = Loaded(asked=due.height)
    found = _matching(entities, due)
    names = _names(entities, {qid for e, _ in found.values() for qid in wikidata.mentioned(e)})
    key_of = dict(due.select("item_id", "key").iter_rows())
    site = f"{of_wikipedia.language}wiki"
    with store.locked(due), store.writer(items.schema["item_id"]) as writer:
        for item_id, (entity, how) in found.items():
            wanted = wikidata.mentioned(entity)
            known = {qid: names[qid] for qid in wanted if qid in names}
            if link := (entity.get("sitelinks") or {}).get(site):
                loaded.titles[item_id] = (link["title"], how)
            writer.add(
                item_id=item_id,
                key=key_of[item_id],
                status="ok" if len(known) == len(wanted) else "partial",
                how_found=how,
                revision=str(entity.get("lastrevid")),
                url=wikidata.PAGE + entity["id"],
                body=json.dumps({"entity": _cut(entity), "names": known}, ensure_ascii=False),
            )
    loaded.entities = len(found)
    if articles is not None:
        loaded.articles = _load_articles(items, lake, articles, of_wikipedia, loaded.titles)
    return loaded


def _load_articles(
    items: pl.DataFrame,
    lake: Lake,
    path: Path,
    source: Wikipedia,
    titles: dict[Any, tuple[str, str]],
) -> int:
    store, keyed = source.store(lake), source.keyed(items)
    due = store.plan(keyed).filter(due="new")
    of_title: dict[str, list[tuple[Any, str, str]]] = {}
    for item_id, key in due.select("item_id", "key").iter_rows():
        if item_id in titles:
            title, how = titles[item_id]
            of_title.setdefault(title, []).append((item_id, key, how))
    n = 0
    with store.locked(due), store.writer(items.schema["item_id"]) as writer:
        for page in pages(path, of_title.keys()):
            revision = page["revisions"][0]
            for item_id, key, how in of_title[page["title"]]:
                writer.add(
                    item_id=item_id,
                    key=key,
                    status="ok",
                    how_found=how,
                    revision=str(revision["revid"]),
                    url=source.url(page["title"]),
                    body=json.dumps(page, ensure_ascii=False),
                )
                n += 1
    return n


def _matching(path: Path, items: pl.DataFrame) -> dict[Any, tuple[dict[str, Any], str]]:
    """Item id → its entity and the id that says so; of several entities, the oldest."""
    wanted = {
        column: {str(value): item_id for value, item_id in
                 items.select(column, "item_id").drop_nulls(column).iter_rows()}
        for _, column in IDS
    }  # fmt: skip
    found: dict[Any, tuple[dict[str, Any], str]] = {}
    for line in _lines(path):
        if b'"P345"' not in line and b'"P4947"' not in line:
            continue  # most of the dump: not parsed
        entity = _entity(path, line)
        for property_, column in IDS:
            for value, _ in wikidata.claims(entity, property_):
                item_id = wanted[column].get(str(value))
                if item_id is None:
                    continue
                held = found.get(item_id)
                if held is None or _rank(entity, column) < _rank(*held):
                    found[item_id] = (entity, column)
    return found


def _rank(entity: dict[str, Any], column: str) -> tuple[int, bool, int]:
    """As :func:`entities.find` chooses: by IMDb id, with an article, the lowest number."""
    linked = "enwiki" in (entity.get("sitelinks") or {})
    return [c for _, c in IDS].index(column), not linked, int(entity["id"][1:])


def _names(path: Path, wanted: set[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for line in _lines(path) if wanted else ():
        at = _QID.search(line)
        if at and (qid := at[1].decode()) in wanted:
            names[qid] = wikidata.label_of(_entity(path, line)) or qid
    return names


def _cut(entity: dict[str, Any]) -> dict[str, Any]:
    """What the API would have been asked for: a dump has labels in some hundred languages."""
    few = {
        part: {code: v for code, v in (entity.get(part) or {}).items() if code in LANGUAGES}
        for part in ("labels", "aliases")
    }
    return {k: v for k, v in entity.items() if k != "descriptions"} | few


def pages(path: Path, titles: Sequence[str] | Any) -> Iterator[dict[str, Any]]:
    """The wanted pages of an XML dump, as the Action API answers them.

    Raises:
        RecfeatError: the file is no such dump, or ends in its middle.
    """
    wanted = set(titles)
    try:
        with _open(path) as file:
            steps = ElementTree.iterparse(file, events=("start", "end"))
            _, root = next(steps)
            for event, element in steps:
                if event == "start" or element.tag.rpartition("}")[2] != "page":
                    continue
                told = {child.tag.rpartition("}")[2]: child for child in element}
                if told["title"].text in wanted and told["ns"].text == "0":
                    yield _page(told)
                root.clear()  # memory stays flat over millions of pages
    except (ElementTree.ParseError, EOFError, OSError, KeyError, StopIteration) as error:
        raise RecfeatError(
            f"{path} is not a whole dump of Wikipedia's articles (pages-articles, XML): {error}."
        ) from error


def _page(told: dict[str, ElementTree.Element]) -> dict[str, Any]:
    revision = {child.tag.rpartition("}")[2]: child.text or "" for child in told["revision"]}
    content = {"contentmodel": "wikitext", "contentformat": "text/x-wiki",
               "content": revision.get("text", "")}  # fmt: skip
    return {
        "pageid": int(told["id"].text or 0),
        "ns": 0,
        "title": told["title"].text,
        "revisions": [
            {
                "revid": int(revision["id"]),
                "timestamp": revision.get("timestamp"),
                "size": len(content["content"].encode()),
                "slots": {"main": content},
            }
        ],
    }


def _entity(path: Path, line: bytes) -> dict[str, Any]:
    try:
        entity = json.loads(line.rstrip().rstrip(b","))
    except ValueError as error:
        raise RecfeatError(
            f"{path} is not a dump of Wikidata's entities (JSON, one a line): {error}."
        ) from error
    return entity if isinstance(entity, dict) else {}


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with _open(path) as file:
            yield from file
    except (EOFError, OSError) as error:
        raise RecfeatError(f"{path} cannot be read to its end: {error}.") from error


def _open(path: Path) -> IO[bytes]:
    kinds: dict[str, Any] = {".bz2": bz2.open, ".gz": gzip.open}
    file: IO[bytes] = kinds.get(path.suffix, open)(path, "rb")
    return file
