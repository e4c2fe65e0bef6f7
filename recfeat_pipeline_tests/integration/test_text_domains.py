"""Books, music and pages on loopback servers that speak the real protocols, errors included."""

import math

import httpx
import polars as pl
import pytest

from recfeat_pipeline.catalog.files import read_files
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.collect import collect, with_creators, with_ids
from recfeat_pipeline.text.http import Pace, user_agent
from recfeat_pipeline.text.source import Source
from recfeat_pipeline.text.sources import sources
from recfeat_pipeline.text.sources.musicbrainz import MusicBrainz
from recfeat_pipeline.text.sources.openlibrary import OpenLibrary
from recfeat_pipeline.text.sources.page import Page
from recfeat_pipeline_tests.integration.cli_world import run
from recfeat_pipeline_tests.integration.text_world import QUICK
from recfeat_pipeline_tests.servers.loopback import Response
from recfeat_pipeline_tests.servers.musicbrainz_server import MusicBrainzServer, made_up_albums
from recfeat_pipeline_tests.servers.openlibrary_server import OpenLibraryServer, made_up_books
from recfeat_pipeline_tests.servers.page_server import PageServer

PACE = Pace(rate=1000, workers=2, timeout=5, **QUICK)
TOML = """
name = "tiny"
[items]
path = "items.csv"
id = "id"
title = "title"
[items.document]
Author = "who"
[items.ids]
«ids»
[interactions]
path = "events.csv"
user = "user"
item = "item"
"""


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path / "lake")
    lake.remember(n_shards=2)
    return lake


def catalogue(folder, rows: list[dict], ids: str) -> pl.DataFrame:
    """Items as sources take them, from a catalogue file that names their ids."""
    pl.DataFrame(rows).with_row_index("id", 1).write_csv(folder / "items.csv")
    pl.DataFrame({"user": ["u"] * len(rows), "item": range(1, len(rows) + 1)}).write_csv(
        folder / "events.csv"
    )
    (folder / "tiny.toml").write_text(TOML.replace("«ids»", ids))
    read = read_files(folder / "tiny.toml")
    return with_ids(with_creators(read.items, read.fields), read.ids)


def statuses(source: Source, items: pl.DataFrame, lake: Lake) -> dict[int, tuple[str, str | None]]:
    rows = source.store(lake).status(source.keyed(items))
    return {row["item_id"]: (row["status"], row["reason"]) for row in rows.iter_rows(named=True)}


def texts(source: Source, items: pl.DataFrame, lake: Lake, label: str) -> dict[int, str]:
    rows = collect(items, [source], lake).fields.filter(pl.col("label") == label)
    return dict(rows.select("item_id", "text").iter_rows())


# -- books ----------------------------------------------------------------------------------------


@pytest.fixture
def library():
    with OpenLibraryServer(made_up_books(6)) as server:
        server.retry_after = "0"
        yield server


def books(server: OpenLibraryServer) -> OpenLibrary:
    return OpenLibrary(server.url, "tests", PACE)


def book_rows(server: OpenLibraryServer) -> list[dict]:
    """By ISBN-13; by an ISBN-10 whose zeros a spreadsheet ate; by author; shifted; of nobody."""
    rows = [{"title": b.title, "who": b.author, "isbn": b.isbns[0]} for b in server.books[:5]]
    rows[1]["isbn"] = server.books[1].isbns[1].lstrip("0").rjust(8, "0")
    rows[2]["isbn"] = None
    rows[3]["isbn"] = server.books[5].isbns[0]  # another book's
    rows[4] |= {"isbn": None, "title": "A Book That Is Nowhere"}
    return rows


def test_books_are_found_by_isbn_or_by_title_and_author(tmp_path, lake, library):
    items = catalogue(tmp_path, book_rows(library), 'isbn = "isbn"\nauthor = "who"')
    source = books(library)
    source.scrape(items, source.store(lake))
    assert texts(source, items, lake, "Description") == {
        1: library.books[0].description,
        2: library.books[1].description,
        3: library.books[2].description,
    }
    assert texts(source, items, lake, "Subjects")[1] == "Fiction, Number 0"
    assert texts(source, items, lake, "Author")[1] == "Ada Author0"
    vote = collect(items, [source], lake).identity
    assert vote.filter(item_id=4)["used"].to_list() == [False], "another book's ISBN"
    assert statuses(source, items, lake)[5][0] == "missing"
    assert source.scrape(items, source.store(lake)).requests == 0


def test_books_without_ids_are_not_asked_for(tmp_path, lake, library):
    items = catalogue(tmp_path, [{"title": "Alien", "who": "R. S.", "x": "1"}], 'other = "x"')
    summary = books(library).scrape(items, books(library).store(lake))
    assert (summary.requests, summary.without_id) == (0, 1)


