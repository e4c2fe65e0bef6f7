import json

import polars as pl
import pytest

from recfeat_pipeline.text.mediawiki import Wikimedia
from recfeat_pipeline.text.sources.wikidata import FACTS, Wikidata
from recfeat_pipeline_tests.servers.articles import entity_of
from recfeat_pipeline_tests.servers.films import Film

FILM = Film(862, "tt0114709", "Toy Story", 1995, directors=["John Lasseter"])
NAMES = {
    "Q103360": "Academy Award for Best Director",
    "Q107258": "Academy Award for Best Original Score",
    "Q4917": "United States dollar",
}


def raw(entity: object, names: dict[str, str] = NAMES) -> pl.DataFrame:
    body = json.dumps({"entity": entity, "names": names})
    return pl.DataFrame({"item_id": [1], "url": ["u"], "body": [body]})


@pytest.fixture
def wikidata():
    return Wikidata(Wikimedia())


def test_facts_keep_dates_units_and_box_office(wikidata):
    facts = wikidata.facts(raw(entity_of(FILM)))
    assert facts.schema == pl.Schema(FACTS)
    assert facts.drop("item_id").rows() == [
        ("award", "Academy Award for Best Director", None, "1996-03-25"),
        ("nomination", "Academy Award for Best Original Score", None, "1996"),
        ("criterion", "862", None, None),
        ("cost", "30000000", "United States dollar", None),
        ("box_office", "394400000", "United States dollar", "1996-12-31"),
    ]


def test_fields_leave_box_office_out(wikidata):
    fields = wikidata.fields(raw(entity_of(FILM)))
    assert fields.select("label", "text").rows() == [
        ("Awards", "Academy Award for Best Director (1996)"),
        ("Nominations", "Academy Award for Best Original Score (1996)"),
        ("Collection", "Criterion Collection"),
        ("Budget", "30,000,000 United States dollar"),
    ]
    assert not fields["text"].str.contains("394").any()


def test_evidence(wikidata):
    entity = entity_of(FILM)
    director = entity["claims"]["P57"][0]["mainsnak"]["datavalue"]["value"]["id"]
    evidence = wikidata.evidence(raw(entity, {**NAMES, director: "John Lasseter"}))
    row = evidence.row(0, named=True)
    assert (row["title"], row["years"], row["creators"]) == (
        "Toy Story",
        [1995],
        ["John Lasseter"],
    )
    assert row["imdb_id"] == "tt0114709"


@pytest.mark.parametrize(
    "entity",
    [
        {"id": "Q1"},
        {"id": "Q1", "claims": [], "labels": []},  # how an empty map is written in PHP's JSON
        {"id": "Q1", "claims": {"P166": [{"mainsnak": {"snaktype": "somevalue"}}]}},
        {"id": "Q1", "claims": {"P2130": [{"mainsnak": {"snaktype": "value", "datavalue": {
            "value": {"amount": "+1.5", "unit": "1"}, "type": "quantity"}}}]}},
    ],
)  # fmt: skip
def test_sparse_entities_are_read(wikidata, entity):
    assert wikidata.facts(raw(entity, {})).height <= 1
    assert wikidata.fields(raw(entity, {})).height <= 1
    assert wikidata.evidence(raw(entity, {})).height == 1
