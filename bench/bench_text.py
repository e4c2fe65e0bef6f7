"""Scraping at the allowed rate, its memory, what a quiet day costs, and parsing articles.

``python -m bench.bench_text 10000`` scrapes 10,000 films at TMDB's 25 requests a second.
"""

import multiprocessing
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

import mwparserfromhell

from recfeat_pipeline.lake import Lake
from recfeat_pipeline.text.http import Pace
from recfeat_pipeline.text.mediawiki import Wikimedia
from recfeat_pipeline.text.tmdb import Tmdb
from recfeat_pipeline.text.wikipedia import Wikipedia
from recfeat_pipeline.text.wikitext import read_film
from recfeat_pipeline_tests.servers.articles import wikitext_of
from recfeat_pipeline_tests.servers.films import Film, items_of, made_up_films
from recfeat_pipeline_tests.servers.tmdb_server import KEY, TmdbServer
from recfeat_pipeline_tests.servers.wikimedia_server import WikimediaServer

TMDB_RATE, WIKIMEDIA_RATE = 25.0, 3.0
LATENCY = 0.15  # seconds, as a request across an ocean takes


def films(n: int) -> list[Film]:
    """Films whose records and articles are as large as real ones."""
    return [
        film.changed(cast=[f"Player Number{i}" for i in range(150)], plot=film.plot * 60)
        for film in made_up_films(n)
    ]


def serve(n: int, pipe: Connection) -> None:
    """Both servers in a process of their own, so that memory and time are the scraper's alone."""
    known = films(n)
    with (
        TmdbServer(known, latency=LATENCY, limit=40) as tmdb,
        WikimediaServer(known, latency=LATENCY) as wikimedia,
    ):
        pipe.send((tmdb.url, wikimedia.url))
        while change := pipe.recv():
            for film in known[:change]:
                tmdb.change(film.tmdb_id, overview="Changed.")
                wikimedia.edit(film.article, wikitext_of(film) + "Changed.")
            pipe.send(True)


def resident_mib() -> float:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def run(n: int = 600) -> list[dict]:
    here, there = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(n, there), daemon=True
    )
    server.start()
    tmdb_url, url = here.recv()
    items = items_of(made_up_films(n))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        tmdb = Tmdb(tmdb_url, KEY, Pace(rate=TMDB_RATE, workers=12))
        wikipedia = Wikipedia(
            Wikimedia(url, f"{url}/wikidata", f"{url}/sparql", "bench", Pace(rate=WIKIMEDIA_RATE))
        )
        memory: list[float] = []
        for source in (tmdb, wikipedia):
            memory.clear()
            store = source.store(lake)
            first = source.scrape(
                items, store, progress=lambda done, total: memory.append(resident_mib())
            )
            if source is tmdb:  # Wikimedia is asked serially: its pace is the answer's
                kept = first.requests / first.seconds / TMDB_RATE
                rows.append(row("tmdb: rate kept", kept, "×", f"{TMDB_RATE:g} requests/s allowed"))
            warm = memory[len(memory) // 5]  # after imports, pools and first segments
            second = source.scrape(items, store).requests
            rows += [
                row(f"{source.name}: memory at the end", memory[-1] / warm, "×",
                    f"{warm:.0f} MiB after a fifth"),
                row(f"{source.name}: first run", first.requests, "requests", f"{n:,} films"),
                row(f"{source.name}: second run", second, "requests", f"{n:,} films"),
            ]  # fmt: skip
        here.send(max(1, n // 100))
        here.recv()
        feed = tmdb.ask_changes(items, tmdb.store(lake))
        day = feed.requests + tmdb.scrape(items, tmdb.store(lake)).requests
        rows.append(row("tmdb: day with 1 % changed", day / n, "of first run", "0.01 and the feed"))
        later = datetime.now(UTC) + timedelta(days=31)
        month = wikipedia.scrape(items, wikipedia.store(lake), now=later)
        rows.append(
            row("wikipedia: all expired, 1 % changed", month.results["ok"], "articles fetched",
                f"{month.results['unchanged']:,} unchanged, {month.requests} requests")
        )  # fmt: skip
    here.send(0)
    server.join()
    return [*rows, parsing()]


def parsing(n: int = 50) -> dict:
    """Reading a film against the bare parse of its whole article by the same library."""
    articles = [
        wikitext_of(film).replace(
            "Filming took place", "[[Filming]] took place<ref>{{cite}}</ref> " * 300
        )
        for film in films(n)
    ]
    seconds = []
    for work in (read_film, mwparserfromhell.parse):
        started = time.perf_counter()
        for article in articles:
            work(article)
        seconds.append(time.perf_counter() - started)
    size = sum(map(len, articles)) / n / 1000
    return row(
        "parse a film article",
        seconds[0] / seconds[1],
        "×",
        f"whole-page parse, {size:.0f} kB, {1000 * seconds[0] / n:.1f} ms each",
    )


def row(name: str, value: float, unit: str, against: str) -> dict:
    return {"name": name, "value": value, "unit": unit, "against": against}


if __name__ == "__main__":
    for result in run(int(sys.argv[1]) if len(sys.argv) > 1 else 600):
        print(
            f"{result['name']:38} {result['value']:10.3g} {result['unit']:18} {result['against']}"
        )