def test_merged_and_deleted_works(tmp_path, lake, library):
    library.merged[library.books[0].work] = library.books[1].work
    library.deleted.add(library.books[2].work)
    rows = [{"title": b.title, "who": b.author, "isbn": b.isbns[0]} for b in library.books[:3]]
    rows[0]["title"] = library.books[1].title
    items = catalogue(tmp_path, rows, 'isbn = "isbn"')
    source = books(library)
    source.scrape(items, source.store(lake))
    assert texts(source, items, lake, "Description")[1] == library.books[1].description
    assert statuses(source, items, lake)[3] == ("missing", "OpenLibrary no longer has the work")


def test_a_work_is_pinned_by_its_id_or_its_address(tmp_path, lake, library):
    work = library.books[1].work
    pins = [f"https://openlibrary.org{work}/The_Book", work.rpartition("/")[2].lower(), "The Book"]
    rows = [{"title": "X", "who": "Y", "isbn": None} for _ in pins]
    items = catalogue(tmp_path, rows, 'isbn = "isbn"').with_columns(
        pinned_openlibrary=pl.Series(pins)
    )
    source = books(library)
    source.scrape(items, source.store(lake))
    assert texts(source, items, lake, "Author") == dict.fromkeys([1, 2], library.books[1].author)
    assert "write OL45804W" in statuses(source, items, lake)[3][1]


@pytest.mark.parametrize("fault", ["throttle", "error", "html", "drop", "wrong", "half"])
def test_a_fault_that_passes_costs_no_book(tmp_path, lake, library, fault):
    items = catalogue(tmp_path, book_rows(library)[:1], 'isbn = "isbn"')
    library.fail(fault, times=1, route="works")
    source = books(library)
    summary = source.scrape(items, source.store(lake))
    if (
        fault == "wrong"
    ):  # JSON of another shape is a work without text, asked again when it expires
        return
    assert summary.results == {"ok": 1}


def test_a_library_that_is_down_costs_few_requests_and_is_one_sentence(tmp_path, lake, library):
    items = catalogue(tmp_path, book_rows(library), 'isbn = "isbn"\nauthor = "who"')
    library.fail("html", times=math.inf)
    source = books(library)
    summary = source.scrape(items, source.store(lake))
    assert set(summary.results) <= {"failed"}
    assert not texts(source, items, lake, "Description")
    library.heal()
    assert source.scrape(items, source.store(lake)).results["ok"] == 4


def test_a_catalogue_of_books_gets_their_texts_through_the_command(
    tmp_path, library, capsys, monkeypatch
):
    found = made_up_books(12)
    library.books = found
    rows = [{"title": b.title, "who": b.author, "isbn": b.isbns[0]} for b in found]
    catalogue(tmp_path, rows, 'isbn = "isbn"')
    events = [(f"u{user}", 1 + (user + i) % 12) for user in range(12) for i in range(6)]
    pl.DataFrame(events, schema=["user", "item"], orient="row").write_csv(tmp_path / "events.csv")
    with (tmp_path / "tiny.toml").open("a") as file:
        file.write("[corpus]\nmore_than_item_interactions = 0\nmin_user_interactions = 2\n")
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("RECFEAT_OPENLIBRARY_BASE_URL", library.url)
    ran = run(capsys, "run", "--catalog", tmp_path / "tiny.toml", "--until", "text")
    assert ran.code == 0, ran.err
    why = run(capsys, "text", "why", "1", "--json").json
    assert {f["label"]: f["source"] for f in why["fed"]}["Description"] == "openlibrary"
    [page] = why["offered"]
    assert (page["used"], page["found_by"]) == (True, "isbn")
    doctor = {finding["what"]: finding for finding in run(capsys, "doctor", "--json").json}
    assert doctor["text: openlibrary"]["state"] == "ok"
    assert "set RECFEAT_CONTACT" in doctor["text: musicbrainz"]["advice"]


# -- music ----------------------------------------------------------------------------------------


@pytest.fixture
def music():
    with MusicBrainzServer(made_up_albums(12)) as server:
        server.retry_after = "0"
        yield server


def test_albums_are_found_by_id_or_by_title_and_artist(tmp_path, lake, music):
    albums = music.albums
    rows = [{"title": a.title, "who": a.artist, "mbid": a.mbid} for a in albums[:6]]
    rows[1] |= {"mbid": None, "title": "songs of number 1!", "who": "The Numbers 1"}
    rows[2]["mbid"] = albums[11].mbid  # another album's
    rows[3]["mbid"] = "no id"
    rows[4] |= {"mbid": "f" * 8 + "-0000-4000-8000-" + "f" * 12}  # unknown, then found by title
    music.merged[albums[5].mbid] = albums[6].mbid
    rows[5]["title"] = albums[6].title
    rows[5]["who"] = albums[6].artist
    items = catalogue(tmp_path, rows, 'musicbrainz = "mbid"\nartist = "who"')
    source = MusicBrainz(music.url, "tests", PACE)
    source.scrape(items, source.store(lake))
    about = texts(source, items, lake, "About")
    assert {i: about.get(i) for i in range(1, 7)} == {
        1: albums[0].annotation,
        2: albums[1].annotation,
        3: None,
        4: albums[3].annotation,
        5: albums[4].annotation,
        6: albums[6].annotation,
    }
    assert texts(source, items, lake, "Tags")[1] == "number 0", "genres are not said twice"
    assert texts(source, items, lake, "Year")[1] == "1960"


