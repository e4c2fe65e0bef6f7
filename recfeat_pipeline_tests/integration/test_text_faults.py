"""Every fault of a source: nothing lost, nothing misattributed, all of it in the summary."""

import math
import signal
import subprocess
import sys
import threading
import time
from datetime import date
from itertools import product
from pathlib import Path

import polars as pl
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.text.collect import collect, scrape_new_item
from recfeat_pipeline.text.http import Pace
from recfeat_pipeline.text.identity.vote import refused
from recfeat_pipeline.text.overrides import Override, with_pins
from recfeat_pipeline.text.sources.tmdb import Tmdb
from recfeat_pipeline_tests.integration.text_world import QUICK, world
from recfeat_pipeline_tests.servers.articles import wikitext_of
from recfeat_pipeline_tests.servers.films import made_up_films
from recfeat_pipeline_tests.servers.tmdb_server import KEY

N = 24  # more than an outage may take, fewer than a batch of fifty
TRANSPORT = ["throttle", "error", "drop", "half", "cut", "wrong", "html", "redirect_loop"]


@pytest.fixture
def w(tmp_path):
    with world(tmp_path, made_up_films(N)) as w:
        yield w


@pytest.fixture
def crowd(tmp_path):
    """Of more films than Wikimedia is asked for at once."""
    with world(tmp_path, made_up_films(60)) as w:
        yield w


def overviews(w):
    return {i: film.overview for i, film in enumerate(w.films, 1)}


def plots(w):
    return {i: film.plot for i, film in enumerate(w.films, 1)}


# -- the transport fails ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", TRANSPORT)
def test_a_burst_of_faults_loses_nothing(w, kind):
    w.tmdb_server.fail(kind, times=8)
    tmdb = w.scrape(w.tmdb)
    w.tmdb_server.heal()
    tmdb += w.scrape(w.tmdb)  # what a burst took three times in a row was left for this run
    assert w.text(w.tmdb, "Overview") == overviews(w)
    assert w.tmdb_server.outcomes[kind] == 8
    assert tmdb.requests == sum(w.tmdb_server.counts.values())


@pytest.mark.parametrize(
    ("route", "kind"),
    [*product(["sparql", "content"], TRANSPORT), ("content", "maxlag")],
)
def test_a_burst_of_faults_loses_nothing_at_wikimedia(w, route, kind):
    w.wikimedia_server.fail(kind, times=2, route=route)
    summary = w.scrape(w.wikipedia)
    assert summary.results == {"ok": N}
    assert w.text(w.wikipedia, "Plot") == plots(w)
    assert w.wikimedia_server.outcomes[kind] == 2
    assert summary.requests == sum(w.wikimedia_server.counts.values())


def test_timeouts_lose_nothing(w):
    w.tmdb_server.hang = 1.5
    w.tmdb_server.fail("timeout", times=2)
    hasty = Tmdb(w.tmdb_server.url, KEY, Pace(rate=1000, workers=8, timeout=1.0, **QUICK))
    w.scrape(hasty)
    assert w.tmdb_server.outcomes["timeout"] == 2
    w.scrape(w.tmdb)
    assert w.text(w.tmdb, "Overview") == overviews(w)


def test_an_item_that_always_fails_is_named_and_asked_again_next_time(w):
    w.tmdb_server.fail("html", math.inf, match=lambda r: r.path == "/3/movie/107")
    summary = w.scrape(w.tmdb)
    assert summary.results == {"ok": N - 1, "failed": 1}
    assert summary.reasons == {"HTTP 200 with HTML": 1}
    assert "1 failed" in str(summary)
    failed = w.status(w.tmdb).filter(pl.col("status") == "failed")
    assert failed["item_id"].to_list() == [8]
    w.tmdb_server.heal()
    assert w.scrape(w.tmdb).due == {"failed": 1}
    assert w.text(w.tmdb, "Overview") == overviews(w)


def test_one_bad_title_in_a_batch_of_fifty_stands_alone(crowd):
    bad = crowd.films[20].article
    crowd.wikimedia_server.fail("error", math.inf, "content", lambda r: bad in r.query["titles"])
    summary = crowd.scrape(crowd.wikipedia)
    assert summary.results == {"ok": len(crowd.films) - 1, "failed": 1}
    assert crowd.text(crowd.wikipedia, "Plot") == {i: p for i, p in plots(crowd).items() if i != 21}
    crowd.wikimedia_server.heal()
    assert crowd.scrape(crowd.wikipedia).due == {"failed": 1}
    assert crowd.text(crowd.wikipedia, "Plot") == plots(crowd)


