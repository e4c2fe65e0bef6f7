"""Items to Wikidata entities and articles of one Wikipedia: one SPARQL question for many ids.

Prefixes are declared although Wikidata's service knows them, so that any endpoint over the same
data answers.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from recfeat_pipeline.text.http import PoliteClient, Verdict, judge_by_status
from recfeat_pipeline.text.mediawiki import batches, halving, refuse_if_unwelcome

BATCH = 200  # ids a query: well inside the service's 60 s
TIMEOUT = 70.0  # seconds: the service ends a query by itself after 60

SPARQL = """\
PREFIX wdt: <http://www.wikidata.org/prop/direct/>
PREFIX schema: <http://schema.org/>
SELECT ?{name} ?item ?article WHERE {{
  VALUES ?{name} {{ {values} }}
  ?item wdt:{property} ?{name} .
  OPTIONAL {{ ?article schema:about ?item ; schema:isPartOf <https://{language}.wikipedia.org/> . }}
}}"""


@dataclass(frozen=True)
class Entity:
    """Where Wikidata files an item."""

    qid: str
    title: str | None  # of its article
    how_found: str  # "imdb_id" or "tmdb_id"


async def find(
    http: PoliteClient, sparql_url: str, items: Sequence[dict[str, Any]], language: str = "en"
) -> tuple[dict[Any, Entity], dict[Any, str]]:
    """Item id → entity by IMDb id (P345), else by TMDB id (P4947); and item id → why it failed.

    Items that Wikidata does not know are in neither. An id that several entities claim goes to one
    with an article, then to the oldest.
    """
    found: dict[Any, Entity] = {}
    failed: dict[Any, str] = {}
    for name, property_ in (("imdb", "P345"), ("tmdb", "P4947")):
        column = f"{name}_id"

        async def ask(
            batch: Sequence[dict[str, Any]],
            name: str = name,
            property_: str = property_,
            column: str = column,
        ) -> None:
            values = " ".join(json.dumps(str(item[column])) for item in batch)
            text = SPARQL.format(name=name, property=property_, values=values, language=language)
            reply = await http.get(
                sparql_url,
                {"format": "json"},
                route="sparql",
                judge=_judge,
                form={"query": text},
                attempts=2,  # a query that takes too long is halved rather than repeated
                timeout=TIMEOUT,
            )
            claims = _claims(reply.data["results"]["bindings"], name)
            for item in batch:
                if claim := claims.get(str(item[column])):
                    found[item["item_id"]] = Entity(*claim, how_found=column)

        def give_up(item: dict[str, Any], reason: str) -> None:
            failed[item["item_id"]] = f"SPARQL: {reason}"

        asked = [
            item
            for item in items
            if item[column] is not None and item["item_id"] not in found.keys() | failed.keys()
        ]
        for batch in batches(asked, BATCH):
            await halving(batch, ask, give_up)
    return found, failed


def _judge(status: int, data: Any) -> Verdict:
    refuse_if_unwelcome(status)
    results = data.get("results") if isinstance(data, dict) else None
    if status == 200 and not (isinstance(results, dict) and "bindings" in results):
        return Verdict.RETRY  # the service breaks off a late answer with HTTP 200
    return judge_by_status(status, data)


def _claims(bindings: list[dict[str, Any]], name: str) -> dict[str, tuple[str, str | None]]:
    """Id → (entity, title of its article or None)."""
    rows = [
        (
            row[name]["value"],
            row["item"]["value"].rpartition("/")[2],
            row["article"]["value"] if "article" in row else None,
        )
        for row in bindings
    ]
    rows.sort(key=lambda row: (row[2] is None, len(row[1]), row[1]))  # articles, then low numbers
    claims: dict[str, tuple[str, str | None]] = {}
    for value, qid, article in rows:
        claims.setdefault(value, (qid, article and _title(article)))
    return claims


def _title(article: str) -> str:
    return unquote(article.partition("/wiki/")[2]).replace("_", " ")
