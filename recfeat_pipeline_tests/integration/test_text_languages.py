"""Texts in another language, and what stands in for them field by field, on the loopback."""

import pytest

from recfeat_pipeline.text.collect import collect
from recfeat_pipeline.text.documents import build_documents
from recfeat_pipeline.text.mediawiki import Wikimedia
from recfeat_pipeline.text.sources.english_wikipedia import EnglishWikipedia
from recfeat_pipeline.text.sources.tmdb import Tmdb
from recfeat_pipeline.text.sources.wikipedia import Wikipedia
from recfeat_pipeline_tests.integration.text_world import world
from recfeat_pipeline_tests.servers.films import made_up_films

GERMAN = """{{Infobox Film
| Deutscher Titel = Film Nummer «i»
| Originaltitel = Film Number «i»
| Erscheinungsjahr = «year»
| Regie = Dana Director«i»
}}
'''Film Nummer «i»''' ist ein Film.
== Handlung ==
Der Held «i» wacht auf und reist weit.
== Kritik ==
Der Film wurde gelobt. Er spielte weltweit 300 Millionen Dollar ein.
=== Einspielergebnis ===
300 Millionen Dollar.
"""


@pytest.fixture(scope="module")
def w(tmp_path_factory):
    """Film 1 is German everywhere, film 2 has a German article without Kritik, film 3 nothing."""
    films = made_up_films(3)
    films[0] = films[0].changed(translations={"de": "In Film 0 will jemand etwas."})
    with world(tmp_path_factory.mktemp("lake"), films) as w:
        server = w.wikimedia_server
        for i in (0, 1):
            text = GERMAN.replace("«i»", str(i)).replace("«year»", str(films[i].year))
            text = text if i == 0 else text.partition("== Kritik")[0]
            server.link(films[i].qid, f"Film Nummer {i}", "de")
            server.edit(f"de:Film Nummer {i}", text)
        at = w.wikipedia.wikimedia
        german = Wikimedia(
            server.url + "/{language}", at.wikidata_url, at.sparql_url, "tests", at.pace
        )
        w.asked = [
            Tmdb(w.tmdb_server.url, "loopback", w.tmdb.pace, language="de"),
            Wikipedia(german, "de"),
            EnglishWikipedia(at, "en"),
        ]
        for source in w.asked:
            w.scrape(source)
        w.collected = collect(w.items, w.asked, w.lake)
        yield w


def fed(w, label: str) -> list[tuple[str, str]]:
    """(source, text) of a label by film, as documents have it."""
    names = [source.name for source in w.asked]
    documents = build_documents(w.items, w.collected.fields, names)
    return [
        next((f["source"], f["text"]) for f in fields if f["label"] == label)
        for fields in documents["fields"]
    ]


def test_each_field_is_in_the_language_where_there_is_such_a_text_else_in_english(w):
    assert fed(w, "Plot") == [
        ("wikipedia", "Der Held 0 wacht auf und reist weit."),
        ("wikipedia", "Der Held 1 wacht auf und reist weit."),
        ("english_wikipedia", w.films[2].plot),
    ]
    reception = fed(w, "Reception")
    assert reception[0] == ("wikipedia", "Der Film wurde gelobt."), "no box office in German either"
    assert [source for source, _ in reception[1:]] == ["english_wikipedia"] * 2
    assert fed(w, "Overview")[0] == ("tmdb", "In Film 0 will jemand etwas.")
    assert fed(w, "Overview")[1] == ("tmdb", w.films[1].overview)


def test_the_language_of_each_field_is_kept(w):
    told = {
        (row["item_id"], row["source"], row["label"]): row["language"]
        for row in w.collected.languages.iter_rows(named=True)
    }
    assert told[1, "wikipedia", "Plot"] == "de"
    assert told[3, "english_wikipedia", "Plot"] == "en"
    assert (told[1, "tmdb", "Overview"], told[2, "tmdb", "Overview"]) == ("de", "en")


def test_a_german_page_is_recognised_by_its_infobox(w):
    page = w.collected.identity.filter(item_id=1, source="wikipedia").row(0, named=True)
    assert page["used"]
    assert (page["years"], page["creators"]) == ([w.films[0].year], ["Dana Director0"])
    assert page["url"] == "https://de.wikipedia.org/wiki/Film_Nummer_0"


def test_a_second_run_sends_nothing_and_an_edit_is_followed(w):
    german = w.asked[1]
    assert w.scrape(german).requests == 0
    w.wikimedia_server.edit("de:Film Nummer 0", "== Handlung ==\nAlles ist anders.")
    assert german.ask_changes(w.items, german.store(w.lake)).due == {"changed": 1}


def test_answers_in_one_language_do_not_hold_for_another(w):
    assert w.asked[1].keyed(w.items)["key"][0] != w.asked[2].keyed(w.items)["key"][0]