@pytest.mark.parametrize("kind", ["error", "drop", "html", "wrong"])
def test_an_outage_stops_the_run_early_and_the_next_one_finishes(w, kind):
    w.tmdb_server.fail(kind, times=math.inf)
    w.wikimedia_server.fail(kind, times=math.inf)
    for source in w.sources:
        summary = w.scrape(source)
        assert "in a row" in summary.stopped
        assert "stopped early" in str(summary)
        assert summary.requests <= (12 + 8) * 3  # patience and workers, tried three times
        assert not summary.results["ok"]
    w.tmdb_server.heal()
    w.wikimedia_server.heal()
    for source in w.sources:
        w.scrape(source)
    assert w.text(w.tmdb, "Overview") == overviews(w)
    assert w.text(w.wikipedia, "Plot") == plots(w)


def test_a_source_that_nobody_answers_for_is_one_request_and_loses_nothing(w):
    w.scrape(w.tmdb)
    w.tmdb_server.__exit__()
    w.wikimedia_server.__exit__()
    for source in w.sources:
        summary = w.scrape(source, days=100)
        assert "cannot be reached (connection refused)" in summary.stopped
        assert summary.requests <= 8  # workers
        assert not summary.results
        assert source.address in str(source.given_up(summary.stopped))
    assert w.text(w.tmdb, "Overview") == overviews(w)


def test_a_new_item_does_without_a_source_that_is_down(w):
    w.wikimedia_server.__exit__()
    _, collected, summaries = scrape_new_item(9999, 107, w.sources, w.lake)
    assert "Overview" in collected.fields["label"].to_list()
    assert [bool(summary.stopped) for summary in summaries] == [False, True, True]


def test_a_failed_refresh_keeps_the_text(w):
    w.scrape(w.tmdb)
    w.tmdb_server.fail("error", times=math.inf)
    w.tmdb_server.change(107)
    w.tmdb_server.heal()
    w.tmdb.ask_changes(w.items, w.tmdb.store(w.lake))
    w.tmdb_server.fail("error", times=math.inf)
    assert w.scrape(w.tmdb).results == {"failed": 1}
    assert w.text(w.tmdb, "Overview") == overviews(w)


def test_a_server_that_allows_less_than_we_ask_is_obeyed(w):
    w.tmdb_server.limit, w.tmdb_server.retry_after = 10, "1"
    summary = w.scrape(w.tmdb)
    assert summary.results == {"ok": N}
    assert summary.traffic.cool_downs >= 1
    assert summary.traffic.retries == 0


def test_a_batch_larger_than_the_answer_may_be_is_continued(crowd):
    crowd.wikimedia_server.max_result_bytes = 20_000
    summary = crowd.scrape(crowd.wikipedia)
    assert summary.traffic.requests["content"] > len(crowd.films) / 50
    assert crowd.text(crowd.wikipedia, "Plot") == plots(crowd)


def test_an_unread_change_feed_is_read_next_time(w):
    w.scrape(w.tmdb)
    store = w.tmdb.store(w.lake)
    w.tmdb_server.change(107, overview="New.")
    w.tmdb_server.fail("error", times=math.inf, route="changes")
    assert "feed could not be read" in w.tmdb.ask_changes(w.items, store).stopped
    w.tmdb_server.heal()
    w.tmdb.ask_changes(w.items, store)
    assert w.scrape(w.tmdb).due == {"changed": 1}


def test_revisions_that_cannot_be_compared_wait_for_the_next_look(w):
    for source in (w.wikipedia, w.wikidata):
        w.scrape(source)
        store = source.store(w.lake)
        film = w.films[7]
        w.wikimedia_server.edit(film.article, wikitext_of(film).replace("travels", "strolls"))
        w.wikimedia_server.edit_entity(film.qid)
        w.wikimedia_server.fail("error", times=math.inf)
        assert source.ask_changes(w.items, store).traffic.requests["revision"]
        assert w.scrape(source).requests == 0
        w.wikimedia_server.heal()
        assert source.ask_changes(w.items, store).due == {"changed": 1}
        assert w.scrape(source).results == {"ok": 1}
    assert "strolls" in w.text(w.wikipedia, "Plot")[8]


