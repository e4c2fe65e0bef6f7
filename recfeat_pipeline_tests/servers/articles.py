"""Articles and entities of the loopback Wikimedia: real layout, generated content."""

from typing import Any

from recfeat_pipeline_tests.servers.films import Film

AWARDS = {
    "Q103360": "Academy Award for Best Director",
    "Q107258": "Academy Award for Best Original Score",
    "Q131520": "César Award for Best Foreign Film",
}
CURRENCIES = {"Q4917": "United States dollar"}
PEOPLE_FROM = 50_000_000  # Q-numbers of directors
_people: dict[str, str] = {}


ARTICLE = """\
{{Short description|«year» film}}
{{Use mdy dates|date=May 2024}}
{{Infobox film
| name = «title»
| director = {{Plainlist|
«directors»
}}<!-- alphabetical -->
| starring = {{Plainlist|
«cast»
}}
| released = {{Film date|«year»|6|15|[[Toronto International Film Festival|TIFF]]|«year»|9|1}}\
<ref name="bfi">{{cite web|title=BFI|year=2014}}</ref>
| budget = $30 million
| gross = $394.4 million<ref name="mojo" />
}}
«intro»<ref>{{cite news|title=Opening}}</ref>

== Plot ==
«plot»<ref name="bfi" />

== Cast ==
«cast»

== Production ==
Filming took place on location.{{sfn|Smith|1999|p=12}}

== Reception ==
=== Box office ===
''«title»'' grossed $394.4 million worldwide.
=== Critical response ===
The film was praised for its [[cinematography]]. It grossed $10 million in its opening weekend.
{{Rotten Tomatoes prose|92|8.1|61|Warm and clever.}}
=== Accolades ===
{| class="wikitable"
|-
! Award !! Category !! Recipient(s) !! Result
|-
| rowspan="2" | [[Academy Awards]] || Best Director || «first director» || {{won}}
|-
| Best Original Score || A. Composer || {{nom}}
|}

== References ==
{{Reflist}}
[[Category:«year» films]]
"""


def wikitext_of(film: Film) -> str:
    """An article as film articles are written: infobox, lead, sections, references, noise."""
    values = {
        "title": film.title,
        "year": str(film.year),
        "directors": "\n".join(f"* [[{name}]]" for name in film.directors),
        "first director": film.directors[0] if film.directors else "—",
        "cast": "\n".join(f"* [[{name}]]" for name in film.cast),
        "intro": film.intro or f"'''''{film.title}''''' is a {film.year} film.",
        "plot": film.plot.replace("{", "(").replace("}", ")"),
    }
    text = ARTICLE
    for name, value in values.items():
        text = text.replace(f"«{name}»", value)
    return text


def entity_of(film: Film) -> dict[str, Any]:
    """A Wikidata entity in the canonical JSON: claims with ranks, qualifiers and units."""
    directors = [_item("P57", _person(name)) for name in film.directors]
    claims = {
        "P31": [_item("P31", "Q11424")],
        "P577": [_claim("P577", "time", _time(f"{film.year}-06-15", 11))],
        "P4947": [_claim("P4947", "string", str(film.tmdb_id))],
        "P57": directors,
        "P166": [
            _item("P166", "Q103360", date=f"{film.year + 1}-03-25"),
            {**_item("P166", "Q131520"), "rank": "deprecated"},
        ],
        "P1411": [_item("P1411", "Q107258", date=str(film.year + 1))],
        "P2130": [_claim("P2130", "quantity", _dollars(30_000_000))],
        "P2142": [
            _claim("P2142", "quantity", _dollars(394_400_000), date=f"{film.year + 1}-12-31")
        ],
    }
    if film.imdb_id:
        claims["P345"] = [_claim("P345", "string", film.imdb_id)]
    if film.tmdb_id % 2 == 0:
        claims["P9584"] = [_claim("P9584", "string", str(film.tmdb_id))]
    sitelinks = {"enwiki": {"site": "enwiki", "title": film.article}} if film.article else {}
    return {
        "pageid": film.tmdb_id,
        "ns": 0,
        "title": film.qid,
        "lastrevid": 2_000_000_000 + film.tmdb_id,
        "modified": "2026-11-01T00:00:00Z",
        "labels": {"en": {"language": "en", "value": film.title}},
        "claims": claims,
        "sitelinks": sitelinks,
    }


def name_of(qid: str) -> dict[str, Any] | None:
    """The label of an award, a currency or a person; None when there is no such entity."""
    known = {**AWARDS, **CURRENCIES, **{number: name for name, number in _people.items()}}
    if qid not in known:
        return None
    return {"labels": {"en": {"language": "en", "value": known[qid]}}, "lastrevid": 1}


def _person(name: str) -> str:
    return _people.setdefault(name, f"Q{PEOPLE_FROM + len(_people)}")


def _item(property_: str, qid: str, date: str | None = None) -> dict[str, Any]:
    value = {"entity-type": "item", "numeric-id": int(qid[1:]), "id": qid}
    return _claim(property_, "wikibase-entityid", value, date)


def _claim(property_: str, kind: str, value: Any, date: str | None = None) -> dict[str, Any]:
    claim = {
        "mainsnak": {
            "snaktype": "value",
            "property": property_,
            "datavalue": {"value": value, "type": kind},
        },
        "type": "statement",
        "rank": "normal",
        "references": [],
    }
    if date:
        time = _time(date, 11 if len(date) == 10 else 9)
        snak = {
            "snaktype": "value",
            "property": "P585",
            "datavalue": {"value": time, "type": "time"},
        }
        claim |= {"qualifiers": {"P585": [snak]}, "qualifiers-order": ["P585"]}
    return claim


def _time(date: str, precision: int) -> dict[str, Any]:
    day = date if len(date) == 10 else f"{date}-00-00"
    return {
        "time": f"+{day}T00:00:00Z",
        "timezone": 0,
        "before": 0,
        "after": 0,
        "precision": precision,
        "calendarmodel": "http://www.wikidata.org/entity/Q1985727",
    }


def _dollars(amount: int) -> dict[str, str]:
    return {"amount": f"+{amount}", "unit": "http://www.wikidata.org/entity/Q4917"}
