"""A first load from dumps: what they hold is not asked for, and what changed since is followed."""

import bz2
import gzip
import json
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.text.collect import collect
from recfeat_pipeline.text.dumps import load, pages
from recfeat_pipeline_tests.integration.text_world import World, world
from recfeat_pipeline_tests.servers.articles import name_of
from recfeat_pipeline_tests.servers.films import made_up_films

N = 8
XML = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">
  <siteinfo><sitename>Wikipedia</sitename></siteinfo>
«pages»</mediawiki>
"""
PAGE = """  <page>
    <title>«title»</title><ns>«ns»</ns><id>«id»</id>
    <revision><id>«revid»</id><timestamp>2026-11-01T00:00:00Z</timestamp>
      <contributor><username>Somebody</username><id>7</id></contributor>
      <model>wikitext</model><format>text/x-wiki</format>
      <text xml:space="preserve">«text»</text></revision>
  </page>
"""


@pytest.fixture(scope="module")
def w(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dumps")
    with world(folder / "lake", made_up_films(N)) as w:
        w.dumps = write_dumps(folder, w)
        yield w


def write_dumps(folder: Path, w: World) -> tuple[Path, Path]:
    """Wikidata's without the last film; Wikipedia's with a talk page of the first one's name."""
    server = w.wikimedia_server
    entities = [server.entities[film.qid] for film in w.films[:-1]]
    names = {qid: name_of(qid) for qid in _mentioned(entities)}
    lines = [
        {"type": "item", "id": film.qid, **entity}
        for film, entity in zip(w.films, entities, strict=False)
    ]
    lines += [{"type": "item", "id": qid, **entity} for qid, entity in names.items() if entity]
    wikidata = folder / "latest-all.json.gz"
    with gzip.open(wikidata, "wt", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(map(json.dumps, lines)) + "\n]\n")
    told = [(title, "0", text) for title, text in server.articles.items()]
    told.insert(0, (w.films[0].article, "1", "Talk."))
    parts = []
    for number, (title, ns, text) in enumerate(told):
        part = PAGE.replace("«title»", escape(title)).replace("«ns»", ns)
        part = part.replace("«id»", str(number + 1)).replace("«text»", escape(text))
        parts.append(part.replace("«revid»", str(server.revisions[title])))
    wikipedia = folder / "pages-articles.xml.bz2"
    wikipedia.write_bytes(bz2.compress(XML.replace("«pages»", "".join(parts)).encode()))
    return wikidata, wikipedia


def _mentioned(entities: list[dict]) -> set[str]:
    from recfeat_pipeline.text.sources.wikidata import mentioned

    return {qid for entity in entities for qid in mentioned(entity)}


def test_what_the_dumps_hold_is_not_asked_for(w):
    loaded = load(w.items, w.lake, *w.dumps, (w.wikidata, w.wikipedia))
    assert (loaded.asked, loaded.entities, loaded.articles) == (N, N - 1, N - 1)
    assert w.text(w.wikipedia, "Plot") == {i: f.plot for i, f in enumerate(w.films[:-1], 1)}
    assert len(w.text(w.wikidata, "Awards")) == N - 1
    assert collect(w.items, [w.wikipedia, w.wikidata], w.lake).identity["used"].all()
    for source in (w.wikidata, w.wikipedia):
        summary = w.scrape(source)
        assert summary.due == {"new": 1}, "the film that is in no dump"
        assert not w.scrape(source).due
        assert not source.ask_changes(w.items, source.store(w.lake)).due["changed"]


def test_what_changed_since_the_dump_is_followed(w):
    w.wikimedia_server.edit(w.films[2].article, "== Plot ==\nQuite another story.")
    w.wikipedia.ask_changes(w.items, w.wikipedia.store(w.lake))
    w.scrape(w.wikipedia)
    assert w.text(w.wikipedia, "Plot")[3] == "Quite another story."


def test_loading_again_changes_nothing(w):
    assert load(w.items, w.lake, *w.dumps, (w.wikidata, w.wikipedia)).asked == 0


@pytest.mark.parametrize("content", [b"<html>not a dump", b"", bz2.compress(XML.encode())[:-9]])
def test_a_file_that_is_no_whole_dump_is_one_sentence(tmp_path, content):
    path = tmp_path / ("broken.xml.bz2" if content[:2] == b"BZ" else "broken.xml")
    path.write_bytes(content)
    with pytest.raises(RecfeatError, match="is not a whole dump of Wikipedia's articles"):
        list(pages(path, {"A"}))
