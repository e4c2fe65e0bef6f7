"""A lake, the loopback sources and quick clients for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from recfeat_pipeline.lake import Lake
from recfeat_pipeline.text.http import Pace
from recfeat_pipeline.text.mediawiki import Wikimedia
from recfeat_pipeline.text.source import ScrapeSummary, Source
from recfeat_pipeline.text.sources.tmdb import Tmdb
from recfeat_pipeline.text.sources.wikidata import Wikidata
from recfeat_pipeline.text.sources.wikipedia import Wikipedia
from recfeat_pipeline_tests.servers.films import Film, items_of
from recfeat_pipeline_tests.servers.tmdb_server import KEY, TmdbServer
from recfeat_pipeline_tests.servers.wikimedia_server import WikimediaServer

QUICK = {"backoff": 0.002, "cool_down": 0.02, "attempts": 3}


@dataclass
class World:
    films: list[Film]
    items: pl.DataFrame
    lake: Lake
    tmdb_server: TmdbServer
    wikimedia_server: WikimediaServer
    tmdb: Tmdb
    wikipedia: Wikipedia
    wikidata: Wikidata

    @property
    def sources(self) -> list[Source]:
        return [self.tmdb, self.wikipedia, self.wikidata]

    def scrape(self, source: Source, days: float = 0) -> ScrapeSummary:
        """Scrape as if ``days`` from now."""
        now = datetime.now(UTC) + timedelta(days=days)
        return source.scrape(self.items, source.store(self.lake), now=now)

    def text(self, source: Source, label: str) -> dict[int, str]:
        """Item → the text of one label as it stands."""
        raw = source.raw(self.items, source.store(self.lake))
        fields = source.fields(raw).filter(pl.col("label") == label)
        return dict(fields.select("item_id", "text").iter_rows())

    def status(self, source: Source) -> pl.DataFrame:
        return source.store(self.lake).status(source.keyed(self.items))


@contextmanager
def world(folder: Path, films: list[Film]) -> Iterator[World]:
    """Both servers with these films, and sources that ask them fast."""
    with TmdbServer(films) as tmdb_server, WikimediaServer(films) as wikimedia_server:
        tmdb_server.retry_after = wikimedia_server.retry_after = "0"
        url = wikimedia_server.url
        wikimedia = Wikimedia(
            url, f"{url}/wikidata", f"{url}/sparql", "tests", Pace(rate=400, timeout=10, **QUICK)
        )
        lake = Lake(folder)
        lake.remember(n_shards=4)  # fewer small files
        yield World(
            films,
            items_of(films),
            lake,
            tmdb_server,
            wikimedia_server,
            Tmdb(
                tmdb_server.url,
                KEY,
                Pace(rate=1000, workers=8, timeout=5, **QUICK),
                contact="tests",
            ),
            Wikipedia(wikimedia),
            Wikidata(wikimedia),
        )
