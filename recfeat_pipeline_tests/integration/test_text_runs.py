"""First, second and 1 %-changed runs on the loopback: what is asked, what is touched."""

from datetime import UTC, datetime, timedelta

import pytest

from recfeat_pipeline.lake import shard_of
from recfeat_pipeline.text.collect import collect, scrape_new_item
from recfeat_pipeline_tests.integration.text_world import World, world
from recfeat_pipeline_tests.servers.films import made_up_films

N = 400  # films: a 1 % change is four


@pytest.fixture(scope="module")
def scraped(tmp_path_factory):
    """Everything scraped once; tests must leave servers and lake as they found them or add."""
    with world(tmp_path_factory.mktemp("lake"), made_up_films(N)) as w:
        w.first = {source.name: w.scrape(source) for source in w.sources}
        yield w


def segments(w: World, source: str) -> set[str]:
    return set(w.lake.glob(f"raw/{source}/shard=*/*.parquet"))


def test_the_first_run_asks_once_per_film_or_per_batch(scraped):
    assert scraped.first["tmdb"].traffic.requests == {"movie": N}
    assert scraped.first["wikipedia"].traffic.requests == {"sparql": 2, "content": N / 50}
    wikidata = scraped.first["wikidata"].traffic.requests
    assert (wikidata["sparql"], wikidata["entities"]) == (2, N / 50)
    assert wikidata["names"] <= 2 * -(-(N + 3) // 50)  # directors, two awards, the dollar
    for summary in scraped.first.values():
        assert summary.results == {"ok": N}
        assert summary.due == {"new": N}


def test_wikimedia_is_asked_serially_by_a_named_agent(scraped):
    assert scraped.wikimedia_server.most_at_once == 1
    assert scraped.wikimedia_server.user_agents == {"recfeat_pipeline/0.1.0 (tests) httpx"}


def test_a_second_run_sends_nothing(scraped):
    for source in scraped.sources:
        summary = scraped.scrape(source)
        assert summary.requests == 0
        assert not summary.due


def test_every_item_has_its_own_text(scraped):
    assert scraped.text(scraped.tmdb, "Overview") == {
        i: film.overview for i, film in enumerate(scraped.films, 1)
    }
    assert scraped.text(scraped.wikipedia, "Plot") == {
        i: film.plot for i, film in enumerate(scraped.films, 1)
    }
    assert len(scraped.text(scraped.wikidata, "Awards")) == N
    assert collect(scraped.items, scraped.sources, scraped.lake).identity["used"].all()


def test_gross_revenue_is_stored_and_never_fed(scraped):
    fields = collect(scraped.items, scraped.sources, scraped.lake).fields
    assert not fields["text"].str.contains("987.?654|394.4|394,4|gross|10 million").any()
    raw = scraped.tmdb.raw(scraped.items, scraped.tmdb.store(scraped.lake))
    assert raw["body"].str.contains("987654321").all()


def test_one_percent_changed_costs_one_percent_and_touches_its_shards_alone(scraped):
    store = scraped.tmdb.store(scraped.lake)
    before = segments(scraped, "tmdb")
    changed = [7, 70, 170, 270]  # item ids
    for item_id in changed:
        tmdb_id = scraped.films[item_id - 1].tmdb_id
        scraped.tmdb_server.change(tmdb_id, overview=f"Rewritten {item_id}.")
    feed = scraped.tmdb.ask_changes(scraped.items, store)
    summary = scraped.scrape(scraped.tmdb)
    assert (feed.requests, summary.requests) == (1, 4)
    assert summary.due == {"changed": 4}
    touched = {path.split("shard=")[1][:2] for path in segments(scraped, "tmdb") - before}
    assert touched == summary.shards == set(shard_of(changed, scraped.lake.n_shards))
    texts = scraped.text(scraped.tmdb, "Overview")
    assert [texts[i] for i in changed] == [f"Rewritten {i}." for i in changed]
    assert scraped.scrape(scraped.tmdb).requests == 0


def test_the_feed_names_films_that_are_not_ours_and_pages_of_a_hundred(scraped):
    server, store = scraped.tmdb_server, scraped.tmdb.store(scraped.lake)
    today = datetime.now(UTC).date()
    server.changes += [(today, 1_000_000 + i) for i in range(250)]
    feed = scraped.tmdb.ask_changes(scraped.items, store)
    assert feed.traffic.requests == {"changes": 3}
    assert scraped.scrape(scraped.tmdb).requests <= 4  # the day's earlier changes, named again
    server.changes.clear()


def test_an_idle_month_is_walked_in_windows_of_fourteen_days(scraped):
    store = scraped.tmdb.store(scraped.lake)
    in_a_month = datetime.now(UTC) + timedelta(days=30)
    assert scraped.tmdb.ask_changes(scraped.items, store, now=in_a_month).traffic.requests == {
        "changes": 3
    }


def test_expired_articles_are_compared_by_revision_and_only_changed_ones_fetched(scraped):
    server = scraped.wikimedia_server
    film = scraped.films[9]
    server.edit(film.article, server.articles[film.article].replace("wakes up", "falls asleep"))
    summary = scraped.scrape(scraped.wikipedia, days=31)
    assert summary.due == {"expired": N}
    assert summary.traffic.requests == {"sparql": 2, "revision": N / 50, "content": 1}
    assert summary.results == {"unchanged": N - 1, "ok": 1}
    assert scraped.text(scraped.wikipedia, "Plot")[10].startswith("Hero 9 falls asleep.")


def test_expired_entities_are_compared_by_revision(scraped):
    scraped.wikimedia_server.edit_entity(scraped.films[0].qid)
    summary = scraped.scrape(scraped.wikidata, days=31)
    assert summary.results == {"unchanged": N - 1, "ok": 1}
    assert summary.traffic.requests["entities"] == 1


def test_a_quiet_day_at_wikimedia_is_a_call_for_fifty_items(scraped):
    for source in (scraped.wikipedia, scraped.wikidata):
        look = source.ask_changes(scraped.items, source.store(scraped.lake))
        assert look.traffic.requests == {"revision": N / 50}
        assert not look.due["changed"]
        assert scraped.scrape(source).requests == 0


def test_an_edit_is_followed_the_next_day_and_nothing_else_is_fetched(scraped):
    server, edited = scraped.wikimedia_server, [20, 120, 220, 320]  # item ids: 1 %
    for item_id in edited:
        film = scraped.films[item_id - 1]
        server.edit(film.article, server.articles[film.article].replace("travels", "strolls"))
        server.edit_entity(film.qid)
    for source, fetched in ((scraped.wikipedia, "content"), (scraped.wikidata, "entities")):
        look = source.ask_changes(scraped.items, source.store(scraped.lake))
        assert look.traffic.requests == {"revision": N / 50}
        summary = scraped.scrape(source)
        assert (summary.due, summary.results) == ({"changed": 4}, {"ok": 4})
        assert summary.traffic.requests[fetched] == 1
        assert summary.requests <= 4  # the ids mapped anew, revisions, texts, names
        assert scraped.scrape(source).requests == 0
    plots = scraped.text(scraped.wikipedia, "Plot")
    assert {i for i, plot in plots.items() if "strolls" in plot} == set(edited)


def test_a_new_item_needs_only_its_tmdb_id(scraped):
    film = made_up_films(N + 1)[N]
    scraped.tmdb_server.films[film.tmdb_id] = film
    scraped.wikimedia_server.add(film)
    item, collected, summaries = scrape_new_item(9999, film.tmdb_id, scraped.sources, scraped.lake)
    assert item.select("title", "year", "imdb_id").row(0) == (film.title, film.year, film.imdb_id)
    labels = dict(collected.fields.select("label", "text").iter_rows())
    assert labels["Plot"] == film.plot
    assert labels["Overview"] == film.overview
    assert collected.identity["used"].all()
    assert [summary.requests for summary in summaries][:2] == [1, 2]


def test_tmdb_is_told_who_asks(scraped):
    assert scraped.tmdb_server.user_agents == {"recfeat_pipeline/0.1.0 (tests) httpx"}
