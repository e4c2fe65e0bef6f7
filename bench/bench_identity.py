"""Whether pages are believed: right pairs kept, wrong pairs refused, on ml-latest-small.

``python -m bench identity --data DIR``: DIR holds ``ml-latest-small/movies.csv`` and
``movie_text.parquet``, whose Wikipedia titles and introductions are read as a source's pages. Each
page is offered as if found by the row's own IMDb id, the hardest case: nothing but title, year and
creators can tell.
"""

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from recfeat_pipeline.text.clean import fold, plain_title, year_in_title
from recfeat_pipeline.text.identity import people, titles
from recfeat_pipeline.text.identity.witness import Claims, weigh

YEAR = re.compile(r"\b(18[89]\d|19\d\d|20[012]\d)\b")
DIRECTED = re.compile(
    r"directed(?: and \w+|, \w+,?)* by ([^.;(]*?)(?:,? (?:and )?(?:starring|written|produced|from|"
    r"based|with|in|about|adapted|for|who|which|that|as|featuring|released|co-|is|was)\b|[.;(]|$)"
)
ALIAS = re.compile(r"\s*\(([^()]{4,})\)(?=.*\(\d{4}\)$)")
Pair = tuple[Claims, Claims]


def run(arguments: list[str] | None = None) -> list[dict]:
    parser = argparse.ArgumentParser(prog="python -m bench identity")
    parser.add_argument("--data", type=Path, help="folder of the data; without it, no measure")
    data = parser.parse_args(arguments or []).data
    if data is None:
        return []
    rows = list(_rows(data))
    items, pages = [item for item, _ in rows], [page for _, page in rows]
    wrong = {
        "shifted by one row": list(zip(items[:-1], pages[1:], strict=True)),
        "shifted, year within one": [
            pair for pair in zip(items[:-1], pages[1:], strict=True) if _gap(pair) <= 1
        ],
        "same title, another film": list(_namesakes(rows)),
        "of one series": list(_series(rows)),
    }
    right = {"as they are": rows, "under its other title alone": list(_renamed(rows))}
    found = [_row(f"right pairs kept: {name}", pairs, True) for name, pairs in right.items()]
    found += [_row(f"wrong pairs refused: {name}", pairs, False) for name, pairs in wrong.items()]
    silent = {name: [_anonymous(pair) for pair in pairs] for name, pairs in wrong.items()}
    found += [
        _row(f"the same without creators: {name}", pairs, False) for name, pairs in silent.items()
    ]
    found += [_row("right pairs kept without creators", [*map(_anonymous, rows)], True)]
    return [*found, *_levels("right", rows), *_levels("shifted", wrong["shifted by one row"])]


def _rows(data: Path) -> Iterator[Pair]:
    """The catalogue's claims and its right page's."""
    movies = pl.read_csv(data / "ml-latest-small" / "movies.csv").select(
        item_id="movieId", ml="title"
    )
    texts = pl.read_parquet(data / "movie_text.parquet").filter(
        pl.col("wikipedia_title").is_not_null()
    )
    for row in movies.join(texts, on="item_id").sort("item_id").iter_rows(named=True):
        year = year_in_title(row["ml"])
        imdb_id = f"tt{row['imdb_id']:07d}"
        item = Claims([row["ml"]], [year] if year else [], row["directors"], imdb_id)
        intro = row["wikipedia_intro"]
        directed = DIRECTED.search(intro[:500])
        years = [int(year) for year in YEAR.findall(intro[:300])[:1]]
        yield (
            item,
            Claims(
                [unquote(row["wikipedia_title"]).replace("_", " ")],
                years,
                [directed[1]] if directed else [],
            ),
        )


def _namesakes(rows: list[Pair]) -> Iterator[Pair]:
    named = defaultdict(list)
    for item, page in rows:
        named[fold(plain_title(item.titles[0]))].append((item, page))
    for group in named.values():
        for item, _ in group:
            yield from ((item, page) for other, page in group if other is not item)


def _series(rows: list[Pair]) -> Iterator[Pair]:
    """Films whose titles share their first two words, or all but a number."""
    named = defaultdict(list)
    for item, page in rows:
        words = [w for w in fold(plain_title(item.titles[0])).split() if w not in ("the", "a")]
        named[" ".join(words[:2])].append((" ".join(words), item, page))
    for group in named.values():
        for name, item, _ in group:
            yield from ((item, page) for other, _, page in group if other != name)


def _renamed(rows: list[Pair]) -> Iterator[Pair]:
    """Films with a title in parentheses, under that title alone."""
    for item, page in rows:
        if alias := ALIAS.search(item.titles[0]):
            yield (
                replace(item, titles=[ALIAS.sub("", item.titles[0])]),
                replace(page, titles=[alias[1].removeprefix("a.k.a. ")]),
            )


def _anonymous(pair: Pair) -> Pair:
    return replace(pair[0], creators=[]), pair[1]


def _gap(pair: Pair) -> float:
    item, page = pair
    return min((abs(a - b) for a in item.years for b in page.years), default=float("inf"))


def _row(name: str, pairs: list[Pair], kept: bool) -> dict:
    rights = sum(weigh(item, page, "imdb_id").is_for is kept for item, page in pairs)
    return {
        "name": name,
        "value": 100 * rights / max(len(pairs), 1),
        "unit": "%",
        "against": f"{rights:,} of {len(pairs):,}",
    }


def _levels(name: str, pairs: list[Pair]) -> Iterator[dict]:
    """How often titles and creators agree: what the witness's weights are judged by."""
    for what, compare in (("title", titles.compare), ("creator", people.compare)):
        attribute = {"title": "titles", "creator": "creators"}[what]
        levels = [compare(getattr(a, attribute), getattr(b, attribute)) for a, b in pairs]
        known = [level for level in levels if level]
        for level in dict.fromkeys(sorted(known)):
            share = 100 * known.count(level) / len(known)
            yield {"name": f"{name}: {what} {level}", "value": share, "unit": "%",
                   "against": f"{len(known):,} that can be compared"}  # fmt: skip


if __name__ == "__main__":
    for result in run(sys.argv[1:]):
        print(f"{result['name']:55} {result['value']:8.2f} {result['unit']} {result['against']}")