@pytest.mark.parametrize("leave_redirect", [True, False])
def test_a_daily_look_notices_a_move(w, leave_redirect):
    w.scrape(w.wikipedia)
    w.wikimedia_server.move("Film Number 7", "Number 7 (film)", leave_redirect)
    w.wikimedia_server.link(w.films[7].qid, "Number 7 (film)")
    assert w.wikipedia.ask_changes(w.items, w.wikipedia.store(w.lake)).due == {"changed": 1}
    assert w.scrape(w.wikipedia).results == {"ok": 1}
    assert w.text(w.wikipedia, "Plot") == plots(w)


def test_a_page_that_is_gone_is_not_looked_for_every_day(w):
    w.scrape(w.wikipedia)
    w.wikimedia_server.delete("Film Number 7")
    store = w.wikipedia.store(w.lake)
    assert w.wikipedia.ask_changes(w.items, store).due == {"changed": 1}
    assert w.scrape(w.wikipedia).results == {"missing": 1}
    assert w.text(w.wikipedia, "Plot") == plots(w)  # until it is missing twice
    assert not w.wikipedia.ask_changes(w.items, store).due["changed"]
    assert w.scrape(w.wikipedia).requests == 0
    assert w.scrape(w.wikipedia, days=1.1).due == {"vanished": 1}
    assert not w.wikipedia.ask_changes(w.items, store).due["changed"]


# -- who we are -------------------------------------------------------------------------------


def test_a_refused_key_is_one_sentence_without_the_key_and_keeps_what_came_before(w):
    w.scrape(w.tmdb)
    refused = Tmdb(w.tmdb_server.url, "wrong-s3cret", Pace(rate=1000, **QUICK))
    with pytest.raises(RecfeatError, match="TMDB_API_KEY") as error:
        w.scrape(refused, days=400)
    assert "s3cret" not in str(error.value)
    assert w.text(w.tmdb, "Overview") == overviews(w)


def test_no_secret_reaches_the_lake_or_the_log(tmp_path, caplog):
    caplog.set_level("DEBUG")
    keys = {"short": "s3cretshort", "long": "s3cret" * 10}
    for name, key in keys.items():
        with world(tmp_path / name, made_up_films(5)) as w:
            w.tmdb_server.keys = {key}
            w.tmdb_server.fail("html", times=1)
            summary = w.scrape(Tmdb(w.tmdb_server.url, key, Pace(rate=1000, **QUICK)))
            assert summary.results == {"ok": 5}
            assert "s3cret" not in str(summary)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(b"s3cret" in path.read_bytes() for path in files)
    assert "s3cret" not in caplog.text


def test_a_client_that_wikimedia_blocks_stops_with_a_sentence(w, monkeypatch):
    monkeypatch.setattr(type(w.wikipedia.wikimedia), "client", anonymous)
    with pytest.raises(RecfeatError, match="RECFEAT_CONTACT"):
        w.scrape(w.wikipedia)
    assert sum(w.wikimedia_server.counts.values()) == 1


def anonymous(wikimedia, base_url):
    from recfeat_pipeline.text.http import PoliteClient

    return PoliteClient(base_url, wikimedia.pace, "python-httpx/0.28.1")


# -- TMDB's records change ----------------------------------------------------------------------


def test_a_tmdb_id_that_is_gone_is_found_again_by_imdb_id(w):
    film = w.tmdb_server.films.pop(107)
    w.tmdb_server.films[9107] = film.changed(tmdb_id=9107)
    summary = w.scrape(w.tmdb)
    assert summary.traffic.requests == {"movie": N + 1, "find": 1}
    found = w.status(w.tmdb).filter(pl.col("item_id") == 8).row(0, named=True)
    assert (found["how_found"], found["url"]) == ("find", "https://www.themoviedb.org/movie/9107")
    assert w.text(w.tmdb, "Overview") == overviews(w)


def test_a_tmdb_id_that_became_another_film_is_not_believed(w):
    film = w.tmdb_server.films[107]
    w.tmdb_server.films[107] = film.changed(imdb_id="tt9999999", title="Other", overview="Other.")
    w.tmdb_server.films[9107] = film.changed(tmdb_id=9107)
    w.scrape(w.tmdb)
    assert w.text(w.tmdb, "Overview") == overviews(w)