def test_musicbrainz_answers_what_doctor_asks(music):
    asked = MusicBrainz(music.url, "tests", PACE).question()
    answer = httpx.get(asked.url, params=asked.query, headers={"User-Agent": user_agent("me")})
    assert (answer.status_code, list(answer.json())[-1]) == (200, "release-groups")


def test_musicbrainz_says_503_when_it_is_asked_too_fast(tmp_path, lake, music):
    rows = [{"title": a.title, "who": a.artist, "mbid": a.mbid} for a in music.albums[:3]]
    items = catalogue(tmp_path, rows, 'musicbrainz = "mbid"')
    music.fail("throttle", times=2)
    source = MusicBrainz(music.url, "tests", PACE)
    summary = source.scrape(items, source.store(lake))
    assert summary.results == {"ok": 3}
    assert summary.traffic.cool_downs >= 1


# -- pages ----------------------------------------------------------------------------------------


@pytest.fixture
def shop():
    with PageServer() as server:
        server.retry_after = "0"
        yield server


def pages(shop: PageServer, paths: list[str], folder) -> pl.DataFrame:
    rows = [
        {"title": f"Lamp {path.rpartition('/')[2]}", "who": "", "url": shop.url + path}
        for path in paths
    ]
    return catalogue(folder, rows, 'page = "url"')


def test_a_page_gives_its_data_and_its_prose(tmp_path, lake, shop):
    items = pages(shop, ["/product/1", "/moved/2"], tmp_path)
    source = Page("tests", PACE)
    source.scrape(items, source.store(lake))
    assert texts(source, items, lake, "Page")[1] == (
        "It is made for number 1 & lasts. Ten people a day buy it and some come back for another."
    )
    assert texts(source, items, lake, "Description") == {
        1: "A lamp of the number 1.",
        2: "A lamp of the number 2.",
    }
    assert texts(source, items, lake, "Brand")[1] == "Lumen"
    fields = collect(items, [source], lake).fields["text"].str.join(" ")[0]
    assert "4.9" not in fields
    assert "19.99" not in fields
    assert shop.counts["robots"] == 1


def test_robots_txt_is_heeded(tmp_path, lake, shop):
    items = pages(shop, ["/product/1", "/private/2"], tmp_path)
    source = Page("tests", PACE)
    source.scrape(items, source.store(lake))
    assert statuses(source, items, lake)[2] == (
        "missing",
        "the site's robots.txt does not allow it",
    )
    assert shop.counts == {"robots": 1, "page": 1}


@pytest.mark.parametrize(
    ("robots", "read"),
    [
        (Response("gone", 404), True),
        (Response("forbidden", 403), True),
        (Response("trouble", 500), False),
        (
            Response("User-agent: recfeat_pipeline\nDisallow: /\n\nUser-agent: *\nAllow: /", 200),
            False,
        ),
        (Response("User-agent: *\nCrawl-delay: 3600\n", 200), False),
    ],
)
def test_what_robots_txt_may_say(tmp_path, lake, shop, robots, read):
    shop.robots = robots
    items = pages(shop, ["/product/1"], tmp_path)
    source = Page("tests", PACE)
    source.scrape(items, source.store(lake))
    assert (shop.counts["page"] == 1) is read


def test_one_page_that_is_gone_or_leads_away_stops_no_other(tmp_path, lake, shop):
    paths = ["/nowhere/1", "/away", *(f"/product/{i}" for i in range(3))]
    items = pages(shop, paths, tmp_path)
    dead = pl.lit("http://127.0.0.1:9/product/7")
    items = items.with_columns(
        id_page=pl.when(pl.col("item_id") == 5).then(dead).otherwise("id_page")
    )
    source = Page("tests", PACE)
    summary = source.scrape(items, source.store(lake))
    found = statuses(source, items, lake)
    assert found[1] == ("missing", "the page answers HTTP 404")
    assert (found[2][0], found[5][0]) == ("failed", "failed")  # asked again on the next run
    assert (found[3][0], found[4][0]) == ("ok", "ok")
    assert summary.stopped is None


def test_sources_of_other_domains_want_a_contact_or_a_server_of_their_own():
    def names(**settings):
        return {source.name for source in sources(Settings(**settings))}

    assert {"openlibrary", "musicbrainz", "page"} <= names(contact="me@example.org")
    assert names(openlibrary_base_url="http://127.0.0.1:1") == {"openlibrary"}
    assert names(musicbrainz_base_url="http://127.0.0.1:1") == {"musicbrainz"}
