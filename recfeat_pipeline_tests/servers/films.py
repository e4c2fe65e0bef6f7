"""The films that the loopback TMDB and Wikimedia servers know: one world, so that ids agree."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from recfeat_pipeline.text.clean import plain_title, year_in_title


@dataclass
class Film:
    tmdb_id: int
    imdb_id: str | None
    title: str
    year: int
    directors: list[str] = field(default_factory=list)
    cast: list[str] = field(default_factory=list)
    genres: list[str] = field(default_factory=list)
    keywords: list[str] = field(default_factory=list)
    overview: str = ""
    tagline: str = ""
    plot: str = ""
    intro: str = ""
    article: str | None = None  # title of the Wikipedia article
    kind: str = "movie"  # of TMDB: "movie" or "tv"
    other_titles: list[str] = field(default_factory=list)
    translations: dict[str, str] = field(default_factory=dict)  # language -> overview
    reviews: list[str] = field(default_factory=list)

    @property
    def qid(self) -> str:
        return f"Q{1_000_000 + self.tmdb_id}"

    def changed(self, **updates: object) -> "Film":
        return replace(self, **updates)


def made_up_films(n: int) -> list[Film]:
    """``n`` films with distinct names, people and texts."""
    return [
        Film(
            tmdb_id=100 + i,
            imdb_id=f"tt{5000 + i:07d}",
            title=f"Film Number {i}",
            year=1950 + i % 70,
            directors=[f"Dana Director{i}"],
            cast=[f"Actor{i} One{i}", f"Actor{i} Two{i}"],
            genres=["Drama", "Comedy"][: 1 + i % 2],
            keywords=[f"keyword{i % 17}", "friendship"],
            overview=f"In film {i}, somebody wants something and learns number {i}.",
            tagline=f"Number {i} is near.",
            plot=f"Hero {i} wakes up. Hero {i} travels far. Hero {i} comes home changed.",
            intro=f"Film Number {i} is a film directed by Dana Director{i}.",
            article=f"Film Number {i}",
        )
        for i in range(n)
    ]


def films_of_frame(frame: pl.DataFrame) -> list[Film]:
    """Films of a frame laid out as ``movie_text.parquet``; items without a TMDB id drop out."""
    films = []
    for row in frame.drop_nulls("tmdb_id").unique("tmdb_id").sort("tmdb_id").iter_rows(named=True):
        films.append(
            Film(
                tmdb_id=row["tmdb_id"],
                imdb_id=f"tt{row['imdb_id']:07d}" if row["imdb_id"] else None,
                title=plain_title(row["title"]),
                year=year_in_title(row["title"]) or 1990,
                directors=row["directors"] or [],
                cast=row["cast"] or [],
                genres=(row["genres"] or "").split("|"),
                keywords=row["keywords"] or [],
                overview=row["overview"] or "",
                tagline=row["tagline"] or "",
                plot=row["plot"] or "",
                intro=row["wikipedia_intro"] or "",
                article=(row["wikipedia_title"] or "").replace("_", " ") or None,
            )
        )
    return films


def films_of_folder(data: str | None) -> list[Film]:
    """Films of the shared data folder, or made-up ones."""
    if data is None:
        return made_up_films(1000)
    return films_of_frame(pl.read_parquet(Path(data) / "movie_text.parquet"))


def items_of(films: list[Film]) -> pl.DataFrame:
    """The films as a catalogue's items: item 1 is the first film."""
    return pl.DataFrame(
        {
            "item_id": range(1, len(films) + 1),
            "title": [f"{film.title} ({film.year})" for film in films],
            "year": [film.year for film in films],
            "imdb_id": [film.imdb_id for film in films],
            "tmdb_id": [film.tmdb_id for film in films],
            "creators": [film.directors for film in films],
        },
        schema_overrides={"year": pl.Int32, "imdb_id": pl.String, "tmdb_id": pl.Int64,
                          "creators": pl.List(pl.String)},
    )  # fmt: skip