def test_another_film_that_nothing_replaces_is_quarantined_and_shown(w):
    w.tmdb_server.films[107] = w.tmdb_server.films[107].changed(
        imdb_id="tt9999999", title="Other", directors=["Someone Else"], overview="Other."
    )
    w.scrape(w.tmdb)
    collected = collect(w.items, [w.tmdb], w.lake)
    (out,) = refused(collected.identity).iter_rows(named=True)
    assert (out["item_id"], out["source"]) == (8, "tmdb")
    assert "IMDb id: tt0005007 here, tt9999999 there" in out["reason"]
    assert "creator: Dana Director7 here, Someone Else there" in out["reason"]
    assert 8 not in collected.fields["item_id"]


def test_an_imdb_id_of_a_series_brings_the_series(w):
    series = w.films[7].changed(kind="tv", reviews=["Slow.", "Rich."])
    w.tmdb_server.films[107] = series
    w.items = w.items.with_columns(tmdb_id=pl.when(pl.col("item_id") != 8).then(pl.col("tmdb_id")))
    assert w.scrape(w.tmdb).results == {"ok": N}
    assert w.text(w.tmdb, "Overview") == overviews(w)
    assert w.text(w.tmdb, "Creator") == {8: "Dana Director7"}
    assert w.text(w.tmdb, "Reviews") == {8: "Slow. Rich."}
    assert w.text(w.tmdb, "Certification")[8] == "TV-14"
    collected = collect(w.items, [w.tmdb], w.lake)
    assert collected.identity["used"].all()
    w.tmdb_server.change(107, overview="Another season.")
    feed = w.tmdb.ask_changes(w.items, w.tmdb.store(w.lake))
    assert (feed.requests, feed.due["changed"]) == (2, 1)
    w.scrape(w.tmdb)
    assert w.text(w.tmdb, "Overview")[8] == "Another season."


def test_an_answer_about_another_film_is_refused(w):
    answer = w.tmdb_server.answer

    def mixed_up(request):
        request.path = request.path.replace("/107", "/108")
        return answer(request)

    w.tmdb_server.answer = mixed_up
    summary = w.scrape(w.tmdb)
    assert summary.reasons == {"TMDB answered with another film than was asked for": 1}
    assert 8 not in w.text(w.tmdb, "Overview")


def test_a_film_that_tmdb_deletes_keeps_its_text_until_it_is_missing_twice(w):
    w.scrape(w.tmdb)
    del w.tmdb_server.films[107]
    w.tmdb_server.changes.append((date.today(), 107))
    w.tmdb.ask_changes(w.items, w.tmdb.store(w.lake))
    summary = w.scrape(w.tmdb)
    assert summary.reasons == {"TMDB no longer has the id": 1}
    assert w.text(w.tmdb, "Overview") == overviews(w)
    assert w.scrape(w.tmdb, days=1.5).due == {"vanished": 1}
    assert 8 not in w.text(w.tmdb, "Overview")
    assert w.scrape(w.tmdb, days=2).requests == 0


def test_a_partial_record_is_used_and_asked_again_a_day_later(w):
    w.tmdb_server.lacking[107] = {"credits", "keywords"}
    summary = w.scrape(w.tmdb)
    assert summary.results == {"ok": N - 1, "partial": 1}
    assert summary.reasons == {"without credits, keywords": 1}
    assert w.text(w.tmdb, "Overview") == overviews(w)
    w.tmdb_server.lacking.clear()
    assert w.scrape(w.tmdb).requests == 0
    assert w.scrape(w.tmdb, days=1).due == {"partial": 1}
    assert w.text(w.tmdb, "Director")[8] == "Dana Director7"


# -- articles change ------------------------------------------------------------------------------


def test_a_text_shorter_than_its_revision_is_partial_until_it_is_whole(w):
    answer = w.wikimedia_server.answer

    def shortened(request):
        response = answer(request)
        if server.route(request) == "content":
            for page in response.body["query"]["pages"]:
                if page["title"] == "Film Number 7":
                    page["revisions"][0]["slots"]["main"]["content"] = "{{Infobox film}} A film."
        return response

    server, w.wikimedia_server.answer = w.wikimedia_server, shortened
    assert w.scrape(w.wikipedia).results == {"ok": N - 1, "partial": 1}
    w.wikimedia_server.answer = answer
    summary = w.scrape(w.wikipedia, days=1)
    assert (summary.due, summary.results) == ({"partial": 1}, {"ok": 1})
    assert w.text(w.wikipedia, "Plot") == plots(w)


