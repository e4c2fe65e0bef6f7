"""Scraping at the allowed rate, its memory, what a quiet day costs, parsing, and documents.

``python -m bench.bench_text 10000 1000000`` scrapes 10,000 films at TMDB's 25 requests a second and
assembles a million documents.
"""

import hashlib
import multiprocessing
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

import mwparserfromhell
import polars as pl

from recfeat_pipeline.lake import Lake
from recfeat_pipeline.text.documents import build_documents
from recfeat_pipeline.text.http import Pace
from recfeat_pipeline.text.mediawiki import Wikimedia
from recfeat_pipeline.text.sources.tmdb import Tmdb
from recfeat_pipeline.text.sources.wikipedia import Wikipedia
from recfeat_pipeline.text.wikitext.articles import read_film
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


def run(n: int = 600, documents: int = 100_000) -> list[dict]:
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
        look = wikipedia.ask_changes(items, wikipedia.store(lake))
        edited = wikipedia.scrape(items, wikipedia.store(lake))
        rows.append(
            row("wikipedia: day with 1 % changed", look.requests + edited.requests, "requests",
                f"{look.requests} light ones; {edited.results['ok']} articles fetched")
        )  # fmt: skip
        later = datetime.now(UTC) + timedelta(days=31)
        month = wikipedia.scrape(items, wikipedia.store(lake), now=later)
        rows.append(
            row("wikipedia: all expired, none changed", month.results["ok"], "articles fetched",
                f"{month.results['unchanged']:,} unchanged, {month.requests} requests")
        )  # fmt: skip
    here.send(0)
    server.join()
    return [*rows, parsing(), *assembling(documents)]


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


def assembling(n: int, shards: int = 64) -> list[dict]:
    """Documents of a large catalogue, shard by shard, against joining and hashing their lines."""
    size = n // shards
    lines = {
        "Director": ("catalog", "Dana Director"),
        "Cast": ("tmdb", ", ".join(f"Player Number{i}" for i in range(30))),
        "Overview": ("tmdb", "Somebody wants something and learns what it costs. " * 6),
        "Plot": ("wikipedia", "The hero wakes up, travels far and comes home changed. " * 60),
        "Nominations": ("wikidata", "Academy Award for Best Picture (1998)"),
    }
    memory, seconds, bare = [], 0.0, 0.0
    hashes: set[bytes] = set()  # as bytes: the bench's own memory stays small beside the work's
    for shard in range(shards):
        items = pl.DataFrame({"item_id": range(shard * size, (shard + 1) * size)}).with_columns(
            title=pl.format("Film Number {}", "item_id"), year=pl.lit(1999, pl.Int32)
        )
        fields = pl.concat(
            [
                items.select(
                    "item_id",
                    source=pl.lit(source),
                    label=pl.lit(label),
                    position=pl.lit(position, pl.Int32),
                    text=pl.format("Number {}. {}", "item_id", pl.lit(text)),
                )
                for position, (label, (source, text)) in enumerate(lines.items())
            ]
        )
        started = time.process_time()
        built = build_documents(items, fields)
        seconds += time.process_time() - started
        hashes.update(bytes.fromhex(h)[:8] for h in built["content_hash"])
        started = time.process_time()
        for text in built["text"]:
            hashlib.sha256("\n".join(text.split("\n")).encode()).hexdigest()
        bare += time.process_time() - started
        memory.append(resident_mib() - len(hashes) * 100 / 2**20)
    assert len(hashes) == shards * size, "a content hash stands for two documents"
    warm = memory[shards // 8]
    return [
        row("documents: assemble and hash", seconds / bare, "× bare join",
            f"{shards * size:,} documents, {1e6 * seconds / (shards * size):.0f} µs of CPU each"),
        row("documents: memory at the end", memory[-1] / warm, "×",
            f"{warm:.0f} MiB after an eighth, {size:,} documents a shard"),
    ]  # fmt: skip


def row(name: str, value: float, unit: str, against: str) -> dict:
    return {"name": name, "value": value, "unit": unit, "against": against}


if __name__ == "__main__":
    for result in run(*map(int, sys.argv[1:])):
        print(
            f"{result['name']:38} {result['value']:10.3g} {result['unit']:18} {result['against']}"
        )