def test_a_moved_article_is_followed(w):
    w.scrape(w.wikipedia)
    w.wikimedia_server.move("Film Number 7", "Film Number 7 (1957 film)")
    summary = w.scrape(w.wikipedia, days=31)
    assert summary.results == {"unchanged": N - 1, "ok": 1}
    assert w.text(w.wikipedia, "Plot") == plots(w)
    moved = w.status(w.wikipedia).filter(pl.col("item_id") == 8)
    assert moved["url"][0].endswith("/Film_Number_7_(1957_film)")


def test_an_article_moved_without_a_redirect_is_found_by_its_new_link_or_by_search(w):
    w.wikimedia_server.move("Film Number 7", "Film Number 7 (1957 film)", leave_redirect=False)
    w.wikimedia_server.link(w.films[7].qid, "Film Number 7 (1957 film)")
    w.wikimedia_server.move("Film Number 8", "Film Number 8 (film)", leave_redirect=False)
    summary = w.scrape(w.wikipedia)
    assert summary.results == {"ok": N}
    assert summary.traffic.requests["search"] == 1
    how = dict(w.status(w.wikipedia).select("item_id", "how_found").iter_rows())
    assert (how[8], how[9]) == ("imdb_id", "search")
    assert w.text(w.wikipedia, "Plot") == plots(w)


def test_a_deleted_article_keeps_its_text_until_it_is_missing_twice(w):
    w.scrape(w.wikipedia)
    w.wikimedia_server.delete("Film Number 7")
    summary = w.scrape(w.wikipedia, days=31)
    assert summary.reasons == {"the article does not exist; no search result is confirmed": 1}
    assert w.text(w.wikipedia, "Plot") == plots(w)
    w.scrape(w.wikipedia, days=33)
    assert 8 not in w.text(w.wikipedia, "Plot")


@pytest.mark.parametrize(
    ("target", "section", "status", "reason"),
    [
        ("List of films", "Number 7", "missing", "the title leads into another article's section"),
        ("Number 7 (disambiguation)", None, "missing", "the title is a disambiguation page"),
        ("Film Number 7", None, "failed", "the answer leaves the title out"),  # a loop
    ],
)
def test_a_title_that_leads_elsewhere_is_not_the_film(w, target, section, status, reason):
    server = w.wikimedia_server
    server.delete("Film Number 7")
    server.edit("List of films", "== Number 7 ==\nA film among many.")
    server.edit("Number 7 (disambiguation)", "'''Number 7''' may be:\n{{disambiguation}}")
    server.redirects["Film Number 7"] = (target, section)
    summary = w.scrape(w.wikipedia)
    assert summary.results == {"ok": N - 1, status: 1}
    assert reason in next(iter(summary.reasons))


def test_a_search_result_of_another_year_is_not_taken(w):
    server = w.wikimedia_server
    server.link(w.films[7].qid, None)
    remake = w.films[7].changed(year=1999, directors=["Someone Else"], plot="Another story.")
    server.edit("Film Number 7", wikitext_of(remake))
    summary = w.scrape(w.wikipedia)
    assert summary.results == {"ok": N - 1, "missing": 1}
    server.edit("Film Number 7 (1957 film)", wikitext_of(w.films[7]))
    assert w.scrape(w.wikipedia, days=31).results["ok"] == 1
    assert w.text(w.wikipedia, "Plot") == plots(w)


def test_an_item_with_a_title_alone_is_searched_for(w):
    w.items = w.items.with_columns(
        imdb_id=pl.lit(None, pl.String), tmdb_id=pl.lit(None, pl.Int64)
    ).head(3)
    assert w.scrape(w.tmdb).without_id == 3
    assert w.scrape(w.wikipedia).traffic.requests == {"search": 3}
    assert w.text(w.wikipedia, "Plot") == {i: plots(w)[i] for i in (1, 2, 3)}


def test_an_imdb_id_that_wikidata_gives_to_another_film_is_quarantined(w):
    w.wikimedia_server.remap(w.films[7].imdb_id, w.films[9].qid)
    w.scrape(w.wikipedia)
    collected = collect(w.items, [w.wikipedia], w.lake)
    out = refused(collected.identity)
    assert out["item_id"].to_list() == [8]
    assert "creator: Dana Director7 here, Dana Director9 there" in out["reason"][0]
    plot = collected.fields.filter(pl.col("label") == "Plot")
    assert dict(plot.select("item_id", "text").iter_rows()) == {
        i: p for i, p in plots(w).items() if i != 8
    }


def test_a_page_that_the_user_pins_is_taken_and_one_that_is_not_it_is_left_out(w):
    w.wikimedia_server.edit("Quite another name", wikitext_of(w.films[9]))
    w.items = with_pins(
        w.items,
        {"8": Override("8", pages={"wikipedia": "Quite another name", "tmdb": "108"})},
    )
    assert w.scrape(w.wikipedia).results["ok"] == N
    w.scrape(w.tmdb)
    url = "https://www.themoviedb.org/movie/102"
    collected = collect(w.items, [w.wikipedia, w.tmdb], w.lake, {(3, url): "said"})
    texts = {(i, label): text for i, _, label, _, text in collected.fields.iter_rows()}
    assert texts[8, "Plot"] == w.films[9].plot
    assert texts[8, "Overview"] == w.films[8].overview
    assert refused(collected.identity).select("item_id", "source", "reason").rows() == [
        (3, "tmdb", "said")
    ]


def test_a_pinned_page_that_does_not_exist_is_missing_and_not_searched_for(w):
    pages = {"wikipedia": "No such page", "wikidata": "No entity"}
    w.items = with_pins(w.items, {"8": Override("8", pages=pages)})
    summary = w.scrape(w.wikipedia)
    assert summary.results == {"ok": N - 1, "missing": 1}
    assert "search" not in summary.traffic.requests
    summary = w.scrape(w.wikidata)
    assert summary.reasons == {"the pinned page 'No entity' is no entity; write Q171048": 1}


def test_a_remapped_id_is_noticed_when_the_article_expires(w):
    w.wikimedia_server.remap(w.films[7].imdb_id, w.films[9].qid)
    w.scrape(w.wikipedia)
    w.wikimedia_server.remap(w.films[7].imdb_id, w.films[7].qid)
    w.scrape(w.wikipedia, days=31)
    assert w.text(w.wikipedia, "Plot") == plots(w)
    assert refused(collect(w.items, [w.wikipedia], w.lake).identity).is_empty()


def test_a_merged_entity_is_followed_and_a_deleted_one_is_missing(w):
    server = w.wikimedia_server
    server.entities["Q77"] = server.entities.pop(w.films[7].qid)
    server.merged[w.films[7].qid] = "Q77"
    del server.entities[w.films[8].qid]
    summary = w.scrape(w.wikidata)
    assert summary.results == {"ok": N - 1, "missing": 1}
    assert summary.reasons == {"the entity was deleted": 1}
    assert 8 in w.text(w.wikidata, "Awards")


def test_names_that_cannot_be_had_leave_entities_partial(w):
    w.wikimedia_server.fail("error", math.inf, "names")
    summary = w.scrape(w.wikidata)
    assert summary.results["ok"] == 0
    w.wikimedia_server.heal()
    w.scrape(w.wikidata, days=1.1)
    assert len(w.text(w.wikidata, "Awards")) == N


# -- the process dies -----------------------------------------------------------------------------

SCRAPER = """
import sys
import polars as pl
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.text import raw
from recfeat_pipeline.text.http import Pace
from recfeat_pipeline.text.sources.tmdb import Tmdb
raw.FLUSH_ROWS = 10
tmdb = Tmdb(sys.argv[1], "loopback", Pace(rate=200, workers=4))
print(tmdb.scrape(pl.read_parquet(sys.argv[3]), tmdb.store(Lake(sys.argv[2]))))
"""


def test_a_killed_scrape_resumes_where_its_rows_ended(crowd, tmp_path):
    items = tmp_path / "items.parquet"
    crowd.items.write_parquet(items)
    crowd.tmdb_server.latency = 0.02
    command = [sys.executable, "-c", SCRAPER, crowd.tmdb_server.url, crowd.lake.root, str(items)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + 30
    while crowd.tmdb_server.counts["movie"] < 35 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    stored = crowd.status(crowd.tmdb).height
    assert 10 <= stored < len(crowd.films)  # whole segments only
    asked = crowd.tmdb_server.counts["movie"]
    assert asked - stored <= 10 + 4 + 1  # what was not flushed, and what was under way
    assert sum(crowd.scrape(crowd.tmdb).due.values()) == len(crowd.films) - stored
    assert crowd.text(crowd.tmdb, "Overview") == overviews(crowd)


def test_two_scrapes_at_once_ask_once(w):
    threads = [threading.Thread(target=w.scrape, args=(w.tmdb,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert w.tmdb_server.counts["movie"] == N
